//! Return types: `()`, `Option`, values with the status and headers of their response.

use bytes::Bytes;
use http::{Request, StatusCode};
use serde::de::IgnoredAny;
use std::sync::{Arc, Mutex};
use wiretrait::codec::{Binary, Text};
use wiretrait::test_kit::{Reply, ScriptedTransport};
use wiretrait::{ErrorKind, InProcessTransport, Incoming, Response, ResponseValue, Result, http_api};

/// Alias of a return type without a value.
type UnitResult = Result<()>;

#[http_api(client = PagesClient, module = pages)]
pub(crate) trait Pages {
    #[delete("/unit")]
    async fn unit(&self) -> Result<()>;

    #[delete("/alias")]
    async fn alias(&self) -> UnitResult;

    #[delete("/unit/text", response = Text)]
    async fn unit_text(&self) -> Result<()>;

    #[delete("/unit/head")]
    async fn unit_with_head(&self) -> Result<ResponseValue<()>>;

    #[get("/pages/{id}", none = 404)]
    async fn find(&self, id: u8) -> Result<Option<String>>;

    #[get("/gone/{id}", none = [410, 404, 304])]
    async fn find_gone(&self, id: u8) -> Result<Option<String>>;

    #[get("/text/{id}", none = 404, response = Text)]
    async fn find_text(&self, id: u8) -> Result<Option<String>>;

    #[get("/ready/{id}", none = 202)]
    async fn find_ready(&self, id: u8) -> Result<Option<String>>;

    #[get("/head/{id}", none = 404)]
    async fn find_with_head(&self, id: u8) -> Result<ResponseValue<Option<String>>>;

    #[get("/bytes/{id}", none = 404, response = Binary)]
    async fn bytes_with_head(&self, id: u8) -> Result<ResponseValue<Option<Bytes>>>;

