//! Options, headers and the token of single calls, also through trait objects and decorators.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use wiretrait::http::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use wiretrait::{
    Call, CallOptions, Caller, CorrelationPlace, ErrorKind, InProcessTransport, Response, Result, Transport,
    WithOptions, http_api,
};

#[http_api(client = ShelvesClient, module = shelves)]
trait Shelves {
    #[get("/books/{id}")]
    async fn find(
        &self,
        id: u64,
        #[header("x-tenant")] tenant: Option<&str>,
        #[correlation] trace_id: Option<&str>,
    ) -> Result<()>;
}

#[http_api(client = ReadersClient, module = readers)]
trait Readers {
    #[get("/readers/{id}")]
    async fn reader(&self, id: u64) -> Result<()>;

    #[get("/references/{name}")]
    async fn get_ref(&self, name: &str) -> Result<()>;
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Records calls and responds without content.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Call>>>);

impl Transport for Recorder {
    async fn send(&self, call: Call) -> Result<Response> {
        // Another task runs in between, and the scope of a call must not be seen by it.
        tokio::task::yield_now().await;
        self.0.lock().unwrap().push(call);
        Ok(Response::default())
    }
}

impl Recorder {
    fn last(&self) -> Call {
        self.0.lock().unwrap().pop().expect("a call was sent")
    }

    /// Returns a header of the last request.
    fn header(&self, name: &str) -> Option<String> {
        let call = self.last();
        call.request.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    }
}

/// A decorator as users write it, which knows nothing of options.
struct Decorator<S>(S);

impl<S: Shelves> Shelves for Decorator<S> {
    async fn find(&self, id: u64, tenant: Option<&str>, trace_id: Option<&str>) -> Result<()> {
        tokio::task::yield_now().await;
        self.0.find(id + 1, tenant, trace_id).await
    }
}

#[tokio::test]
async fn headers_and_token_of_a_call_are_sent() {
    let recorder = Recorder::default();
    let client = ShelvesClient::new(recorder.clone());
    let options = CallOptions::new()
        .header("X-Api-Key", "k3y")
        .header(HeaderName::from_static("x-bytes"), HeaderValue::from_bytes(b"caf\xe9").unwrap())
        .token("t0ken");
    client.with(options).find(1, None, None).await.unwrap();
    let call = recorder.last();
    let headers = call.request.headers();
    assert_eq!(headers["x-api-key"], "k3y");
    assert_eq!(headers["x-bytes"].as_bytes(), b"caf\xe9");
    assert_eq!(headers[AUTHORIZATION], "Bearer t0ken");
    for name in ["x-api-key", "x-bytes", "authorization"] {
        assert!(headers[name].is_sensitive(), "{name}");
    }
    client.find(1, None, None).await.unwrap();
    assert!(!recorder.last().request.headers().contains_key(AUTHORIZATION));
}

#[tokio::test]
async fn a_header_of_a_call_replaces_that_of_an_argument() {
    let recorder = Recorder::default();
    let client = ShelvesClient::new(recorder.clone());
    let view = client.with(CallOptions::new().header("x-tenant", "mine").header("accept", "text/json"));
    view.find(1, Some("other"), None).await.unwrap();
    let call = recorder.last();
    assert_eq!(call.request.headers().get_all("x-tenant").iter().count(), 1);
    assert_eq!(call.request.headers()["x-tenant"], "mine");
    assert_eq!(call.request.headers()[ACCEPT], "text/json");
}

#[tokio::test]
async fn a_header_that_is_set_again_replaces_the_first_value() {
    let recorder = Recorder::default();
    let options = CallOptions::new().header("x-tenant", "a").header("X-Tenant", "b").token("a").token("b");
    ShelvesClient::new(recorder.clone()).with(options).find(1, None, None).await.unwrap();
    let headers = recorder.last().request.headers().clone();
    assert_eq!(
        (&headers["x-tenant"], &headers[AUTHORIZATION]),
        (&"b".parse().unwrap(), &"Bearer b".parse().unwrap())
    );
}

