//! No private values in logs, spans, metrics, `Debug` or `Display`.
//!
//! A secret is in all arguments of calls and in all responses of hostile servers, except for the code and the
//! message of a service's error, which are shown by design.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[path = "support/capture.rs"]
mod capture;
mod support;

use capture::{Capture, Captured};
use serde_json::json;
#[cfg(feature = "reqwest")]
use sessions_client::ReqwestTransport;
use sessions_client::auth::StaticToken;
#[cfg(feature = "oauth2")]
use sessions_client::auth::{ClientCredentials, CommandToken, FileToken, Tokens};
use sessions_client::http::{HeaderName, HeaderValue};
use sessions_client::policy::RetryPolicy;
use sessions_client::sessions_v1::{GET_SESSIONS, GetSessions, OpenSession};
use sessions_client::telemetry::FinishedCall;
use sessions_client::{
    Call, CallOptions, ClientConfig, CorrelationPlace, DataPage, Encoder, Encoding, Error, FilterParams,
    ISessionsV1, InProcessTransport, Incoming, Operation, Policies, SessionV1, SessionsHttpClientV1,
    SessionsMemoryClientV1, Value, sessions_v1,
};
use std::error::Error as _;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::network::Network;
use support::{closed_port, http, responding, silent};

const SECRET: &str = "zebra-s3cret";

/// The secret as user and password in the `Authorization` header.
const CREDENTIALS: &str = "emVicmEtczNjcmV0OnplYnJhLXMzY3JldA==";

/// All strings that a person could read.
#[derive(Default)]
struct Texts(Vec<String>);

impl Texts {
    fn shown(&mut self, value: &impl Debug) {
        self.0.extend([format!("{value:?}"), format!("{value:#?}")]);
    }

    fn result<T: Debug>(&mut self, result: &Result<T, Error>) {
        self.shown(result);
        let Err(error) = result else { return };
        self.0.push(error.to_string());
        if let Some(service) = error.service() {
            self.shown(service);
            self.0.push(service.to_string());
        }
        let mut source = error.source();
        while let Some(cause) = source {
            self.0.extend([cause.to_string(), format!("{cause:?}")]);
            source = cause.source();
        }
    }

    fn captured(&mut self, capture: &Capture) {
        self.0.extend(capture.everything().iter().map(Captured::text));
    }

    fn leaks(&self) -> Vec<&String> {
        self.0.iter().filter(|text| text.contains(SECRET) || text.contains(CREDENTIALS)).collect()
    }
}

fn filter() -> FilterParams {
    FilterParams::new().user_id(SECRET).set("any", Some(SECRET.to_owned()))
}

fn session() -> Value {
    json!({
        "id": "1", "user_id": SECRET, "user_name": SECRET, "active": true, "open_time": "2026-11-23T02:10:20.820Z",
        "request_time": "2026-11-23T02:10:20.820Z", "address": SECRET, "client": SECRET,
        "user": { SECRET: SECRET }, "data": { SECRET: SECRET },
    })
}

fn failure() -> String {
    json!({
        "code": "EXEC_FAILED", "message": "the command failed", "category": "FailedInvocation", "status": 500,
        "stack": SECRET, "stack_trace": SECRET, "cause": SECRET, "details": { SECRET: SECRET },
        "correlation_id": SECRET, SECRET: SECRET,
    })
    .to_string()
}