    #[post("/pages")]
    async fn add(&self, #[field] title: &str) -> Result<ResponseValue<String>>;
}

/// A service whose items are "1" to "9".
struct Service;

fn item(id: u8) -> Option<String> {
    (1..=9).contains(&id).then(|| id.to_string())
}

impl Pages for Service {
    async fn unit(&self) -> Result<()> {
        Ok(())
    }
    async fn alias(&self) -> UnitResult {
        Ok(())
    }
    async fn unit_text(&self) -> Result<()> {
        Ok(())
    }
    async fn unit_with_head(&self) -> Result<ResponseValue<()>> {
        ResponseValue::new(()).with_status(StatusCode::ACCEPTED).with_header("location", "/jobs/1")
    }
    async fn find(&self, id: u8) -> Result<Option<String>> {
        Ok(item(id))
    }
    async fn find_gone(&self, id: u8) -> Result<Option<String>> {
        Ok(item(id))
    }
    async fn find_text(&self, id: u8) -> Result<Option<String>> {
        Ok(item(id))
    }
    async fn find_ready(&self, id: u8) -> Result<Option<String>> {
        Ok(item(id))
    }
    async fn find_with_head(&self, id: u8) -> Result<ResponseValue<Option<String>>> {
        ResponseValue::new(item(id)).with_header("etag", "\"7\"")
    }
    async fn bytes_with_head(&self, id: u8) -> Result<ResponseValue<Option<Bytes>>> {
        let value = ResponseValue::new(item(id).map(Bytes::from)).with_header("Content-Type", "image/png")?;
        // Belongs to the connection, so it is not sent.
        value.with_header("content-length", "1000")
    }
    async fn add(&self, title: &str) -> Result<ResponseValue<String>> {
        let value = ResponseValue::new(title.to_owned()).with_status(StatusCode::CREATED);
        value.with_header("set-cookie", "a=1")?.with_header("set-cookie", "b=2")
    }
}

fn client() -> PagesClient<InProcessTransport<pages::Handler<Service>>> {
    PagesClient::new(InProcessTransport::new(pages::Handler::new(Service)))
}

async fn dispatch(method: &str, path: &str) -> Response {
    let request = Request::builder().method(method).uri(path).body(Bytes::new()).unwrap();
    pages::dispatch(&Service, Incoming::from(request)).await
}

fn response(status: u16, body: &'static [u8]) -> Response {
    http::Response::builder().status(status).header("x-id", "7").body(Bytes::from_static(body)).unwrap()
}

#[test]
fn unit_ignores_the_body_of_every_success() {
    for status in [200, 201, 202, 204, 205, 206, 299] {
        for body in [
            &b""[..],
            b"null",
            b"{}",
            br#"{"ok":true}"#,
            b"OK",
            b"<html>",
            b"{\"half",
            b"\xff\xfe\0",
            b"[[[[",
            b"null null",
        ] {
            let what = format!("{status} {body:?}");
            assert!(pages::Unit::decode(response(status, body)).is_ok(), "{what}");
            assert!(pages::Alias::decode(response(status, body)).is_ok(), "{what}");
            assert!(pages::UnitText::decode(response(status, body)).is_ok(), "{what}");
            let with_head = pages::UnitWithHead::decode(response(status, body)).unwrap();
            assert_eq!(
                (with_head.status().as_u16(), with_head.header("x-id")),
                (status, Some("7")),
                "{what}"
            );
            assert!(
                wiretrait::decode::<Result<IgnoredAny>>(pages::UNIT, response(status, body)).is_ok(),
                "{what}"
            );
        }
    }
}

#[test]
fn a_body_of_white_space_is_absent() {
    for body in [&b""[..], b"\r\n", b" \t\n", b"\xef\xbb\xbf\n"] {
        assert_eq!(pages::Find::decode(response(200, body)).unwrap(), None, "{body:?}");
        let error = pages::Add::decode(response(200, body)).unwrap_err();
        assert!(error.to_string().contains("is empty"), "{error}");
    }
}

#[test]
fn unit_is_an_error_for_every_other_status() {
    for status in [100, 199, 300, 304, 400, 404, 500, 599] {
        for error in [
            pages::Unit::decode(response(status, b"{}")).unwrap_err(),
            pages::Alias::decode(response(status, b"{}")).unwrap_err(),
            pages::UnitText::decode(response(status, b"{}")).unwrap_err(),
            pages::UnitWithHead::decode(response(status, b"{}")).unwrap_err(),
        ] {
            assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        }
    }
}

#[test]
fn values_inside_of_a_body_are_still_checked() {
    // Only the whole body is ignored.
    let error = wiretrait::decode::<Result<Vec<()>>>(pages::UNIT, response(200, b"[{}]")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(wiretrait::decode::<Result<Vec<()>>>(pages::UNIT, response(200, b"[null] x")).is_err());
    assert!(wiretrait::decode::<Result<String>>(pages::UNIT, response(200, b"\"a\" x")).is_err());
}

#[test]
fn declared_statuses_have_no_value_whatever_their_body() {
    for body in [&b""[..], b"<html>", br#"{"code":"not_found"}"#, b"\"text\""] {
        assert_eq!(pages::Find::decode(response(404, body)).unwrap(), None);
        for status in [410, 404, 304] {
            assert_eq!(pages::FindGone::decode(response(status, body)).unwrap(), None);
        }
        assert_eq!(pages::FindText::decode(response(404, body)).unwrap(), None);
        assert_eq!(pages::FindReady::decode(response(202, body)).unwrap(), None);
        let with_head = pages::FindWithHead::decode(response(404, body)).unwrap();
        assert_eq!((with_head.status().as_u16(), with_head.header("x-id")), (404, Some("7")));
        assert_eq!(with_head.into_inner(), None);
        assert_eq!(pages::BytesWithHead::decode(response(404, body)).unwrap().into_inner(), None);
    }
    assert_eq!(pages::Find::decode(response(200, b"\"a\"")).unwrap().as_deref(), Some("a"));
    assert_eq!(pages::Find::decode(response(204, b"")).unwrap(), None);
    assert_eq!(pages::Find::decode(response(200, b"null")).unwrap(), None);
}

#[test]
fn other_statuses_stay_errors() {
    for status in [304, 400, 410, 500] {
        let error = pages::Find::decode(response(status, b"")).unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
    }
    let error = pages::FindGone::decode(response(403, b"")).unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN));
}