#[tokio::test]
async fn headers_of_views_are_merged_by_name() {
    let recorder = Recorder::default();
    let client = ShelvesClient::new(recorder.clone())
        .with_options(CallOptions::new().header("x-tenant", "client").header("x-a", "client").retries(4));
    let view = client.with(CallOptions::new().header("x-tenant", "view").deadline(ms(5)));
    view.with(CallOptions::new().header("x-b", "inner")).find(1, None, None).await.unwrap();
    let call = recorder.last();
    let header = |name: &str| call.request.headers()[name].to_str().unwrap().to_owned();
    assert_eq!([header("x-tenant"), header("x-a"), header("x-b")], ["view", "client", "inner"]);
    assert_eq!((call.options.retries, call.options.deadline), (Some(4), Some(ms(5))));
    client.find(1, None, None).await.unwrap();
    assert_eq!(recorder.header("x-tenant").as_deref(), Some("client"), "the client is unchanged");
}

#[tokio::test]
async fn an_invalid_header_is_an_encode_error_without_its_value() {
    let recorder = Recorder::default();
    let client = ShelvesClient::new(recorder.clone());
    let new = CallOptions::new;
    for (options, named) in [
        (new().header("x tenant", "s3cret"), "`x`"),
        (new().header("x-key: s3cret", "s3cret"), "`x-key`"),
        (new().header("", "s3cret"), "a header of the call"),
        (new().header("s3cret\u{fc}".trim_start_matches("s3cret"), "s3cret"), "a header of the call"),
        (new().header("x-key", "s3cret\r\nx-other: 1"), "`x-key`"),
        (new().header("x-key", "s3cret\0"), "`x-key`"),
        (new().token("s3cret\n"), "the token"),
        (new().token("s3cret s3cret"), "the token"),
        (new().token("s3cret\u{fc}"), "the token"),
        (new().token(""), "the token"),
        (new().header("x-key", "s3cret\n").header("x-key", "valid"), "`x-key`"),
        (new().retries(1).or(new().header("x-key", "s3cret\n")), "`x-key`"),
    ] {
        assert!(!format!("{options:?}").contains("s3cret"), "{options:?}");
        let error = client.with(options).find(1, None, None).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts(), error.operation()), (ErrorKind::Encode, 0, Some("find")));
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(named) && !shown.contains("s3cret"), "{shown}");
    }
    assert!(recorder.0.lock().unwrap().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn headers_that_frame_the_message_are_rejected() {
    let client = ShelvesClient::new(Recorder::default());
    for name in ["content-length", "Transfer-Encoding", "connection", "trailer", "upgrade", "expect", "te"] {
        let error = client.with(CallOptions::new().header(name, "1")).find(1, None, None).await.unwrap_err();
        let expected = format!(
            "find: the header `{}` belongs to the connection: remove it from the call",
            name.to_lowercase()
        );
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Encode, expected));
    }
}

#[tokio::test]
async fn an_error_before_sending_has_the_correlation_id() {
    let caller = Caller::new(Recorder::default()).with_correlation_place(CorrelationPlace::Headers);
    let client = ShelvesClient::from_caller(caller);
    let error = client.with(CallOptions::new().token("\n")).find(1, None, Some("c1")).await.unwrap_err();
    assert_eq!(error.correlation_id(), Some("c1"));
}

