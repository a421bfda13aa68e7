//! Models of calls that need a token while it is fetched, renewed and rejected.

use super::{Time, Token, TokenProvider, Tokens};
use crate::error::Result;
use crate::policy::TokioTime;
use interleavings::{check, join, spawn};
use shuttle::future::{JoinHandle, block_on, yield_now};
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

thread_local! {
    /// True if the runtime of the model shuts down before the task in progress has ended.
    static SHUTS_DOWN: Cell<bool> = const { Cell::new(false) };
}

/// The runtime of a model.
pub(super) struct Handle;

impl Handle {
    #[expect(clippy::unnecessary_wraps, reason = "tokio's returns an error outside of a runtime")]
    pub(super) fn try_current() -> std::result::Result<Self, ()> {
        Ok(Self)
    }

    #[expect(clippy::unused_self, reason = "as tokio's")]
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        shuttle::future::spawn(async {
            let mut task = pin!(task);
            poll_fn(|context| match task.as_mut().poll(context) {
                Poll::Pending if SHUTS_DOWN.take() => Poll::Ready(()),
                poll => poll,
            })
            .await;
        })
    }
}

/// A source of the tokens `1`, `2` and so on, each with a lifetime of a minute.
#[derive(Default)]
struct Provider {
    /// True if the task of the first fetch is dropped by the shutdown of its runtime.
    loses_first: bool,
    is_fetching: AtomicBool,
    fetches: Arc<AtomicUsize>,
}

impl TokenProvider for Provider {
    async fn fetch(&self) -> Result<Token> {
        let number = self.fetches.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(!self.is_fetching.swap(true, Ordering::Relaxed), "two fetches at once");
        yield_now().await;
        self.is_fetching.store(false, Ordering::Relaxed);
        if self.loses_first && number == 1 {
            SHUTS_DOWN.set(true);
            pending::<()>().await;
        }
        Ok(Token::new(number.to_string())?.with_lifetime(Duration::from_secs(60)))
    }
}

/// A clock that only the model advances, without timers.
#[derive(Clone)]
struct Clock {
    start: Instant,
    seconds: Arc<AtomicUsize>,
}

impl Time for Clock {
    fn now(&self) -> Instant {
        self.start + Duration::from_secs(self.seconds.load(Ordering::Relaxed) as u64)
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    async fn sleep_until(&self, _moment: Instant) {
        pending().await
    }
}

struct Model {
    tokens: Tokens,
    fetches: Arc<AtomicUsize>,
    clock: Clock,
}

impl Model {
    fn new(provider: Provider) -> Arc<Self> {
        let clock = Clock { start: TokioTime.now(), seconds: Arc::default() };
        let fetches = provider.fetches.clone();
        Arc::new(Self { tokens: Tokens::with_time(provider, clock.clone()), fetches, clock })
    }

    /// Returns the number of the token that a call uses.
    fn token(&self) -> usize {
        let cached = block_on(self.tokens.cached()).unwrap();
        cached.header().to_str().unwrap().trim_start_matches("Bearer ").parse().unwrap()
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }
}

#[test]
fn all_calls_wait_for_one_fetch() {
    check(|| {
        let model = Model::new(Provider::default());
        assert_eq!(join([(); 3].map(|()| spawn(&model, Model::token))), [1; 3]);
        assert_eq!(model.fetches(), 1);
    });
}

#[test]
fn calls_that_wait_for_a_lost_fetch_get_a_token_of_the_next_one() {
    check(|| {
        let model = Model::new(Provider { loses_first: true, ..Provider::default() });
        assert_eq!(join([(); 3].map(|()| spawn(&model, Model::token))), [2; 3]);
        assert_eq!(model.fetches(), 2);
    });
}

#[test]
fn a_token_is_renewed_once_while_calls_use_it() {
    check(|| {
        let model = Model::new(Provider::default());
        assert_eq!(model.token(), 1);
        model.clock.seconds.store(55, Ordering::Relaxed);
        let used = join([(); 3].map(|()| spawn(&model, Model::token)));
        assert!(used.iter().all(|token| [1, 2].contains(token)), "{used:?}");
        model.clock.seconds.store(60, Ordering::Relaxed);
        assert_eq!((model.token(), model.fetches()), (2, 2));
    });
}

#[test]
fn a_token_that_several_calls_reject_is_replaced_once() {
    check(|| {
        let model = Model::new(Provider::default());
        let rejected = block_on(model.tokens.cached()).unwrap();
        let threads = [(); 3].map(|()| {
            let rejected = rejected.clone();
            spawn(&model, move |model| {
                assert!(model.tokens.reject(&rejected));
                model.token()
            })
        });
        assert_eq!(join(threads), [2; 3]);
        assert_eq!(model.fetches(), 2);
    });
}