/// Servers with all kinds of responses and failures, each with the error type of a call.
async fn services() -> Vec<(&'static str, String)> {
    let json = "application/json";
    let list = json!({ "total": 1, "data": [session()] }).to_string();
    let reset = format!("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{SECRET}");
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: /{SECRET}\r\nContent-Length: 0\r\n\r\n");
    let trailer = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n{SECRET}: {SECRET}\u{1}\r\n\r\n"
    );
    vec![
        ("ok", responding(http("200 OK", json, &session().to_string())).await),
        ("ok", responding(http("200 OK", json, &list)).await),
        ("500", responding(http("500 Internal Server Error", json, &failure())).await),
        ("503", responding(http("503 Service Unavailable", json, &failure())).await),
        ("502", responding(http("502 Bad Gateway", "text/html", &format!("<h1>{SECRET}</h1>"))).await),
        ("302", responding(redirect).await),
        ("decode", responding(http("200 OK", json, &format!("{{\"{SECRET}\": {SECRET}"))).await),
        ("decode", responding(http("200 OK", json, &json!({ SECRET: [SECRET] }).to_string())).await),
        ("decode", responding(http("200 OK", json, &json!({ "id": { SECRET: SECRET } }).to_string())).await),
        ("decode", responding(http("200 OK", json, &SECRET.repeat(200))).await),
        ("transport", responding(reset).await),
        ("protocol", responding(format!("{SECRET}\r\n\r\n")).await),
        ("protocol", responding(format!("HTTP/1.1 200 OK\r\nContent-Length : {SECRET}\r\n\r\n")).await),
        ("protocol", responding(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {SECRET}\r\n\r\n")).await),
        ("protocol", responding(trailer).await),
        ("timeout", silent().await),
        ("connect", closed_port()),
    ]
}

/// Makes calls, the last of them cancelled, and collects their results.
async fn calls(client: &impl ISessionsV1, is_list: bool, texts: &mut Texts) {
    let data = json!({ SECRET: SECRET });
    let id = Some(SECRET);
    if is_list {
        texts.result(&client.get_sessions(id, Some(&filter()), None).await);
    } else {
        let call = client.open_session(id, SECRET, id, id, id, Some(&data), Some(&data));
        texts.result(&call.await);
    }
    texts.result(&client.store_session_data(id, SECRET, &data).await);
    let unsent = client.store_session_data(id, SECRET, &Value::Null).await;
    assert_eq!(unsent.as_ref().unwrap_err().correlation_id(), id);
    texts.result(&unsent);
    texts.result(&client.get_session_by_id(Some("zebra-s3cret\r\n"), SECRET).await);
    let cancelled = client.get_session_by_id(id, SECRET);
    assert!(tokio::time::timeout(Duration::ZERO, cancelled).await.is_err());
}

/// Collects all strings of calls to all services, with the correlation id in each place.
async fn traffic<T: Network + Debug>(texts: &mut Texts, ends: &Arc<Mutex<Vec<String>>>) {
    for place in [CorrelationPlace::Query, CorrelationPlace::Headers, CorrelationPlace::Both] {
        for (index, (end, url)) in services().await.into_iter().enumerate() {
            let url = url.replace("http://", &format!("http://{SECRET}:{SECRET}@"));
            let mut config = ClientConfig::from_url(&url)
                .unwrap()
                .with_header(HeaderName::from_static("x-api-key"), HeaderValue::from_static(SECRET))
                .with_correlation_place(place)
                .with_timeout(Duration::from_millis(50))
                .with_max_response_bytes(1000)
                .with_retry_policy(RetryPolicy::new().with_backoff(Duration::ZERO, Duration::ZERO));
            if place == CorrelationPlace::Headers {
                config = config.with_token_provider(StaticToken::new(SECRET).unwrap());
            }
            let recorded = ends.clone();
            let observer = move |call: &FinishedCall<'_>| {
                let mut recorded = recorded.lock().unwrap();
                recorded.push(call.error_type().unwrap_or("ok").to_owned());
                recorded.extend([format!("{call:?}"), format!("{call:#?}")]);
            };
            let mut client = T::client(&config).with_observer(Arc::new(observer));
            if place == CorrelationPlace::Both {
                client = client.with_options(CallOptions::new().header("x-tenant", SECRET).token(SECRET));
            }
            let before = ends.lock().unwrap().len();
            // The second response is a list.
            calls(&client, index == 1, texts).await;
            assert_eq!(ends.lock().unwrap()[before], end, "service {index}");
            texts.shown(&client);
            texts.shown(client.caller());
            texts.shown(client.caller().transport());
            texts.shown(&client.with(CallOptions::new()));
            texts.shown(client.caller().options());
            let invalid = client.with(CallOptions::new().header("x-tenant", "zebra-s3cret\n"));
            texts.result(&invalid.get_session_by_id(None, "1").await);
            let invalid = client.with(CallOptions::new().token("zebra-s3cret\n"));
            texts.result(&invalid.get_session_by_id(None, "1").await);
            texts.shown(&config);
        }
    }
}

