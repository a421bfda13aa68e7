//! Several contracts in one program, over real sockets: their names in telemetry, their user agents, their
//! error formats, and the settings that constructors of clients apply.
#![cfg(all(feature = "hyper", feature = "metrics", feature = "reqwest", feature = "tower"))]

mod support;

use http::{HeaderName, StatusCode};
use metrics_util::debugging::DebuggingRecorder;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::Server;
use tracing::field::{Field, Visit};
use tracing::span;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use wiretrait::policy::RetryPolicy;
use wiretrait::telemetry::MetricsObserver;
use wiretrait::{
    BaseRoute, Caller, ClientConfig, CorrelationPlace, Encoding, Error, ErrorFormat, ErrorKind,
    HyperTransport, InProcessTransport, Policies, ReqwestTransport, Result, ServiceError, TowerTransport,
    Transport, TransportService, http_api, transport_fn,
};

/// A contract with the default error format.
#[http_api(prefix = "/v1", client = BooksClient, module = books)]
trait Books {
    #[get("/books/{id}")]
    async fn find(&self, #[correlation] trace: Option<&str>, id: u64) -> Result<Option<String>>;
}

/// A contract with a custom error format.
#[http_api(prefix = "/v1", client = FilmsClient, module = films, errors = MessageOnly)]
trait Films {
    #[get("/films/{id}")]
    async fn find(&self, id: u64) -> Result<Option<String>>;
}

/// `{ "error": "…" }`
struct MessageOnly;

impl ErrorFormat for MessageOnly {
    fn read(&self, body: &[u8]) -> Option<ServiceError> {
        let body: serde_json::Value = serde_json::from_slice(body).ok()?;
        Some(ServiceError::new("", body.get("error")?.as_str()?))
    }

