//! Tokens of calls: the cache, the renewal, and what follows a rejection.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};
use wiretrait::auth::{StaticToken, Token, TokenProvider, Tokens};
use wiretrait::http::StatusCode;
use wiretrait::http::header::{AUTHORIZATION, HeaderValue};
use wiretrait::policy::{Deadline, Retry, RetryPolicy, TokioTime};
use wiretrait::{Call, CallOptions, ClientConfig, Error, ErrorKind, Response, Result, Transport, http_api};

#[http_api(client = OrdersClient, module = orders)]
trait Orders {
    #[post("/orders")]
    async fn order(&self) -> Result<()>;
    #[get("/orders")]
    async fn orders(&self) -> Result<()>;
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn status(code: u16) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

/// A provider of the tokens `t1`, `t2`, …, each after a pause.
struct Provider {
    fetches: AtomicU32,
    pause: Duration,
    lifetime: Option<Duration>,
    /// The errors of the next fetches.
    errors: Mutex<VecDeque<Error>>,
}

impl Provider {
    fn new(lifetime: impl Into<Option<Duration>>) -> Arc<Self> {
        Arc::new(Self {
            fetches: AtomicU32::new(0),
            pause: ms(50),
            lifetime: lifetime.into(),
            errors: Mutex::default(),
        })
    }

    fn fetches(&self) -> u32 {
        self.fetches.load(Ordering::SeqCst)
    }

    fn fail(&self, times: usize) {
        let error = || Error::new(ErrorKind::Connect, "cannot connect to the vault");
        self.errors.lock().unwrap().extend(std::iter::repeat_with(error).take(times));
    }
}

#[derive(Clone)]
struct Shared(Arc<Provider>);

impl TokenProvider for Shared {
    async fn fetch(&self) -> Result<Token> {
        let number = self.0.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(self.0.pause).await;
        if let Some(error) = self.0.errors.lock().unwrap().pop_front() {
            return Err(error);
        }
        let token = Token::new(format!("t{number}"))?;
        Ok(match self.0.lifetime {
            Some(lifetime) => token.with_lifetime(lifetime),
            None => token,
        })
    }

    fn name(&self) -> Cow<'_, str> {
        "the vault".into()
    }
}

/// A service that records the tokens it receives, and responds as `respond` says.
struct Service<F> {
    tokens: Mutex<Vec<String>>,
    attempts: Mutex<Vec<u32>>,
    respond: F,
}

impl<F: Fn(&str) -> Response + Send + Sync> Service<F> {
    fn new(respond: F) -> Arc<Self> {
        Arc::new(Self { tokens: Mutex::default(), attempts: Mutex::default(), respond })
    }

    fn tokens(&self) -> Vec<String> {
        std::mem::take(&mut self.tokens.lock().unwrap())
    }
}

impl<F: Fn(&str) -> Response + Send + Sync> Transport for Service<F> {
    async fn send(&self, call: Call) -> Result<Response> {
        let header = call.request.headers().get(AUTHORIZATION);
        let token = header.map_or("none", |value| value.to_str().unwrap());
        assert!(header.is_none_or(HeaderValue::is_sensitive), "{token}");
        self.tokens.lock().unwrap().push(token.replace("Bearer ", ""));
        self.attempts.lock().unwrap().push(call.attempt);
        Ok((self.respond)(&token.replace("Bearer ", "")))
    }
}

fn accepting() -> Arc<Service<impl Fn(&str) -> Response + Send + Sync>> {
    Service::new(|_| status(204))
}

type Client<T> = OrdersClient<Deadline<Retry<T, TokioTime>, TokioTime>>;

/// A client without pauses between retries.
fn client<T: Transport>(service: T, tokens: &Tokens, retries: u32) -> Client<T> {
    let policy = RetryPolicy::new().with_retries(retries).with_backoff(Duration::ZERO, Duration::ZERO);
    let retry = Retry::new(service, policy, TokioTime).with_tokens(tokens.clone());
    OrdersClient::new(Deadline::new(retry, Duration::from_secs(10), TokioTime))
}

fn tokens(provider: &Arc<Provider>) -> Tokens {
    Tokens::new(Shared(Arc::clone(provider)))
}