#[test]
fn routes_list_the_statuses_of_none() {
    assert_eq!(pages::UNIT.none, &[] as &[StatusCode]);
    assert_eq!(pages::FIND.none, [404]);
    assert_eq!(pages::FIND_GONE.none, [410, 404, 304]);
}

#[tokio::test]
async fn service_sends_the_first_declared_status() {
    for (path, status) in [
        ("/pages/0", 404),
        ("/gone/0", 410),
        ("/text/0", 404),
        ("/ready/0", 202),
        ("/head/0", 404),
        ("/bytes/0", 404),
    ] {
        let response = dispatch("GET", path).await;
        assert_eq!((response.status().as_u16(), response.body().len()), (status, 0), "{path}");
    }
    for path in ["/unit", "/alias"] {
        assert_eq!(dispatch("DELETE", path).await.status(), 204, "{path}");
    }
}

#[tokio::test]
async fn service_sends_its_status_and_headers() {
    let response = dispatch("GET", "/head/1").await;
    assert_eq!((response.status().as_u16(), &response.body()[..]), (200, &b"\"1\""[..]));
    assert_eq!(response.headers()["etag"], "\"7\"");
    assert_eq!(response.headers()["content-type"], "application/json");
    let response = dispatch("GET", "/bytes/1").await;
    assert_eq!(response.headers()["content-type"], "image/png");
    assert!(!response.headers().contains_key("content-length"));
}

#[tokio::test]
async fn values_and_their_heads_pass_through_client_and_service() {
    for id in [0, 1] {
        let expected = item(id);
        assert_eq!(client().find(id).await.unwrap(), expected);
        assert_eq!(client().find_gone(id).await.unwrap(), expected);
        assert_eq!(client().find_text(id).await.unwrap(), expected);
        assert_eq!(client().find_ready(id).await.unwrap(), expected);
        let found = client().find_with_head(id).await.unwrap();
        assert_eq!(found.status(), if id == 0 { 404 } else { 200 });
        assert_eq!(found.header("etag"), Some("\"7\""));
        assert_eq!(*found, expected);
        let bytes = client().bytes_with_head(id).await.unwrap();
        assert_eq!(bytes.header("content-type"), Some("image/png"));
        assert_eq!(bytes.into_inner(), expected.map(Bytes::from));
    }
    client().unit().await.unwrap();
    client().alias().await.unwrap();
    client().unit_text().await.unwrap();
    let accepted = client().unit_with_head().await.unwrap();
    assert_eq!((accepted.status(), accepted.header("location")), (StatusCode::ACCEPTED, Some("/jobs/1")));
    let added = client().add("Emma").await.unwrap();
    assert_eq!((added.status(), &**added), (StatusCode::CREATED, "Emma"));
    assert_eq!(added.headers().get_all("set-cookie").iter().count(), 2);
    assert_eq!(added.map(|title| title.len()).into_inner(), 4);
}

#[tokio::test]
async fn heads_pass_through_trait_objects() {
    let dynamic: Arc<dyn DynPages> = Arc::new(client());
    assert_eq!(dynamic.find_with_head(1).await.unwrap().header("etag"), Some("\"7\""));
    assert_eq!(pages::FindWithHead::new(0).send(&dynamic).await.unwrap().status(), 404);
}

#[tokio::test]
async fn none_counts_as_a_success() {
    struct Observer(Mutex<Vec<bool>>);
    impl wiretrait::telemetry::CallObserver for Observer {
        fn finished(&self, call: &wiretrait::telemetry::FinishedCall<'_>) {
            let is_success =
                matches!(call.outcome, wiretrait::telemetry::CallOutcome::Ok(status) if status == 404);
            self.0.lock().unwrap().push(is_success);
        }
    }
    let observer = Arc::new(Observer(Mutex::default()));
    let client = client().with_observer(observer.clone());
    client.find(0).await.unwrap();
    assert_eq!(*observer.0.lock().unwrap(), [true]);
}