/// Returns the spans and events of calls over a transport, after checking that they contain no secret.
fn traces_over<T: Network + Debug>() -> Vec<Captured> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (capture, _guard) = Capture::begin();
    let (mut texts, ends) = (Texts::default(), Arc::<Mutex<Vec<String>>>::default());
    runtime.block_on(traffic::<T>(&mut texts, &ends));
    texts.captured(&capture);
    texts.0.append(&mut ends.lock().unwrap());
    assert!(texts.leaks().is_empty(), "{:#?}", texts.leaks());
    let traces = capture.everything();
    assert!(traces.iter().any(|seen| seen.target == "wiretrait"));
    assert!(traces.iter().any(|seen| seen.target.starts_with("hyper_util")));
    traces
}

#[cfg(feature = "hyper")]
#[test]
fn no_call_over_hyper_reveals_a_secret() {
    traces_over::<sessions_client::HyperTransport>();
}

#[cfg(feature = "reqwest")]
#[test]
fn no_call_over_reqwest_reveals_a_secret() {
    let traces = traces_over::<ReqwestTransport>();
    assert!(traces.iter().any(|seen| seen.field("log.target").starts_with("reqwest")));
}

/// Tokens of a client whose token is rejected, and of providers that fail.
#[cfg(feature = "oauth2")]
async fn tokens(texts: &mut Texts) {
    let path = std::env::temp_dir().join(format!("sessions-client-secrets-{}", std::process::id()));
    std::fs::write(&path, format!("{SECRET}\n{SECRET}")).unwrap();
    let url = responding(http("401 Unauthorized", "text/html", SECRET)).await;
    let rejecting = ClientConfig::from_url(&url).unwrap().with_retries(0);
    let rejecting = rejecting.with_token_provider(CommandToken::new("echo", [SECRET]));
    let client = SessionsHttpClientV1::from_config(&rejecting).unwrap();
    let result = client.get_session_by_id(None, "1").await;
    assert!(result.as_ref().unwrap_err().to_string().contains("the command `echo`"), "{result:?}");
    texts.result(&result);
    let server = |status, body: String| responding(http(status, "application/json", &body));
    let described = json!({ "error": "invalid_client", "error_description": SECRET }).to_string();
    let credentials = |url: &str| ClientCredentials::new(url, SECRET, SECRET).unwrap().with_audience(SECRET);
    let config = ClientConfig::new().with_retries(0);
    let oauth2 = |url: &str| Tokens::new(credentials(url).connect(&config).unwrap());
    for tokens in [
        Tokens::new(FileToken::new(&path)),
        Tokens::new(CommandToken::new("sh", ["-c", "echo zebra-s3cret; exit 1"])),
        Tokens::new(CommandToken::shell("echo zebra-s3cret zebra-s3cret")),
        Tokens::new(CommandToken::shell("TOKEN=zebra-s3cret no-such-program --key zebra-s3cret")),
        oauth2(&server("401 Unauthorized", described).await),
        oauth2(&server("200 OK", json!({ "token": SECRET }).to_string()).await),
        oauth2(&server("200 OK", SECRET.to_owned()).await),
        oauth2(&server("502 Bad Gateway", SECRET.to_owned()).await),
        oauth2(&closed_port()),
    ] {
        texts.shown(&tokens);
        let result = tokens.get().await;
        assert!(result.is_err(), "{result:?}");
        texts.result(&result);
        texts.shown(&ClientConfig::new().with_tokens(tokens));
    }
    let granted = json!({ "access_token": SECRET, "token_type": "bearer", "expires_in": 60 }).to_string();
    texts.result(&oauth2(&server("200 OK", granted).await).get().await);
    texts.shown(&credentials("https://login.staging/zebra-s3cret"));
    std::fs::remove_file(path).unwrap();
}

#[cfg(feature = "oauth2")]
#[test]
fn tokens_and_their_providers_reveal_no_secret() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (capture, _guard) = Capture::begin();
    let mut texts = Texts::default();
    runtime.block_on(tokens(&mut texts));
    texts.captured(&capture);
    assert!(texts.leaks().is_empty(), "{:#?}", texts.leaks());
    assert!(capture.everything().iter().any(|seen| seen.text().contains("wiretrait.token_provider")));
}

fn shown_transport<T: Network + Debug>(texts: &mut Texts, config: &ClientConfig) {
    let transport = T::over(config);
    texts.shown(&transport);
    texts.0.push(transport.peer().to_owned());
}

