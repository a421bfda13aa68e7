//! Another path in front of the routes than the contract's own.

use super::{message, read, refused};
use sessions_client::{
    BaseRoute, Caller, Encoding, ISessionsV1, Operation, Response, Result, SessionsHttpClientV1, http_api,
    sessions_v1, transport_fn,
};

fn encoding(base: &str) -> Encoding {
    read(&[("connection.host", "h"), ("base_route", base)]).encoding()
}

#[test]
fn slashes_around_it_make_no_difference() {
    for base in ["v2/sessions", "/v2/sessions", "v2/sessions/", "//v2/sessions//"] {
        let request = sessions_v1::GetSessionById::new("id").encode_with(&encoding(base)).unwrap();
        assert_eq!(request.uri(), "/v2/sessions/get_session_by_id", "{base}");
    }
}

#[test]
fn the_root_leaves_the_routes_without_a_prefix() {
    let request = sessions_v1::GetSessionById::new("id").correlation_id("1");
    assert_eq!(request.encode_with(&encoding("/")).unwrap().uri(), "/get_session_by_id?correlation_id=1");
}

#[test]
fn the_contracts_own_prefix_is_the_default() {
    let request = sessions_v1::GetSessionById::new("id");
    let by_default = read(&[("connection.host", "h")]).encoding();
    let given = encoding("v1/sessions");
    for encoding in [by_default, given] {
        assert_eq!(request.encode_with(&encoding).unwrap().uri(), "/v1/sessions/get_session_by_id");
    }
}

#[test]
fn what_makes_no_path_is_refused() {
    let alone = "must be a path alone, such as `v1/sessions`, in characters that a URL can have";
    let inside = "must have no empty segments, `.` or `..`: they would lead to another path";
    let escape = "has a `%` that begins no escape: two hex digits follow it, and `%25` is the sign itself";
    for (base, why) in [
        ("", "is empty: write `/` for routes without a prefix"),
        ("v1?x=1", alone),
        ("v1#x", alone),
        ("v1 sessions", alone),
        ("v1/{tenant}", alone),
        ("v1/ü", alone),
        ("v1//sessions", inside),
        ("../v1", inside),
        ("v1/.", inside),
        ("v1/%2E%2e", inside),
        ("v1/100%", escape),
        ("v1/%2", escape),
        ("v1/%zz", escape),
        ("v1/%%41", escape),
        ("v1/%4/1", escape),
    ] {
        assert_eq!(refused(&[("connection.host", "h"), ("base_route", base)]), format!("`base_route` {why}"));
        assert_eq!(message(BaseRoute::new(base)), format!("the base route {why}"));
    }
}

#[allow(dead_code, reason = "only its requests are looked at")]
#[http_api(client = PlainClient, module = plain)]
trait Plain {
    #[get("/{shelf}/books")]
    async fn books(&self, shelf: &str) -> Result<()>;
}

#[allow(dead_code, reason = "only its requests are looked at")]
#[http_api(prefix = "/v1", client = ShelvesClient, module = shelves)]
trait Shelves {
    #[get("/{shelf}/books")]
    async fn books(&self, shelf: &str, #[query] page: Option<u32>) -> Result<()>;
}

#[test]
fn it_holds_for_every_contract_with_and_without_a_prefix() {
    let encoding = encoding("base");
    let plain = plain::Books::new("v1").encode_with(&encoding).unwrap();
    assert_eq!(plain.uri(), "/base/v1/books");
    let shelves = shelves::Books::new("v1").page(2).encode_with(&encoding).unwrap();
    assert_eq!(shelves.uri(), "/base/v1/books?page=2");
}

#[tokio::test]
async fn a_client_sends_it_and_its_views_too() {
    let transport = transport_fn(|call: sessions_client::Call| async move {
        assert_eq!(call.request.uri(), "/base/close_expired_sessions");
        assert_eq!(call.route.path, "/v1/sessions/close_expired_sessions", "metrics keep the contract's own");
        Ok(Response::default())
    });
    let client: SessionsHttpClientV1<sessions_client::Value, sessions_client::Value, _> =
        SessionsHttpClientV1::from_caller(Caller::new(transport).with_encoding(encoding("base")));
    client.close_expired_sessions(None).await.unwrap();
    client.with(sessions_client::CallOptions::new()).close_expired_sessions(None).await.unwrap();
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn an_implementation_in_the_same_process_is_found_whatever_it_is() {
    let config = read(&[("kind", "direct"), ("base_route", "elsewhere")]);
    let memory = sessions_client::SessionsMemoryClientV1::new();
    let client = SessionsHttpClientV1::direct(memory, &config).unwrap();
    client.close_expired_sessions(None).await.unwrap();
}