#[tokio::test]
async fn declared_status_is_not_retried() {
    let transport = ScriptedTransport::new();
    transport.on(pages::FIND, Reply::status(404));
    let config = wiretrait::ClientConfig::from_url("http://localhost").unwrap();
    let client = PagesClient::from_transport(transport.clone(), &config).unwrap();
    assert_eq!(client.find(1).await.unwrap(), None);
    transport.assert_done();
    let raw = client.caller();
    transport.on(pages::FIND, Reply::status(404));
    let raw = raw.call_raw(pages::Find::new(1)).await.unwrap();
    assert_eq!(raw.read::<Option<String>>().unwrap(), None);
}

#[test]
fn debug_shows_neither_value_nor_headers() {
    let value = ResponseValue::new("secret").with_header("x-key", "secret").unwrap();
    assert_eq!(format!("{value:?}"), "ResponseValue { status: 200, .. }");
    let error = value.with_header("x y", "secret").unwrap_err();
    assert_eq!(error.to_string(), "a header of the response has an invalid name");
}

/// A contract in which a status is the whole response.
#[http_api(client = StarsClient, module = stars)]
trait Stars {
    #[get("/stars/{id}", none = 404)]
    async fn is_starred(&self, id: u8) -> Result<Option<()>>;

    #[get("/stars/{id}/head", none = 404, response = Text)]
    async fn star_with_head(&self, id: u8) -> Result<ResponseValue<Option<()>>>;
}

impl Stars for Service {
    async fn is_starred(&self, id: u8) -> Result<Option<()>> {
        Ok(item(id).map(drop))
    }

    async fn star_with_head(&self, id: u8) -> Result<ResponseValue<Option<()>>> {
        Ok(ResponseValue::new(item(id).map(drop)))
    }
}

#[tokio::test]
async fn a_success_without_a_body_is_some_if_statuses_mean_none() {
    for (status, expected) in [(200, Some(())), (204, Some(())), (205, Some(())), (404, None)] {
        let respond = move |_| {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            async move { Ok(response) }
        };
        let client = StarsClient::new(wiretrait::transport_fn(respond));
        assert_eq!(client.is_starred(1).await.unwrap(), expected, "{status}");
        let response = client.star_with_head(1).await.unwrap();
        assert_eq!((response.status().as_u16(), response.into_inner()), (status, expected));
    }
    let client = StarsClient::new(InProcessTransport::new(stars::Handler::new(Service)));
    assert_eq!((client.is_starred(1).await.unwrap(), client.is_starred(0).await.unwrap()), (Some(()), None));
    let (found, missing) = (client.star_with_head(1).await.unwrap(), client.star_with_head(0).await.unwrap());
    assert_eq!((found.status().as_u16(), found.into_inner()), (204, Some(())));
    assert_eq!((missing.status().as_u16(), missing.into_inner()), (404, None));
}

/// A contract whose service chooses the status of each response.
#[http_api(client = ChosenClient, module = chosen)]
trait Chosen {
    #[get("/unit/{status}")]
    async fn unit(&self, status: u16) -> Result<ResponseValue<()>>;

    #[get("/value/{status}")]
    async fn value(&self, status: u16) -> Result<ResponseValue<String>>;

    #[get("/json/{status}/{id}", none = [404, 304])]
    async fn json(&self, status: u16, id: u8) -> Result<ResponseValue<Option<String>>>;

    #[get("/text/{status}/{id}", response = Text)]
    async fn text(&self, status: u16, id: u8) -> Result<ResponseValue<Option<String>>>;

    #[get("/exists/{status}/{id}", none = 503)]
    async fn exists(&self, status: u16, id: u8) -> Result<ResponseValue<Option<()>>>;
}