    fn write(&self, _status: StatusCode, error: &ServiceError) -> Vec<u8> {
        serde_json::json!({ "error": error.message }).to_string().into_bytes()
    }
}

/// An implementation of both contracts, for which an id of 0 is an error.
struct Library;

fn find(id: u64) -> Result<Option<String>> {
    match id {
        0 => {
            Err(Error::from_service(StatusCode::CONFLICT, ServiceError::new("locked", "the shelf is locked")))
        }
        1 => Ok(Some("Emma".to_owned())),
        _ => Ok(None),
    }
}

impl Books for Library {
    async fn find(&self, _trace: Option<&str>, id: u64) -> Result<Option<String>> {
        find(id)
    }
}

impl Films for Library {
    async fn find(&self, id: u64) -> Result<Option<String>> {
        find(id)
    }
}

/// Records the field `wiretrait.contract` of all spans.
#[derive(Clone, Default)]
struct Contracts(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Contracts {
    fn on_new_span(&self, span: &span::Attributes<'_>, _id: &span::Id, _context: Context<'_, S>) {
        assert_eq!(span.metadata().target(), "wiretrait");
        span.record(&mut self.clone());
    }
}

impl Visit for Contracts {
    fn record_debug(&mut self, _field: &Field, _value: &dyn std::fmt::Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "wiretrait.contract" {
            self.0.lock().unwrap().push(value.to_owned());
        }
    }
}

#[tokio::test]
async fn spans_name_the_contract() {
    let spans = Contracts::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(spans.clone()));

    BooksClient::new(InProcessTransport::new(books::Handler::new(Library))).find(None, 1).await.unwrap();
    FilmsClient::new(InProcessTransport::new(films::Handler::new(Library))).find(1).await.unwrap();
    assert_eq!(*spans.0.lock().unwrap(), ["Books", "Films"]);
}

#[test]
fn metrics_of_two_contracts_are_two_series() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let observer = Arc::new(MetricsObserver::new());
        let books = BooksClient::new(InProcessTransport::new(books::Handler::new(Library)));
        let films = FilmsClient::new(InProcessTransport::new(films::Handler::new(Library)));
        let (books, films) = (books.with_observer(observer.clone()), films.with_observer(observer));
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            books.find(None, 1).await.unwrap();
            films.find(1).await.unwrap();
        });
    });

    let mut series: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for (key, _, _, _) in snapshotter.snapshot().into_vec() {
        let (key, labels) = key.key().clone().into_parts();
        let labels = labels.iter().map(|label| (label.key().to_owned(), label.value().to_owned()));
        series.push((key.as_str().to_owned(), labels.collect()));
    }
    series.sort();
    let labels = |contract: &str| {
        [
            ("wiretrait.contract", contract),
            ("wiretrait.operation", "find"),
            ("http.response.status_code", "200"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec()
    };
    assert_eq!(
        series,
        [
            ("wiretrait.call.attempts".to_owned(), labels("Books")),
            ("wiretrait.call.attempts".to_owned(), labels("Films")),
            ("wiretrait.call.duration".to_owned(), labels("Books")),
            ("wiretrait.call.duration".to_owned(), labels("Films")),
        ]
    );
}

#[tokio::test]
async fn the_user_agent_is_the_package_of_the_contract() {
    let server = Server::start(books::Handler::new(Library)).await;
    BooksClient::connect(&server.url).unwrap().find(None, 1).await.unwrap();
    let package = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
    assert_eq!(books::CONTRACT.user_agent, package);
    assert_eq!(server.received()[0].headers["user-agent"], package);
}

#[tokio::test]
async fn with_user_agent_overrides_the_default_of_the_contract() {
    let server = Server::start(books::Handler::new(Library)).await;
    let config = ClientConfig::from_url(&server.url).unwrap().with_user_agent("library/7");
    BooksClient::from_config(&config).unwrap().find(None, 1).await.unwrap();
    let hyper = HyperTransport::new(&config).unwrap();
    BooksClient::from_transport(hyper, &config).unwrap().find(None, 1).await.unwrap();
    let agents = server.received().into_iter().map(|request| request.headers["user-agent"].clone());
    assert_eq!(agents.collect::<Vec<_>>(), ["library/7", "library/7"]);
}

/// Makes a call, and checks that the request has the base route and the correlation place of [`settings`].
async fn check_settings(server: &Server, client: &BooksClient<impl Transport>) {
    assert_eq!(client.find(Some("trace-1"), 1).await.unwrap().as_deref(), Some("Emma"));
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].uri, "/v2/library/books/1");
    assert_eq!(received[0].headers["trace"], "trace-1");
}

fn settings(url: &str) -> ClientConfig {
    ClientConfig::from_url(url)
        .unwrap()
        .with_base_route(BaseRoute::new("v2/library").unwrap())
        .with_correlation_place(CorrelationPlace::Headers)
}

/// A service whose prefix is the base route of [`settings`].
#[http_api(prefix = "/v2/library", client = MovedClient, module = moved)]
trait Moved {
    #[get("/books/{id}")]
    async fn find(&self, id: u64) -> Result<Option<String>>;
}

impl Moved for Library {
    async fn find(&self, id: u64) -> Result<Option<String>> {
        find(id)
    }
}

#[tokio::test]
async fn from_config_applies_all_settings() {
    let server = Server::start(moved::Handler::new(Library)).await;
    check_settings(&server, &BooksClient::from_config(&settings(&server.url)).unwrap()).await;
}

#[tokio::test]
async fn connect_uses_the_defaults() {
    let server = Server::start(books::Handler::new(Library)).await;
    BooksClient::connect(&server.url).unwrap().find(Some("trace 1"), 1).await.unwrap();
    let received = server.received();
    assert_eq!(received[0].uri, "/v1/books/1?trace=trace%201");
    assert!(!received[0].headers.contains_key("trace"));
}

#[tokio::test]
async fn every_transport_keeps_the_settings() {
    let server = Server::start(moved::Handler::new(Library)).await;
    let config = &settings(&server.url);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let reqwest = ReqwestTransport::new(config).unwrap();
    let custom = ReqwestTransport::with_client(http, config).unwrap();
    let hyper = HyperTransport::new(config).unwrap();
    let layered = TowerTransport::new(TransportService::new(hyper.clone()), config).unwrap();
    for_transport(&server, config, reqwest).await;
    for_transport(&server, config, custom).await;
    for_transport(&server, config, hyper).await;
    for_transport(&server, config, layered).await;
}

