//! The correlation ids of errors, in each place where requests can carry them.

use http::{HeaderName, StatusCode};
use serde_json::{Value, json};
use sessions_client::{
    Caller, CorrelationPlace, Encoding, Error, ErrorKind, ISessionsV1, Response, Result,
    SessionsHttpClientV1, Transport, sessions_v1, transport_fn,
};

const PLACES: [CorrelationPlace; 3] =
    [CorrelationPlace::Query, CorrelationPlace::Headers, CorrelationPlace::Both];

fn client<T: Transport>(transport: T, place: CorrelationPlace) -> SessionsHttpClientV1<Value, Value, T> {
    SessionsHttpClientV1::from_caller(Caller::new(transport).with_correlation_place(place))
}

/// A client that calls the id `trace_id`.
fn renaming<T: Transport>(transport: T, place: CorrelationPlace) -> SessionsHttpClientV1<Value, Value, T> {
    let mut encoding = Encoding::default();
    encoding.correlation_place = place;
    encoding.correlation_name = Some(HeaderName::from_static("trace_id"));
    SessionsHttpClientV1::from_caller(Caller::new(transport).with_encoding(encoding))
}

fn response(status: u16, body: &str) -> Response {
    let mut response = Response::new(body.to_owned().into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

#[tokio::test]
async fn every_error_of_a_call_has_its_correlation_id() {
    for place in PLACES {
        let endings: [fn() -> Result<Response>; 5] = [
            || Err(Error::new(ErrorKind::Connect, "broken")),
            || Ok(response(500, r#"{"code":"A","message":"b","correlation_id":"theirs"}"#)),
            || Ok(response(502, "<html>")),
            || Ok(response(200, "{")),
            || Ok(response(200, "7")),
        ];
        for ending in endings {
            let transport = transport_fn(move |_| std::future::ready(ending()));
            for client in [client(transport, place), renaming(transport, place)] {
                let error = client.get_session_by_id(Some("id 1"), "1").await.unwrap_err();
                assert_eq!(error.correlation_id(), Some("id 1"), "{error}");
                let printed = format!("{error} {error:?} {error:#?}");
                assert!(!printed.contains("id 1") && !printed.contains("theirs"), "{printed}");
            }
        }
    }
}

#[tokio::test]
async fn the_correlation_id_of_an_error_is_not_escaped() {
    let needs_escaping = "ü 1/2 & 100%+?=#%41";
    let client = client(transport_fn(|_| std::future::ready(Ok(response(500, "")))), CorrelationPlace::Query);
    let error = client.get_session_by_id(Some(needs_escaping), "1").await.unwrap_err();
    assert_eq!(error.correlation_id(), Some(needs_escaping));
}

#[tokio::test]
async fn an_encode_error_has_the_correlation_id() {
    for place in PLACES {
        let transport = transport_fn(|_| async { unreachable!() });
        for client in [client(transport, place), renaming(transport, place)] {
            let error = client.store_session_data(Some("id 1"), "1", &Value::Null).await.unwrap_err();
            assert_eq!((error.kind(), error.correlation_id()), (ErrorKind::Encode, Some("id 1")));
        }
    }
}

#[tokio::test]
async fn without_a_correlation_id_the_one_of_the_service_is_reported() {
    let body = json!({ "code": "A", "message": "b", "correlation_id": "theirs" }).to_string();
    for place in PLACES {
        let body = body.clone();
        let client = client(transport_fn(move |_| std::future::ready(Ok(response(500, &body)))), place);
        for id in [None, Some("")] {
            let error = client.get_session_by_id(id, "1").await.unwrap_err();
            assert_eq!(error.correlation_id(), Some("theirs"));
            assert_eq!(error.service().unwrap().correlation_id.as_deref(), Some("theirs"));
        }
    }
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let decoded: Result<Option<sessions_client::SessionV1>> = sessions_v1::GetSessionById::decode(response);
    assert_eq!(decoded.unwrap_err().correlation_id(), Some("theirs"), "without a client too");
}

#[tokio::test]
async fn without_any_correlation_id_an_error_has_none() {
    for body in ["", r#"{"code":"A","correlation_id":null}"#, r#"{"code":"A","correlation_id":""}"#] {
        let client = client(
            transport_fn(move |_| std::future::ready(Ok(response(500, body)))),
            CorrelationPlace::Both,
        );
        let error = client.get_session_by_id(None, "1").await.unwrap_err();
        assert_eq!(error.correlation_id(), None);
    }
}