/// Returns `value` with `status`, or with the status that it has otherwise if it is 0.
fn chosen_status<T>(status: u16, value: T) -> Result<ResponseValue<T>> {
    let value = ResponseValue::new(value).with_header("x-id", "7")?;
    Ok(match StatusCode::from_u16(status) {
        Ok(status) => value.with_status(status),
        Err(_) => value,
    })
}

impl Chosen for Service {
    async fn unit(&self, status: u16) -> Result<ResponseValue<()>> {
        chosen_status(status, ())?.with_header("content-type", "text/plain")
    }
    async fn value(&self, status: u16) -> Result<ResponseValue<String>> {
        chosen_status(status, "a".to_owned())
    }
    async fn json(&self, status: u16, id: u8) -> Result<ResponseValue<Option<String>>> {
        chosen_status(status, item(id))
    }
    async fn text(&self, status: u16, id: u8) -> Result<ResponseValue<Option<String>>> {
        chosen_status(status, item(id))
    }
    async fn exists(&self, status: u16, id: u8) -> Result<ResponseValue<Option<()>>> {
        chosen_status(status, item(id).map(drop))
    }
}

#[tokio::test]
async fn service_sends_a_chosen_status_unless_it_loses_the_value() {
    for (path, status, body) in [
        ("/unit/0", 204, ""),
        ("/unit/200", 200, ""),
        ("/unit/202", 202, ""),
        ("/unit/204", 204, ""),
        ("/unit/205", 205, ""),
        ("/unit/304", 304, ""),
        ("/unit/100", 500, ""),
        ("/unit/101", 500, ""),
        ("/unit/199", 500, ""),
        ("/value/0", 200, "\"a\""),
        ("/value/201", 201, "\"a\""),
        ("/value/100", 500, ""),
        ("/value/204", 500, ""),
        ("/value/205", 500, ""),
        ("/value/304", 500, ""),
        ("/json/0/0", 404, ""),
        ("/json/200/0", 200, ""),
        ("/json/204/0", 204, ""),
        ("/json/304/0", 304, ""),
        ("/json/304/1", 500, ""),
        ("/json/404/1", 500, ""),
        ("/json/206/1", 206, "\"1\""),
        // Empty text would be a value.
        ("/text/200/0", 204, ""),
        ("/text/205/0", 205, ""),
        ("/text/203/1", 203, "1"),
        ("/exists/0/0", 503, ""),
        ("/exists/200/0", 503, ""),
        ("/exists/204/0", 503, ""),
        ("/exists/0/1", 204, ""),
        ("/exists/200/1", 200, ""),
        ("/exists/503/1", 500, ""),
    ] {
        let request = Request::get(path).body(Bytes::new()).unwrap();
        let response = chosen::dispatch(&Service, Incoming::from(request)).await;
        assert_eq!((response.status().as_u16(), &response.body()[..]), (status, body.as_bytes()), "{path}");
        assert_eq!(response.headers().contains_key("x-id"), status != 500, "{path}");
        if matches!(status, 204 | 205 | 304) {
            assert!(!response.headers().contains_key("content-type"), "{path}");
        }
    }
}

#[test]
fn values_without_a_status_equal_those_of_200() {
    let value = ResponseValue::new(1);
    assert_eq!(value.status(), StatusCode::OK);
    assert!(value == value.clone().with_status(StatusCode::OK));
    assert!(value != value.clone().with_status(StatusCode::CREATED));
    assert!(value != ResponseValue::new(2));
}

#[tokio::test(start_paused = true)]
async fn a_transient_status_that_means_none_is_not_retried() {
    let config = wiretrait::ClientConfig::from_url("http://localhost").unwrap();
    let script = ScriptedTransport::new();
    script
        .on(chosen::EXISTS, Reply::status(503))
        .on(chosen::JSON, Reply::status(503).then(Reply::status(404)));
    let client = ChosenClient::from_transport(script.clone(), &config).unwrap();
    assert_eq!(client.exists(0, 0).await.unwrap().into_inner(), None);
    // It is an error of another operation.
    assert_eq!(client.json(0, 0).await.unwrap().into_inner(), None);
    script.assert_done();
}