async fn for_transport(server: &Server, config: &ClientConfig, transport: impl Transport + Clone) {
    check_settings(server, &BooksClient::new(transport.clone())).await;
    check_settings(server, &BooksClient::new(Policies::new(transport.clone(), config))).await;
    check_settings(server, &BooksClient::from_transport(transport.clone(), config).unwrap()).await;
    check_settings(server, &BooksClient::from_caller(Caller::new(transport))).await;
}

#[test]
fn policies_override_their_transport_even_with_the_default_encoding() {
    let headers = ClientConfig::new().with_correlation_place(CorrelationPlace::Headers);
    let query = ClientConfig::new().with_correlation_place(CorrelationPlace::Query);
    let transport = transport_fn(|_call| async { Err(Error::new(ErrorKind::Connect, "scripted")) });
    let inner = Policies::new(transport, &headers);
    assert_eq!(Policies::new(&inner, &query).encoding().correlation_place, CorrelationPlace::Query);
    assert_eq!(
        Policies::new(&inner, &ClientConfig::new()).encoding().correlation_place,
        CorrelationPlace::Headers
    );
}

#[test]
fn policies_override_the_name_of_correlation_ids_only_if_they_have_one() {
    let name = |encoding: Encoding| encoding.correlation_name.map(|name| name.to_string());
    let named = |name| ClientConfig::new().with_correlation_name(HeaderName::from_static(name));
    let transport = transport_fn(|_call| async { Err(Error::new(ErrorKind::Connect, "scripted")) });
    let inner = Policies::new(transport, &named("trace_id"));
    assert_eq!(name(Policies::new(&inner, &named("call")).encoding()).as_deref(), Some("call"));
    assert_eq!(name(Policies::new(&inner, &ClientConfig::new()).encoding()).as_deref(), Some("trace_id"));
}

#[tokio::test]
async fn policies_without_an_encoding_keep_that_of_their_transport() {
    let server = Server::start(moved::Handler::new(Library)).await;
    let transport = HyperTransport::new(&settings(&server.url)).unwrap();
    let other = ClientConfig::new().with_retries(4);
    check_settings(&server, &BooksClient::new(Policies::new(transport.clone(), &other))).await;
    check_settings(&server, &BooksClient::from_transport(transport, &other).unwrap()).await;
}

#[tokio::test]
async fn with_encoding_overrides_the_settings_of_the_transport() {
    let server = Server::start(books::Handler::new(Library)).await;
    let client = BooksClient::from_config(&settings(&server.url)).unwrap().with_encoding(Encoding::default());
    client.find(Some("1"), 1).await.unwrap();
    assert_eq!(server.received()[0].uri, "/v1/books/1?trace=1");
}

/// Returns the number of attempts of a call without a connection.
async fn attempts(policy: RetryPolicy) -> u32 {
    let transport = transport_fn(|_call| async { Err(Error::new(ErrorKind::Connect, "scripted")) });
    let policy = policy.with_backoff(Duration::ZERO, Duration::ZERO);
    let client =
        BooksClient::from_transport(transport, &ClientConfig::new().with_retry_policy(policy)).unwrap();
    client.find(None, 1).await.unwrap_err().attempts()
}

#[tokio::test]
async fn from_transport_applies_the_rules_for_retries() {
    assert_eq!(attempts(RetryPolicy::none()).await, 1);
    assert_eq!(attempts(RetryPolicy::new().with_retries(4)).await, 5);
}

#[tokio::test]
async fn from_transport_rejects_an_invalid_configuration() {
    let transport = InProcessTransport::new(books::Handler::new(Library));
    let config = ClientConfig::new().with_timeout(Duration::ZERO);
    let error = BooksClient::from_transport(transport, &config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("`with_timeout`"), "{error}");
}