#[tokio::test(start_paused = true)]
async fn a_hundred_tasks_fetch_one_token_per_renewal_and_never_fail() {
    let lifetime = Duration::from_secs(1);
    let provider = Provider::new(lifetime);
    // The service accepts a token for as long as it lives.
    let start = tokio::time::Instant::now();
    let issued = Arc::new(Mutex::new(Vec::<tokio::time::Instant>::new()));
    let service = {
        let (provider, issued) = (Arc::clone(&provider), Arc::clone(&issued));
        Service::new(move |token| {
            let number: usize = token.trim_start_matches('t').parse().unwrap();
            let mut issued = issued.lock().unwrap();
            assert!(number <= provider.fetches() as usize);
            if issued.len() < number {
                issued.resize(number, tokio::time::Instant::now());
            }
            // A token arrives 50 ms after it was issued.
            let is_valid = issued[number - 1].elapsed() + ms(50) <= lifetime;
            if is_valid { status(204) } else { status(401) }
        })
    };
    let client = client(service, &tokens(&provider), 0);
    let end = start + Duration::from_secs(30);
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                while tokio::time::Instant::now() < end {
                    client.order().await.unwrap();
                    tokio::time::sleep(ms(7 + number % 5)).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    // A token is renewed each 800 ms.
    let fetches = provider.fetches();
    assert!((36..=38).contains(&fetches), "{fetches} fetches");
}

/// The same in real time, over all threads.
#[ignore = "takes 30 s"]
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_tasks_on_many_threads_fetch_one_token_per_renewal() {
    let provider = Provider::new(Duration::from_secs(1));
    let client = client(accepting(), &tokens(&provider), 0);
    let end = Instant::now() + Duration::from_secs(30);
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                while Instant::now() < end {
                    client.order().await.unwrap();
                    tokio::time::sleep(ms(10)).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let fetches = provider.fetches();
    assert!((34..=38).contains(&fetches), "{fetches} fetches");
}

#[tokio::test(start_paused = true)]
async fn concurrent_first_calls_wait_for_one_fetch() {
    let (provider, service) = (Provider::new(None), accepting());
    let client = client(Arc::clone(&service), &tokens(&provider), 0);
    let calls: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { client.order().await }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((provider.fetches(), service.tokens()), (1, vec!["t1".to_owned(); 50]));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_in_the_background_before_it_expires() {
    let (provider, service) = (Provider::new(Duration::from_secs(10)), accepting());
    let client = client(Arc::clone(&service), &tokens(&provider), 0);
    client.order().await.unwrap();
    // A fifth of the lifetime is left.
    tokio::time::sleep(ms(8000)).await;
    let start = tokio::time::Instant::now();
    client.order().await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO, "the call does not wait");
    tokio::time::sleep(ms(51)).await;
    client.order().await.unwrap();
    assert_eq!(service.tokens(), ["t1", "t1", "t2"]);
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_long_lived_token_is_renewed_a_minute_before_it_expires() {
    let (provider, service) = (Provider::new(Duration::from_secs(36_000)), accepting());
    let client = client(Arc::clone(&service), &tokens(&provider), 0);
    client.order().await.unwrap();
    tokio::time::sleep(Duration::from_secs(36_000 - 61)).await;
    client.order().await.unwrap();
    assert_eq!(provider.fetches(), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    client.order().await.unwrap();
    tokio::time::sleep(ms(51)).await;
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_not_sent() {
    let (provider, service) = (Provider::new(Duration::from_secs(10)), accepting());
    let client = client(Arc::clone(&service), &tokens(&provider), 0);
    client.order().await.unwrap();
    tokio::time::sleep(ms(10_000)).await;
    client.order().await.unwrap();
    assert_eq!(service.tokens(), ["t1", "t2"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_has_expired_on_arrival_is_used_for_a_second() {
    let (provider, service) = (Provider::new(Duration::ZERO), accepting());
    let client = client(Arc::clone(&service), &tokens(&provider), 0);
    for _ in 0..10 {
        client.order().await.unwrap();
    }
    assert_eq!(provider.fetches(), 1);
    tokio::time::sleep(ms(1000)).await;
    client.order().await.unwrap();
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_without_expiry_is_fetched_once() {
    let (provider, service) = (Provider::new(None), accepting());
    let client = client(Arc::clone(&service), &tokens(&provider), 0);
    for _ in 0..10 {
        client.order().await.unwrap();
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    assert_eq!(provider.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn waiting_calls_share_the_error_of_a_fetch() {
    let (provider, service) = (Provider::new(None), accepting());
    provider.fail(1);
    let client = client(Arc::clone(&service), &tokens(&provider), 5);
    let calls: Vec<_> = (0..20)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { client.orders().await }
            })
        })
        .collect();
    for call in calls {
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts(), error.is_unprocessed()),
            (ErrorKind::Credentials, 1, true)
        );
        assert!(!error.is_retryable());
        assert_eq!(error.to_string(), "orders: the vault returned no token: cannot connect to the vault");
    }
    assert_eq!((provider.fetches(), service.tokens().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failing_provider_is_asked_again_after_growing_pauses() {
    let provider = Provider::new(None);
    provider.fail(100);
    let client = client(accepting(), &tokens(&provider), 0);
    let mut at = Vec::new();
    let start = tokio::time::Instant::now();
    while start.elapsed() < Duration::from_secs(130) {
        let before = provider.fetches();
        let error = client.order().await.unwrap_err();
        assert!(error.to_string().contains("the vault"), "{error}");
        if provider.fetches() > before {
            at.push(start.elapsed().as_secs());
        }
        tokio::time::sleep(ms(500)).await;
    }
    let pauses: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses.len(), provider.fetches() as usize - 1);
    for (pause, expected) in pauses.iter().zip([1, 2, 4, 8, 16, 30, 30]) {
        assert!((expected..=expected + 2).contains(pause), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_recovers_is_used_again() {
    let (provider, service) = (Provider::new(None), accepting());
    provider.fail(1);
    let client = client(Arc::clone(&service), &tokens(&provider), 0);
    client.order().await.unwrap_err();
    client.order().await.unwrap_err();
    tokio::time::sleep(ms(1000)).await;
    client.order().await.unwrap();
    assert_eq!((provider.fetches(), service.tokens()), (2, vec!["t2".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_used_until_it_expires_if_its_renewal_fails() {
    let (provider, service) = (Provider::new(Duration::from_secs(10)), accepting());
    let client = client(Arc::clone(&service), &tokens(&provider), 0);
    client.order().await.unwrap();
    provider.fail(2);
    for wait in [8000, 100, 1500] {
        tokio::time::sleep(ms(wait)).await;
        client.order().await.unwrap();
    }
    assert_eq!(service.tokens(), ["t1"; 4]);
    tokio::time::sleep(ms(400)).await;
    let error = client.order().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_is_replaced_and_the_call_sent_again() {
    for is_idempotent in [true, false] {
        let provider = Provider::new(None);
        let service = Service::new(|token| status(if token == "t1" { 401 } else { 204 }));
        let client = client(Arc::clone(&service), &tokens(&provider), 0);
        if is_idempotent { client.orders().await } else { client.order().await }.unwrap();
        client.order().await.unwrap();
        assert_eq!(service.tokens(), ["t1", "t2", "t2"]);
        assert_eq!(*service.attempts.lock().unwrap(), [1, 2, 1]);
        assert_eq!(provider.fetches(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_whose_token_is_rejected_at_once_share_the_next_one() {
    let provider = Provider::new(None);
    let service = Service::new(|token| status(if token == "t1" { 401 } else { 204 }));
    let client = client(Arc::clone(&service), &tokens(&provider), 0);
    let calls: Vec<_> = (0..30)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { client.order().await }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_rejection_is_returned_with_advice() {
    let provider = Provider::new(None);
    let service = Service::new(|_| status(401));
    let client = client(Arc::clone(&service), &tokens(&provider), 5);
    let error = client.order().await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Service, 2));
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(
        error.to_string(),
        "order: the response is 401 Unauthorized with an empty body; two tokens from the vault were rejected: check \
         its audience, scopes and expiry (2 attempts)"
    );
    assert_eq!(service.tokens(), ["t1", "t2"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_rejects_all_tokens_does_not_cause_a_fetch_per_call() {
    let provider = Provider::new(None);
    let service = Service::new(|_| status(401));
    let client = client(Arc::clone(&service), &tokens(&provider), 0);
    for _ in 0..1000 {
        client.order().await.unwrap_err();
        tokio::time::sleep(ms(10)).await;
    }
    // 10 s, with pauses of 1, 2, 4 and 8 s.
    assert!((4..=6).contains(&provider.fetches()), "{} fetches", provider.fetches());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_sent_again_has_all_of_its_retries() {
    let provider = Provider::new(None);
    let count = AtomicUsize::new(0);
    let service = Service::new(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        1 => status(401),
        0 | 2 => status(503),
        _ => status(204),
    });
    let client = client(Arc::clone(&service), &tokens(&provider), 2);
    client.orders().await.unwrap();
    assert_eq!(service.tokens(), ["t1", "t1", "t2", "t2"]);
    assert_eq!(*service.attempts.lock().unwrap(), [1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_call_is_sent_again_although_the_budget_is_exhausted() {
    let provider = Provider::new(None);
    let service = Service::new(|token| status(if token == "t1" { 401 } else { 204 }));
    let policy = RetryPolicy::none().with_budget(0, 5, 0);
    let retry = Retry::new(Arc::clone(&service), policy, TokioTime).with_tokens(tokens(&provider));
    OrdersClient::new(retry).order().await.unwrap();
    assert_eq!(service.tokens(), ["t1", "t2"]);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_static_token_is_not_sent_again() {
    let service = Service::new(|_| status(401));
    let tokens = Tokens::new(StaticToken::new("given").unwrap());
    let client = client(Arc::clone(&service), &tokens, 5);
    let error = client.order().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "order: the response is 401 Unauthorized with an empty body; the token from the configuration was rejected, \
         and its source returned it again: replace it"
    );
    assert_eq!(service.tokens(), ["given"]);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_an_expired_static_token_says_so() {
    let service = Service::new(|_| status(401));
    // It has expired in 2001.
    let tokens = Tokens::new(StaticToken::new("e30.eyJleHAiOjEwMDAwMDAwMDB9.c2ln").unwrap());
    let client = client(Arc::clone(&service), &tokens, 5);
    let error = client.order().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "order: the response is 401 Unauthorized with an empty body; the token from the configuration has expired: \
         replace it"
    );
    assert_eq!(service.tokens().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_fetch_after_a_rejection_says_so() {
    let provider = Provider::new(None);
    let service = Service::new(|_| status(401));
    let client = client(Arc::clone(&service), &tokens(&provider), 0);
    tokens(&provider);
    client.order().await.unwrap_err();
    tokio::time::sleep(ms(1000)).await;
    provider.fail(1);
    let error = client.order().await.unwrap_err();
    assert_eq!((error.kind(), error.is_unprocessed()), (ErrorKind::Credentials, true));
    assert_eq!(
        error.to_string(),
        "order: the service has rejected the token, and a new one cannot be obtained: the vault returned no token: \
         cannot connect to the vault"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_keeps_its_own_authorization() {
    let provider = Provider::new(None);
    let service = Service::new(|_| status(401));
    let client = client(Arc::clone(&service), &tokens(&provider), 0);
    for options in [CallOptions::new().token("mine"), CallOptions::new().header("authorization", "mine")] {
        let error = client.with(options).order().await.unwrap_err();
        assert_eq!(error.attempts(), 1);
    }
    assert_eq!((service.tokens(), provider.fetches()), (vec!["mine".to_owned(); 2], 0));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_does_not_cancel_the_fetch() {
    let (provider, service) = (Provider::new(None), accepting());
    let client = client(Arc::clone(&service), &tokens(&provider), 0);
    tokio::time::timeout(ms(10), client.order()).await.unwrap_err();
    let start = tokio::time::Instant::now();
    client.order().await.unwrap();
    assert_eq!((provider.fetches(), start.elapsed()), (1, ms(40)));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_call_limits_its_wait_for_a_token() {
    let (provider, service) = (Provider::new(None), accepting());
    let client = client(Arc::clone(&service), &tokens(&provider), 5);
    let start = tokio::time::Instant::now();
    let error = client.with(CallOptions::new().deadline(ms(20))).order().await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::Credentials, ms(20)));
    assert_eq!(error.to_string(), "order: the vault has returned no token before the deadline of 20ms");
}

/// A provider that never returns, and counts its fetches.
struct Hanging(Arc<AtomicU32>);

impl TokenProvider for Hanging {
    async fn fetch(&self) -> Result<Token> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_ends_after_its_limit() {
    let fetches = Arc::<AtomicU32>::default();
    let tokens = Tokens::new(Hanging(Arc::clone(&fetches)));
    let start = tokio::time::Instant::now();
    let error = tokens.get().await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    assert_eq!(error.to_string(), "the token provider has returned no token within 30s");
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_provider_that_panics_causes_an_error() {
    struct Panics;
    impl TokenProvider for Panics {
        async fn fetch(&self) -> Result<Token> {
            panic!("scripted")
        }
    }
    let error = Tokens::new(Panics).get().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
}

/// A provider whose first fetch never ends.
#[derive(Default)]
struct FirstHangs(AtomicU32);

impl TokenProvider for FirstHangs {
    async fn fetch(&self) -> Result<Token> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => std::future::pending().await,
            _ => Token::new("t"),
        }
    }
}

#[test]
fn a_fetch_in_a_runtime_that_has_ended_is_started_again() {
    let tokens = Tokens::new(FirstHangs::default());
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    assert!(first.block_on(async { tokio::time::timeout(ms(5), tokens.get()).await }).is_err());
    drop(first);
    runtime().block_on(tokens.get()).unwrap();
}

#[test]
fn a_fetch_outside_of_a_runtime_is_an_error() {
    let mut future = std::pin::pin!(async { Tokens::new(StaticToken::new("t").unwrap()).get().await });
    let waker = std::task::Waker::noop();
    let poll = future.as_mut().poll(&mut std::task::Context::from_waker(waker));
    let std::task::Poll::Ready(Err(error)) = poll else { panic!("an error") };
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_provider_can_have_its_token_checked_regularly() {
    #[derive(Clone, Default)]
    struct Checked(Arc<(AtomicU32, Notify)>, Arc<Mutex<Option<&'static str>>>);
    impl TokenProvider for Checked {
        async fn fetch(&self) -> Result<Token> {
            self.0.0.fetch_add(1, Ordering::SeqCst);
            let token = self.1.lock().unwrap().ok_or(Error::new(ErrorKind::Credentials, "gone"))?;
            Ok(Token::new(token)?.with_check_interval(ms(1000)))
        }
    }
    let provider = Checked::default();
    *provider.1.lock().unwrap() = Some("a");
    let service = accepting();
    let client = client(Arc::clone(&service), &Tokens::new(provider.clone()), 0);
    for _ in 0..10 {
        client.order().await.unwrap();
    }
    assert_eq!(provider.0.0.load(Ordering::SeqCst), 1);
    *provider.1.lock().unwrap() = Some("b");
    tokio::time::sleep(ms(1000)).await;
    client.order().await.unwrap();
    // A source that is gone does not make a valid token invalid.
    *provider.1.lock().unwrap() = None;
    tokio::time::sleep(ms(1000)).await;
    client.order().await.unwrap();
    assert_eq!(service.tokens()[9..], ["a", "b", "b"]);
}

/// A fetch in a runtime that exists, but does not run.
#[test]
fn a_fetch_in_a_runtime_that_does_not_run_is_given_up() {
    let tokens = Tokens::new(FirstHangs::default());
    let runtime = |paused| {
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build().unwrap()
    };
    let idle = runtime(false);
    assert!(idle.block_on(async { tokio::time::timeout(ms(5), tokens.get()).await }).is_err());
    runtime(true).block_on(tokens.get()).unwrap();
    drop(idle);
}

#[tokio::test(start_paused = true)]
async fn the_shortest_lifetimes_and_check_intervals_do_not_fail_calls() {
    struct Short(bool, AtomicU32);
    impl TokenProvider for Short {
        async fn fetch(&self) -> Result<Token> {
            self.1.fetch_add(1, Ordering::SeqCst);
            let token = Token::new("t")?;
            let shortest = Duration::from_nanos(1);
            Ok(if self.0 { token.with_lifetime(shortest) } else { token.with_check_interval(Duration::ZERO) })
        }
    }
    for is_lifetime in [true, false] {
        let client = client(accepting(), &Tokens::new(Short(is_lifetime, AtomicU32::new(0))), 0);
        for _ in 0..5 {
            client.order().await.unwrap();
            tokio::time::sleep(ms(150)).await;
        }
    }
}

#[tokio::test]
async fn a_custom_stack_sends_no_token_over_plain_http_to_another_machine() {
    struct Remote;
    impl Transport for Remote {
        async fn send(&self, _: Call) -> Result<Response> {
            Ok(Response::default())
        }
        #[expect(clippy::unnecessary_literal_bound, reason = "as in the trait")]
        fn peer(&self) -> &str {
            "https://books.staging or http://books.staging"
        }
    }
    let tokens = Tokens::new(StaticToken::new("t").unwrap());
    let retry = Retry::new(Remote, RetryPolicy::none(), TokioTime).with_tokens(tokens);
    assert_eq!(OrdersClient::new(retry).order().await.unwrap_err().kind(), ErrorKind::Config);
}

#[tokio::test(start_paused = true)]
async fn a_client_from_a_configuration_adds_tokens() {
    let (provider, service) = (Provider::new(None), accepting());
    let config = ClientConfig::new().with_token_provider(Shared(Arc::clone(&provider))).with_retries(0);
    let first = OrdersClient::from_transport(Arc::clone(&service), &config).unwrap();
    let second = OrdersClient::from_transport(Arc::clone(&service), &config.clone()).unwrap();
    first.order().await.unwrap();
    second.order().await.unwrap();
    assert_eq!((provider.fetches(), service.tokens()), (1, vec!["t1".to_owned(); 2]));
}

#[test]
fn a_token_over_plain_http_to_another_machine_is_rejected() {
    let config = |url: &str| ClientConfig::from_url(url).unwrap();
    let provider = || StaticToken::new("s3cret").unwrap();
    let bearer = || HeaderValue::from_static("bearer s3cret");
    let basic = || HeaderValue::from_static("Basic s3cret");
    for (config, exposed) in [
        (
            config("http://books.staging:81/v1").with_token_provider(provider()),
            Some("http://books.staging:81"),
        ),
        (config("http://books.staging").with_header(AUTHORIZATION, bearer()), Some("http://books.staging")),
        (
            config("https://books.staging")
                .with_fallback_url("http://10.0.0.1")
                .unwrap()
                .with_token_provider(provider()),
            Some("http://10.0.0.1"),
        ),
        (
            config("http://user:s3cret@books.staging").with_token_provider(provider()),
            Some("http://books.staging"),
        ),
        (config("http://user:s3cret@books.staging"), None),
        (config("http://books.staging").with_header(AUTHORIZATION, basic()), None),
        (config("https://books.staging").with_token_provider(provider()), None),
        (config("http://127.0.0.1:81").with_token_provider(provider()), None),
        (
            config("http://books.staging")
                .with_token_provider(provider())
                .with_http_credentials_allowed(true),
            None,
        ),
    ] {
        let outcome = config.validate();
        let expected = exposed.map(|origin| {
            format!(
                "a bearer token is not sent to {origin}, since others in the network could read it: use `https`, or \
                 allow it with `ClientConfig::with_http_credentials_allowed`"
            )
        });
        assert_eq!(outcome.as_ref().err().map(ToString::to_string), expected);
        assert!(outcome.err().is_none_or(|error| error.kind() == ErrorKind::Config));
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn a_token_of_a_call_over_plain_http_to_another_machine_is_not_sent() {
    struct Remote;
    impl Transport for Remote {
        async fn send(&self, _: Call) -> Result<Response> {
            Ok(Response::default())
        }
        #[expect(clippy::unnecessary_literal_bound, reason = "as in the trait")]
        fn peer(&self) -> &str {
            "http://books.staging"
        }
    }
    let config = ClientConfig::new();
    let client = OrdersClient::from_transport(Remote, &config).unwrap();
    let error = client.with(CallOptions::new().token("s3cret")).order().await.unwrap_err();
    assert_eq!((error.kind(), error.is_unprocessed()), (ErrorKind::Config, true));
    assert!(error.to_string().contains("http://books.staging") && !format!("{error:?}").contains("s3cret"));
    client.order().await.unwrap();
    client.with(CallOptions::new().header("authorization", "Basic abc")).order().await.unwrap();
    let provided = config.clone().with_token_provider(StaticToken::new("s3cret").unwrap());
    let error = OrdersClient::from_transport(Remote, &provided).unwrap().order().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let allowed = OrdersClient::from_transport(Remote, &config.with_http_credentials_allowed(true)).unwrap();
    allowed.with(CallOptions::new().token("s3cret")).order().await.unwrap();
}

#[tokio::test]
async fn a_token_is_fetched_once_by_calls_on_several_threads() {
    struct Gate(Arc<Semaphore>, Arc<AtomicU32>);
    impl TokenProvider for Gate {
        async fn fetch(&self) -> Result<Token> {
            self.1.fetch_add(1, Ordering::SeqCst);
            drop(self.0.acquire().await);
            Token::new("t")
        }
    }
    let (gate, fetches) = (Arc::new(Semaphore::new(0)), Arc::<AtomicU32>::default());
    let tokens = Tokens::new(Gate(Arc::clone(&gate), Arc::clone(&fetches)));
    // The task of the fetch lives in this runtime.
    assert!(tokio::time::timeout(ms(1), tokens.get()).await.is_err());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let tokens = tokens.clone();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(tokens.get()).unwrap();
            })
        })
        .collect();
    gate.add_permits(1);
    tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| thread.join().unwrap()))
        .await
        .unwrap();
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
}