#[test]
fn options_show_the_names_of_headers_only() {
    let options = CallOptions::new().header("x-api-key", "s3cret").token("s3cret").retries(1);
    let mut call = Call::new(shelves::FIND, wiretrait::Request::default());
    call.options = options.clone();
    for shown in
        [format!("{options:?}"), format!("{call:#?}"), format!("{:?}", WithOptions::new((), options))]
    {
        assert!(shown.contains("x-api-key") && shown.contains("authorization"), "{shown}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

#[tokio::test]
async fn an_operation_may_be_called_get_ref_like_a_function_of_views() {
    let recorder = Recorder::default();
    let shared: Arc<dyn DynReaders> = Arc::new(ReadersClient::new(recorder.clone()));
    shared.with(CallOptions::new().header("x-a", "1")).get_ref("main").await.unwrap();
    assert_eq!(recorder.last().request.uri().path(), "/references/main");
}

#[tokio::test]
async fn a_trait_object_can_be_called_with_options() {
    let recorder = Recorder::default();
    let client = ShelvesClient::new(recorder.clone());
    let options =
        || CallOptions::new().header("x-a", "1").token("t").deadline(ms(7)).timeout(ms(6)).retries(5);
    let check = || {
        let call = recorder.last();
        assert_eq!(call.request.headers()["x-a"], "1");
        assert_eq!(call.request.headers()[AUTHORIZATION], "Bearer t");
        let CallOptions { deadline, timeout, retries, .. } = call.options;
        assert_eq!((deadline, timeout, retries), (Some(ms(7)), Some(ms(6)), Some(5)));
    };
    let reference: &dyn DynShelves = &client;
    reference.with(options()).find(1, None, None).await.unwrap();
    check();
    let boxed: Box<dyn DynShelves> = Box::new(client.clone());
    boxed.with(options()).find(1, None, None).await.unwrap();
    check();
    let shared: Arc<dyn DynShelves> = Arc::new(client);
    shared.with(options()).find(1, None, None).await.unwrap();
    check();
    shared.find(1, None, None).await.unwrap();
    assert_eq!(recorder.last().options, CallOptions::new(), "other calls are not affected");
}

#[tokio::test]
async fn options_reach_a_client_inside_of_decorators() {
    let recorder = Recorder::default();
    let client =
        ShelvesClient::new(recorder.clone()).with_options(CallOptions::new().retries(3).token("client"));
    let inner: Arc<dyn DynShelves> = Arc::new(client);
    let outer: Arc<dyn DynShelves> = Arc::new(Decorator(Decorator(inner)));
    outer.with(CallOptions::new().token("call")).find(1, None, None).await.unwrap();
    let call = recorder.last();
    assert_eq!(call.request.uri().path(), "/books/3");
    assert_eq!(call.request.headers()[AUTHORIZATION], "Bearer call");
    assert_eq!(call.options.retries, Some(3), "what is not set is that of the client");
}

#[tokio::test]
async fn any_implementation_can_be_called_with_options() {
    async fn call(service: &(impl Shelves + ?Sized)) {
        let options = CallOptions::new().header("x-a", "1");
        WithOptions::new(service, options).find(1, None, None).await.unwrap();
    }
    let recorder = Recorder::default();
    let decorator = Decorator(ShelvesClient::new(recorder.clone()));
    call(&decorator).await;
    assert_eq!(recorder.header("x-a").as_deref(), Some("1"));
    call(&decorator as &dyn DynShelves).await;
    assert_eq!(recorder.header("x-a").as_deref(), Some("1"));
}

#[tokio::test]
async fn a_view_of_a_trait_object_can_be_an_owned_trait_object() {
    let recorder = Recorder::default();
    let client: Arc<dyn DynShelves> = Arc::new(ShelvesClient::new(recorder.clone()));
    let owned: Arc<dyn DynShelves> =
        Arc::new(WithOptions::new(client, CallOptions::new().header("x-a", "1")));
    tokio::spawn(async move { owned.find(1, None, None).await }).await.unwrap().unwrap();
    assert_eq!(recorder.header("x-a").as_deref(), Some("1"));
}

#[tokio::test]
async fn the_options_of_the_outermost_view_take_precedence() {
    struct Limited<S>(S);
    impl<S: Shelves> Shelves for Limited<S> {
        async fn find(&self, id: u64, tenant: Option<&str>, trace_id: Option<&str>) -> Result<()> {
            let options = CallOptions::new().header("x-a", "inside").header("x-b", "inside").retries(1);
            WithOptions::new(&self.0, options).find(id, tenant, trace_id).await
        }
    }
    let recorder = Recorder::default();
    let client = ShelvesClient::new(recorder.clone())
        .with_options(CallOptions::new().header("x-b", "client").header("x-c", "client"));
    let service: Arc<dyn DynShelves> = Arc::new(Limited(client));
    let view = service.with(CallOptions::new().header("x-a", "first"));
    view.with(CallOptions::new().header("x-a", "last")).find(1, None, None).await.unwrap();
    let call = recorder.last();
    let header = |name: &str| call.request.headers()[name].to_str().unwrap().to_owned();
    assert_eq!([header("x-a"), header("x-b"), header("x-c")], ["last", "inside", "client"]);
    assert_eq!(call.options.retries, Some(1));
}

#[tokio::test]
async fn a_token_is_not_sent_to_services_of_other_contracts() {
    struct Checked<S, R>(S, R);
    impl<S: Shelves, R: Readers> Shelves for Checked<S, R> {
        async fn find(&self, id: u64, tenant: Option<&str>, trace_id: Option<&str>) -> Result<()> {
            self.1.reader(1).await?;
            self.0.find(id, tenant, trace_id).await
        }
    }
    let (shelves, readers) = (Recorder::default(), Recorder::default());
    let service = Checked(ShelvesClient::new(shelves.clone()), ReadersClient::new(readers.clone()));
    let service: Arc<dyn DynShelves> = Arc::new(service);
    service.with(CallOptions::new().token("t")).find(1, None, None).await.unwrap();
    assert_eq!(shelves.header("authorization").as_deref(), Some("Bearer t"));
    assert_eq!(readers.header("authorization"), None);
}

#[tokio::test]
async fn concurrent_calls_in_one_task_keep_their_own_options() {
    let recorder = Recorder::default();
    let service: Arc<dyn DynShelves> = Arc::new(Decorator(ShelvesClient::new(recorder.clone())));
    let with = |value: &str| service.with(CallOptions::new().header("x-a", value));
    let (a, b) = (with("a"), with("b"));
    let (a, b, plain) =
        tokio::join!(a.find(1, None, None), b.find(2, None, None), service.find(3, None, None));
    assert!(a.is_ok() && b.is_ok() && plain.is_ok());
    let calls = recorder.0.lock().unwrap();
    let mut sent: Vec<_> = calls
        .iter()
        .map(|call| (call.request.uri().path(), call.request.headers().get("x-a").map(HeaderValue::as_bytes)))
        .collect();
    sent.sort();
    assert_eq!(sent, [("/books/2", Some(&b"a"[..])), ("/books/3", Some(&b"b"[..])), ("/books/4", None)]);
}

#[tokio::test]
async fn a_panicking_or_cancelled_call_leaves_no_options_behind() {
    struct Panics;
    impl Shelves for Panics {
        async fn find(&self, _: u64, _: Option<&str>, _: Option<&str>) -> Result<()> {
            panic!("scripted")
        }
    }
    let recorder = Recorder::default();
    let client = ShelvesClient::new(recorder.clone());
    let view = WithOptions::new(Panics, CallOptions::new().token("t"));
    let outcome = catch(view.find(1, None, None)).await;
    assert!(outcome.is_err());
    let view = WithOptions::new(Decorator(client.clone()), CallOptions::new().token("t"));
    {
        let mut cancelled = std::pin::pin!(view.find(1, None, None));
        let first = std::future::poll_fn(|context| std::task::Poll::Ready(cancelled.as_mut().poll(context)));
        assert!(first.await.is_pending());
    }
    client.find(1, None, None).await.unwrap();
    assert_eq!(recorder.header("authorization"), None);
}

/// Polls a future on this thread, and catches its panic.
async fn catch<F: Future>(future: F) -> std::thread::Result<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        let poll = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| future.as_mut().poll(context)));
        match poll {
            Ok(poll) => poll.map(Ok),
            Err(panic) => std::task::Poll::Ready(Err(panic)),
        }
    })
    .await
}

#[tokio::test]
async fn headers_of_a_call_reach_a_service_in_the_same_process() {
    struct Service;
    impl Shelves for Service {
        async fn find(&self, _: u64, tenant: Option<&str>, _: Option<&str>) -> Result<()> {
            assert_eq!(tenant, Some("acme"));
            Ok(())
        }
    }
    let client = ShelvesClient::new(InProcessTransport::new(shelves::Handler::new(Service)));
    client.with(CallOptions::new().header("x-tenant", "acme")).find(1, None, None).await.unwrap();
}

#[tokio::test]
async fn a_raw_call_has_the_headers_of_its_options() {
    let recorder = Recorder::default();
    let client = ShelvesClient::new(recorder.clone());
    let view = client.with(CallOptions::new().token("t"));
    view.caller().call_raw(shelves::Find::new(1)).await.unwrap();
    assert_eq!(recorder.header("authorization").as_deref(), Some("Bearer t"));
}