async fn body(url: &str, path: &str) -> (u16, serde_json::Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = http.get(format!("{url}{path}")).send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn the_default_error_format_is_neutral() {
    let server = Server::start(books::Handler::new(Library)).await;
    let locked = serde_json::json!({ "code": "locked", "message": "the shelf is locked" });
    assert_eq!(body(&server.url, "/v1/books/0").await, (409, locked));
    let unknown = serde_json::json!({ "code": "not_found", "message": "/v1/films/1 does not exist" });
    assert_eq!(body(&server.url, "/v1/films/1").await, (404, unknown));
    let invalid = serde_json::json!({ "code": "invalid_arguments", "message": "id must be a whole number" });
    assert_eq!(body(&server.url, "/v1/books/first").await, (400, invalid));
}

#[tokio::test]
async fn each_contract_writes_and_reads_its_own_error_format() {
    let books = Server::start(books::Handler::new(Library)).await;
    let films = Server::start(films::Handler::new(Library)).await;
    assert_eq!(
        body(&films.url, "/v1/films/0").await,
        (409, serde_json::json!({ "error": "the shelf is locked" }))
    );
    assert_eq!(
        body(&films.url, "/v1/books/1").await.1,
        serde_json::json!({ "error": "/v1/books/1 does not exist" })
    );

    let error = BooksClient::connect(&books.url).unwrap().find(None, 0).await.unwrap_err();
    assert_eq!(error.service(), Some(&ServiceError::new("locked", "the shelf is locked")));
    assert_eq!(error.status(), Some(StatusCode::CONFLICT));
    let error = FilmsClient::connect(&films.url).unwrap().find(0).await.unwrap_err();
    assert_eq!(error.service(), Some(&ServiceError::new("", "the shelf is locked")));
    assert_eq!(error.to_string(), "find: the service responded with 409 Conflict: the shelf is locked");
}

#[tokio::test]
async fn an_error_in_another_format_is_not_that_of_the_service() {
    let books = Server::start(books::Handler::new(Library)).await;
    let error = FilmsClient::connect(&books.url).unwrap().find(1).await.unwrap_err();
    assert_eq!((error.service(), error.status()), (None, Some(StatusCode::NOT_FOUND)));
    assert_eq!(
        error.to_string(),
        "find: the response is 404 Not Found with JSON in another form than the errors of the service \
         (application/json)"
    );
}

/// A contract whose correlation id is named like a header.
#[http_api(client = TracedClient, module = traced)]
trait Traced {
    #[get("/{id}")]
    async fn find(&self, #[correlation("x-request-id")] trace: Option<&str>, id: u64) -> Result<String>;
}

impl Traced for Library {
    async fn find(&self, trace: Option<&str>, id: u64) -> Result<String> {
        match id {
            0 => Err(Error::new(ErrorKind::Config, "scripted")),
            _ => Ok(trace.unwrap_or_default().to_owned()),
        }
    }
}

#[tokio::test]
async fn a_correlation_id_that_is_named_like_a_header_is_one() {
    for place in [CorrelationPlace::Query, CorrelationPlace::Headers, CorrelationPlace::Both] {
        let server = Server::start(traced::Handler::new(Library)).await;
        let config = ClientConfig::from_url(&server.url).unwrap().with_correlation_place(place);
        let client = TracedClient::from_config(&config).unwrap();
        assert_eq!(client.find(Some("trace-1"), 1).await.unwrap(), "trace-1");
        let received = server.received();
        assert_eq!(received[0].uri, "/1");
        assert_eq!(received[0].headers["x-request-id"], "trace-1");
        for absent in [None, Some("")] {
            assert_eq!(client.find(absent, 1).await.unwrap(), "");
            assert!(!server.received()[0].headers.contains_key("x-request-id"), "{absent:?}");
        }
        let error = client.find(Some("trace-2"), 0).await.unwrap_err();
        assert_eq!(error.correlation_id(), Some("trace-2"));
    }
}

#[tokio::test]
async fn a_correlation_id_that_is_named_like_a_header_keeps_its_name() {
    let server = Server::start(traced::Handler::new(Library)).await;
    let config = ClientConfig::from_url(&server.url).unwrap();
    let config = config.with_correlation_name(HeaderName::from_static("trace_id"));
    let client = TracedClient::from_config(&config).unwrap();
    let error = client.find(Some("trace-1"), 0).await.unwrap_err();
    assert_eq!(server.received()[0].headers["x-request-id"], "trace-1");
    assert_eq!(error.correlation_id(), Some("trace-1"));
}

/// A contract whose correlation ids have upper-case letters.
#[http_api(client = CasedClient, module = cased)]
trait Cased {
    #[get("/headers/{id}")]
    async fn by_header(&self, #[correlation("X-Request-Id")] trace: Option<&str>, id: u64) -> Result<String>;

    #[get("/{id}")]
    async fn by_setting(&self, #[correlation("requestId")] trace: Option<&str>, id: u64) -> Result<String>;
}

impl Cased for Library {
    async fn by_header(&self, trace: Option<&str>, id: u64) -> Result<String> {
        Traced::find(self, trace, id).await
    }

    async fn by_setting(&self, trace: Option<&str>, id: u64) -> Result<String> {
        Traced::find(self, trace, id).await
    }
}

#[tokio::test]
async fn a_correlation_id_may_have_upper_case_letters() {
    for place in [CorrelationPlace::Query, CorrelationPlace::Headers, CorrelationPlace::Both] {
        let server = Server::start(cased::Handler::new(Library)).await;
        let config = ClientConfig::from_url(&server.url).unwrap().with_correlation_place(place);
        let client = CasedClient::from_config(&config).unwrap();

        assert_eq!(client.by_header(Some("trace-1"), 1).await.unwrap(), "trace-1");
        let received = server.received();
        assert_eq!(received[0].uri, "/headers/1");
        assert_eq!(received[0].headers["x-request-id"], "trace-1");
        let error = client.by_header(Some("trace-2"), 0).await.unwrap_err();
        assert_eq!(error.correlation_id(), Some("trace-2"));
        server.received();

        assert_eq!(client.by_setting(Some("trace-3"), 1).await.unwrap(), "trace-3");
        let received = server.received();
        let is_in_query = matches!(place, CorrelationPlace::Query | CorrelationPlace::Both);
        assert_eq!(received[0].uri, if is_in_query { "/1?requestId=trace-3" } else { "/1" });
        let header = received[0].headers.get("requestid").map(|value| value.to_str().unwrap());
        let is_in_header = matches!(place, CorrelationPlace::Headers | CorrelationPlace::Both);
        assert_eq!(header, is_in_header.then_some("trace-3"));
        let error = client.by_setting(Some("trace-4"), 0).await.unwrap_err();
        assert_eq!(error.correlation_id(), Some("trace-4"));
    }
}

#[tokio::test]
async fn a_client_can_rename_correlation_ids() {
    for place in [CorrelationPlace::Query, CorrelationPlace::Headers, CorrelationPlace::Both] {
        let server = Server::start(cased::Handler::new(Library)).await;
        let config = ClientConfig::from_url(&server.url).unwrap().with_correlation_place(place);
        let config = config.with_correlation_name(HeaderName::from_static("trace_id"));
        let client = CasedClient::from_config(&config).unwrap();
        // The service knows the id only by the name in the contract.
        assert_eq!(client.by_setting(Some("trace 1"), 1).await.unwrap(), "");
        let received = server.received();
        let is_in_query = place != CorrelationPlace::Headers;
        assert_eq!(received[0].uri, if is_in_query { "/1?trace_id=trace%201" } else { "/1" });
        let header = received[0].headers.get("trace_id").map(|value| value.to_str().unwrap());
        assert_eq!(header, (place != CorrelationPlace::Query).then_some("trace 1"));
        let error = client.by_setting(Some("trace 2"), 0).await.unwrap_err();
        assert_eq!(error.correlation_id(), Some("trace 2"), "of a failed call");
    }
}
