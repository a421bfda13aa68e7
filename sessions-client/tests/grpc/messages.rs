//! Requests as messages, and results, errors and metadata of replies.

use crate::server::{KINDS, Reaction, Server, client, config, frame, get, good, open, session};
use http::{HeaderMap, HeaderValue};
use pip_services::CommandableGrpcTransport;
use pip_services::grpc::{ErrorDescription, InvokeReply, InvokeRequest};
use prost::Message;
use serde_json::{Value, json};
use sessions_client::Transport as _;
use sessions_client::grpc::messages::{
    self, Session, SessionObjectReply, SessionOpenRequest, SessionPage, SessionPageReply, SessionPageRequest,
    SessionPayloadRequest,
};
use sessions_client::http::HeaderName;
use sessions_client::{
    ClientKind, ErrorKind, FilterParams, ISessionsV1 as _, PagingParams, SessionsCommandableGrpcClientV1,
    SessionsGrpcClientV1, SessionsGrpcTransportV1,
};
use std::sync::{Arc, Mutex};
use wiretrait::{Result, http_api};

#[tokio::test]
async fn a_call_becomes_the_message_of_its_operation() {
    let server = Server::good().await;
    let sessions = client(ClientKind::Grpc, &config(&server.url));
    let (user, cart) = (json!({ "name": "Änn" }), json!([1.50, "a"]));
    sessions
        .open_session(Some("id-7"), "user-1", Some("Ann"), None, Some("test"), Some(&user), Some(&cart))
        .await
        .unwrap();
    sessions.store_session_data(None, "1", &cart).await.unwrap();
    sessions.update_session_user(None, "2", &user).await.unwrap();
    let request: SessionOpenRequest = server.message(0);
    let expected = SessionOpenRequest {
        correlation_id: "id-7".to_owned(),
        user_id: Some("user-1".to_owned()),
        user_name: Some("Ann".to_owned()),
        address: None,
        client: Some("test".to_owned()),
        user: Some(r#"{"name":"Änn"}"#.to_owned()),
        data: Some(r#"[1.5,"a"]"#.to_owned()),
    };
    assert_eq!(request, expected);
    let payload = |session_id: &str, payload: &str| SessionPayloadRequest {
        correlation_id: String::new(),
        session_id: session_id.to_owned(),
        payload: payload.to_owned(),
    };
    assert_eq!(server.message::<SessionPayloadRequest>(1), payload("1", r#"[1.5,"a"]"#));
    assert_eq!(server.message::<SessionPayloadRequest>(2), payload("2", r#"{"name":"Änn"}"#));
    let paths: Vec<String> = server.received.lock().unwrap().iter().map(|call| call.path.clone()).collect();
    let names = ["open_session", "store_session_data", "update_session_user"];
    assert_eq!(paths, names.map(|name| format!("/sessions_v1.Sessions/{name}")));
}

#[tokio::test]
async fn a_page_has_a_total_only_if_it_was_asked_for() {
    let server = Server::start(|_, _| {
        let page = SessionPage { total: 7, data: vec![session()] };
        Reaction::Message(SessionPageReply { error: None, page: Some(page) }.encode_to_vec())
    })
    .await;
    let sessions = client(ClientKind::Grpc, &config(&server.url));
    let filter = FilterParams::new().user_id("user-1").set("none", None);
    let paging = PagingParams::new().skip(3).take(5).total(true);
    let counted = sessions.get_sessions(None, Some(&filter), Some(&paging)).await.unwrap();
    let all = sessions.get_sessions(None, None, None).await.unwrap();
    assert_eq!((counted.total, counted.data.len(), all.total), (Some(7), 1, None));
    let request: SessionPageRequest = server.message(0);
    assert_eq!(request.filter.into_iter().collect::<Vec<_>>(), [("user_id".to_owned(), "user-1".to_owned())]);
    assert_eq!(request.paging, Some(messages::Paging { skip: 3, take: 5, total: true }));
    assert_eq!(server.message::<SessionPageRequest>(1), SessionPageRequest::default());
}

#[tokio::test]
async fn a_command_is_invoked_with_the_body_of_the_http_request() {
    let server = Server::good().await;
    let base = sessions_client::BaseRoute::new("tenant%207/sessions").unwrap();
    for config in [config(&server.url), config(&server.url).with_base_route(base)] {
        open(&client(ClientKind::CommandableGrpc, &config)).await.unwrap();
    }
    let request: InvokeRequest = server.message(0);
    let arguments: Value = serde_json::from_slice(&request.args_json).unwrap();
    assert_eq!((&*request.method, &*request.correlation_id), ("v1/sessions.open_session", "id-7"));
    assert_eq!((request.args_empty, &arguments["user_id"]), (false, &json!("user-1")));
    assert_eq!(server.message::<InvokeRequest>(1).method, "tenant 7/sessions.open_session");
    assert_eq!(server.received.lock().unwrap()[0].path, "/commandable.Commandable/invoke");
}

#[tokio::test]
async fn an_absent_result_becomes_none() {
    for kind in KINDS {
        let server = Server::start(|_, request| {
            Reaction::Message(if request.path.starts_with("/commandable") {
                InvokeReply { result_empty: true, ..InvokeReply::default() }.encode_to_vec()
            } else {
                Vec::new()
            })
        })
        .await;
        let sessions = client(kind, &config(&server.url));
        assert_eq!(get(&sessions).await.unwrap(), None, "{kind}");
        sessions.close_expired_sessions(None).await.unwrap();
        let error = open(&sessions).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "an opened session must not be absent: {error}");
    }
}

#[tokio::test]
async fn an_error_in_a_reply_is_that_of_the_http_response() {
    let details = [("results".to_owned(), "x".to_owned())];
    for kind in KINDS {
        let details = details.clone();
        let server = Server::start(move |_, request| {
            let details = details.clone().into();
            let (category, code, message) = ("Conflict".to_owned(), "TAKEN".to_owned(), "taken".to_owned());
            let (correlation_id, cause) = ("id-7".to_owned(), "why".to_owned());
            Reaction::Message(if request.path.starts_with("/commandable") {
                let error =
                    ErrorDescription { category, code, correlation_id, status: 409, message, cause, details };
                InvokeReply { error: Some(error), result_empty: true, ..InvokeReply::default() }
                    .encode_to_vec()
            } else {
                let (r#type, status) = (String::new(), String::new());
                let error = messages::ErrorDescription {
                    r#type,
                    category,
                    code,
                    correlation_id,
                    status,
                    message,
                    cause,
                    details,
                };
                SessionObjectReply { error: Some(error), session: None }.encode_to_vec()
            })
        })
        .await;
        let error = open(&client(kind, &config(&server.url))).await.unwrap_err();
        let service = error.service().unwrap();
        assert_eq!(error.status().unwrap().as_u16(), 409, "{kind}");
        assert_eq!((&*service.code, &*service.message), ("TAKEN", "taken"));
        assert_eq!((service.category.as_deref(), service.cause.as_deref()), (Some("Conflict"), Some("why")));
        assert_eq!(service.details.get("results").map(String::as_str), Some("x"));
        assert_eq!(error.correlation_id(), Some("id-7"));
    }
}

#[tokio::test]
async fn an_unknown_command_is_not_found() {
    let server = Server::start(|_, _| {
        let code = "METHOD_NOT_FOUND".to_owned();
        let error =
            ErrorDescription { code, message: "m".to_owned(), status: 500, ..ErrorDescription::default() };
        Reaction::Message(InvokeReply { error: Some(error), ..InvokeReply::default() }.encode_to_vec())
    })
    .await;
    let error = get(&client(ClientKind::CommandableGrpc, &config(&server.url))).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn a_payload_that_is_not_json_is_an_error_without_the_payload() {
    let server = Server::start(|_, _| {
        let session = Session { data: "zebra {".to_owned(), ..session() };
        Reaction::Message(SessionObjectReply { error: None, session: Some(session) }.encode_to_vec())
    })
    .await;
    let error = get(&client(ClientKind::Grpc, &config(&server.url))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.to_string(), "get_session_by_id: the response has a `data` that is not valid JSON");
    assert!(!format!("{error:?}").contains("zebra"));
}

#[tokio::test]
async fn a_reply_without_a_page_is_an_error() {
    let server = Server::start(|_, _| Reaction::Message(Vec::new())).await;
    let page = client(ClientKind::Grpc, &config(&server.url)).get_sessions(None, None, None).await;
    assert!(page.is_err(), "{page:?}");
}

#[tokio::test]
async fn an_error_that_has_only_a_code_is_a_failure() {
    let server = Server::start(|_, request| {
        let code = "FAILED".to_owned();
        Reaction::Message(if request.path.starts_with("/commandable") {
            let error = ErrorDescription { code, status: 500, ..ErrorDescription::default() };
            InvokeReply { error: Some(error), result_empty: true, ..InvokeReply::default() }.encode_to_vec()
        } else {
            let error = messages::ErrorDescription { code, ..messages::ErrorDescription::default() };
            SessionObjectReply { error: Some(error), session: None }.encode_to_vec()
        })
    })
    .await;
    for kind in KINDS {
        let outcome = client(kind, &config(&server.url)).close_expired_sessions(None).await;
        assert!(outcome.is_err(), "{kind}: {outcome:?}");
    }
}

#[tokio::test]
async fn metadata_after_a_message_becomes_headers() {
    let server = Server::start(|_, request| {
        let trailers = [("grpc-status", "0"), ("x-cost", "7")];
        let trailers =
            trailers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let Reaction::Message(message) = good(&request.path) else { unreachable!() };
        Reaction::Body(frame(0, &message), HeaderMap::from_iter(trailers))
    })
    .await;
    let transport = SessionsGrpcTransportV1::new(&config(&server.url)).unwrap();
    let received = Arc::new(Mutex::new(HeaderMap::new()));
    let log = received.clone();
    let sessions = sessions_client::SessionsHttpClientV1::<Value, Value, _>::new(
        sessions_client::transport_fn(move |call| {
            let (transport, log) = (transport.clone(), log.clone());
            async move {
                let response = transport.send(call).await?;
                log.lock().unwrap().clone_from(response.headers());
                Ok(response)
            }
        }),
    );
    sessions.get_session_by_id(None, "1").await.unwrap();
    let headers = received.lock().unwrap();
    assert_eq!(
        (headers.get("x-cost").unwrap(), headers.get("grpc-status")),
        (&HeaderValue::from_static("7"), None)
    );
}

#[test]
fn messages_do_not_display_payloads_and_ids() {
    let secret = || "zebra".to_owned();
    let open =
        SessionOpenRequest { user: Some(secret()), data: Some(secret()), ..SessionOpenRequest::default() };
    let payload = SessionPayloadRequest { session_id: secret(), ..SessionPayloadRequest::default() };
    let invoke = InvokeRequest { args_json: "zebra".into(), ..InvokeRequest::default() };
    let session = Session { id: secret(), user: secret(), ..session() };
    let displayed = format!("{open:?} {payload:?} {invoke:?} {session:?}");
    assert!(!displayed.contains("zebra"), "{displayed}");
}

#[tokio::test]
async fn secrets_are_not_displayed() {
    let server = Server::start(|_, _| Reaction::Status(13, "failed", vec![("set-cookie", "zebra")])).await;
    let config =
        config(&server.url).with_header(HeaderName::from_static("x-key"), HeaderValue::from_static("zebra"));
    let grpc: SessionsGrpcClientV1 = SessionsGrpcClientV1::grpc(&config).unwrap();
    let commandable: SessionsCommandableGrpcClientV1 =
        SessionsCommandableGrpcClientV1::commandable_grpc(&config).unwrap();
    let secret = json!("zebra");
    let errors = [
        grpc.store_session_data(Some("zebra"), "zebra", &secret).await.unwrap_err(),
        commandable.store_session_data(Some("zebra"), "zebra", &secret).await.unwrap_err(),
    ];
    let errors = errors.map(|error| format!("{error} {error:?}"));
    let displayed = format!("{grpc:?} {commandable:?} {}", errors.concat());
    assert!(!displayed.contains("zebra"), "{displayed}");
}

#[http_api(client = OrdersClient, module = orders, client_only)]
#[query("tenant", "acme")]
trait Orders {
    #[post("/v1/orders/delete_order")]
    async fn delete_order(&self, #[field] order_id: &str) -> Result<()>;
}

#[tokio::test]
async fn a_constant_in_the_query_is_an_error_over_commandable_grpc() {
    let server = Server::good().await;
    let config = config(&server.url);
    let transport = CommandableGrpcTransport::new(&config).unwrap();
    let client = OrdersClient::from_transport(transport, &config).unwrap();
    let error = client.delete_order("1").await.unwrap_err();
    assert_eq!((error.kind(), server.calls()), (ErrorKind::Encode, 0));
    assert!(error.to_string().contains("the query parameter `tenant` cannot be sent"), "{error}");
}