#[test]
fn debug_output_reveals_no_secret() {
    let mut texts = Texts::default();
    let data = json!({ SECRET: SECRET });
    let filter = filter();
    let open = OpenSession::new(SECRET).user_name(SECRET).data(&data).user(&data).correlation_id(SECRET);
    let list = GetSessions::new().filter(&filter).correlation_id(SECRET);
    let request = list.encode().unwrap();
    let encoding = Encoding::default();
    let mut encoder = Encoder::new(GET_SESSIONS, &encoding);
    encoder.correlation("correlation_id", "correlation_id", SECRET);
    let incoming = Incoming::from(request.clone());
    let page: DataPage<SessionV1> =
        serde_json::from_value(json!({ "total": 1, "data": [session()] })).unwrap();
    let config = ClientConfig::from_url(&format!("https://{SECRET}:{SECRET}@localhost/{SECRET}")).unwrap();
    let memory = SessionsMemoryClientV1::new();
    let handler = sessions_v1::Handler::new(memory.clone());
    texts.shown(&open);
    texts.shown(&list);
    texts.shown(&filter);
    texts.shown(&encoder);
    texts.shown(&incoming.arguments(GET_SESSIONS).unwrap());
    texts.shown(&incoming);
    texts.shown(&Call::new(GET_SESSIONS, request));
    texts.shown(&page.data[0]);
    texts.shown(&page);
    texts.shown(&config);
    #[cfg(feature = "hyper")]
    shown_transport::<sessions_client::HyperTransport>(&mut texts, &config);
    #[cfg(feature = "reqwest")]
    shown_transport::<ReqwestTransport>(&mut texts, &config);
    texts.shown(&Policies::new(InProcessTransport::new(handler), &config));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    texts.shown(&runtime.block_on(open.send(&memory)).unwrap());
    texts.shown(&memory);
    assert!(texts.leaks().is_empty(), "{:#?}", texts.leaks());
}

#[cfg(feature = "metrics")]
#[test]
fn metrics_reveal_no_secret() {
    use metrics_util::debugging::DebuggingRecorder;
    use sessions_client::telemetry::MetricsObserver;
    use sessions_client::{Response, transport_fn};
    let recorder = DebuggingRecorder::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bodies = [failure(), session().to_string(), SECRET.to_owned()];
    metrics::with_local_recorder(&recorder, || {
        for (status, body) in [500, 200, 200].into_iter().zip(bodies) {
            let transport = transport_fn(move |_| {
                let mut response = Response::new(body.clone().into());
                *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
                std::future::ready(Ok(response))
            });
            let client = SessionsHttpClientV1::new(transport).with_observer(Arc::new(MetricsObserver::new()));
            let _ = runtime.block_on(client.get_session_by_id(Some(SECRET), SECRET));
        }
    });
    let mut texts = Texts::default();
    for metric in recorder.snapshotter().snapshot().into_vec() {
        texts.shown(&metric);
    }
    assert_eq!(texts.0.len(), 2 * 2 * 3, "two metrics for each of three calls, printed twice");
    assert!(texts.leaks().is_empty(), "{:#?}", texts.leaks());
}

/// Checks that the tests above would find secrets.
#[cfg(feature = "reqwest")]
#[tokio::test]
async fn the_check_finds_secrets_logged_by_any_crate() {
    let leaking = |log: &dyn Fn()| {
        let (capture, _guard) = Capture::begin();
        log();
        let mut texts = Texts::default();
        texts.captured(&capture);
        texts.leaks().len()
    };
    assert_eq!(leaking(&|| tracing::trace!(target: "hyper", "GET /{SECRET}")), 1);
    assert_eq!(leaking(&|| drop(tracing::trace_span!("any", user = SECRET))), 1);
    let later = || {
        tracing::trace_span!("any", user = tracing::field::Empty).record("user", SECRET);
    };
    assert_eq!(leaking(&later), 1);

    // A custom client that logs every byte with the `log` crate.
    let (capture, _guard) = Capture::begin();
    let url = responding(http("204 No Content", "text/plain", ""))
        .await
        .replace("//", &format!("//{SECRET}:{SECRET}@"));
    let config = ClientConfig::from_url(&url).unwrap();
    let verbose = reqwest::Client::builder().no_proxy().connection_verbose(true).build().unwrap();
    let transport = ReqwestTransport::with_client(verbose, &config).unwrap();
    SessionsHttpClientV1::new(transport).get_session_by_id(None, "1").await.unwrap();
    let mut texts = Texts::default();
    texts.captured(&capture);
    assert!(texts.leaks().iter().any(|text| text.contains(CREDENTIALS)));
}
