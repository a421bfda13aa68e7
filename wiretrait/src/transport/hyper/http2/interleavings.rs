//! Models of calls that share connections, open them, and are given up meanwhile.

use super::{
    Arc, Builder, Connection, Error, ErrorKind, Instant, Multiplexed, Shared, Slot, State, WakingState,
};
use bytes::Bytes;
use interleavings::{canceled_after, check, join, scheduling_point, spawn};
use shuttle::future::{block_on, yield_now};
use shuttle::thread;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::DuplexStream;

const MINUTE: Duration = Duration::from_secs(60);

/// A client whose connections have no network.
struct Client {
    shared: Arc<Shared>,
    service: Arc<Service>,
}

struct Service {
    /// The number of requests that a connection accepts at a time.
    streams: usize,
    /// The number of connections that cannot be opened.
    failures: usize,
    opening: AtomicUsize,
    attempts: AtomicUsize,
    states: Mutex<Vec<Arc<State>>>,
    /// Kept, so that the connections stay open.
    open: Mutex<Vec<(Connection<DuplexStream, Bytes>, DuplexStream)>>,
}

impl Client {
    fn new(streams: usize, failures: usize) -> Arc<Self> {
        let shared =
            Shared { idle_timeout: MINUTE, connections: Default::default(), openings: Default::default() };
        let service = Service {
            streams,
            failures,
            opening: AtomicUsize::new(0),
            attempts: AtomicUsize::new(0),
            states: Mutex::default(),
            open: Mutex::default(),
        };
        Arc::new(Self { shared: Arc::new(shared), service: Arc::new(service) })
    }

    async fn slot(&self) -> Result<Slot, Error> {
        match self.shared.noticed_slot().await {
            Some(slot) => Ok(slot),
            None => self.shared.open(|| self.service.clone().connect(), "http://localhost").await,
        }
    }

    /// Makes a call, if there is a connection for it.
    async fn call(&self) -> Result<(), Error> {
        let slot = self.slot().await?;
        let calls = slot.connection.state.calls.load(Ordering::Relaxed);
        assert!(calls <= self.service.streams, "{calls} calls share a connection");
        yield_now().await;
        drop(slot);
        Ok(())
    }

    /// Waits for the tasks that open connections, and until no call is counted. Returns the number of connections.
    fn opened(&self) -> usize {
        let has_ended = |state: &Arc<State>| state.calls.load(Ordering::Relaxed) == 0;
        let states = || self.service.states.lock().unwrap().clone();
        while !self.shared.openings().is_empty() || !states().iter().all(has_ended) {
            thread::yield_now();
        }
        states().len()
    }
}

impl Service {
    async fn connect(self: Arc<Self>) -> Result<Multiplexed, Error> {
        assert_eq!(self.opening.fetch_add(1, Ordering::Relaxed), 0, "two connections are opened at once");
        yield_now().await;
        self.opening.fetch_sub(1, Ordering::Relaxed);
        if self.attempts.fetch_add(1, Ordering::Relaxed) < self.failures {
            return Err(Error::new(ErrorKind::Connect, "refused"));
        }
        Ok(self.connection().await)
    }

    async fn connection(&self) -> Multiplexed {
        let (io, peer) = tokio::io::duplex(1 << 12);
        let mut builder = Builder::new();
        let (requests, driver) = builder.initial_max_send_streams(self.streams).handshake(io).await.unwrap();
        let state = Arc::new(State::default());
        self.states.lock().unwrap().push(state.clone());
        self.open.lock().unwrap().push((driver, peer));
        Multiplexed {
            requests,
            state: WakingState(state),
            opened_at: Instant::now(),
            starts_paused: false,
            retires_at: None,
            runtime: None,
        }
    }
}

fn complete(client: &Client) {
    block_on(client.call()).unwrap();
}

#[test]
fn calls_share_a_connection_that_one_of_them_opens() {
    check(|| {
        let client = Client::new(3, 0);
        join([(); 3].map(|()| spawn(&client, complete)));
        assert_eq!(client.opened(), 1);
    });
}

#[test]
fn calls_beyond_the_limit_of_a_connection_use_another_one() {
    check(|| {
        let client = Client::new(1, 0);
        complete(&client);
        join([(); 3].map(|()| spawn(&client, complete)));
        assert!((1..=3).contains(&client.opened()));
    });
}

#[test]
fn a_call_that_is_given_up_does_not_end_the_opening_for_others() {
    check(|| {
        let client = Client::new(2, 0);
        let give_up = |polls| {
            move |client: &Client| {
                assert!(block_on(canceled_after(polls, client.call())).is_none_or(|result| result.is_ok()))
            }
        };
        join([spawn(&client, give_up(1)), spawn(&client, give_up(2)), spawn(&client, complete)]);
        assert!((1..=2).contains(&client.opened()));
    });
}

#[test]
fn a_failed_opening_fails_the_calls_that_wait_for_it_and_no_other() {
    check(|| {
        let client = Client::new(3, 1);
        let results = join([(); 3].map(|()| spawn(&client, |client| block_on(client.call()).is_ok())));
        assert!(!results.iter().all(|is_ok| *is_ok), "the call that has opened the connection fails");
        complete(&client);
        assert_eq!(client.opened(), 1);
    });
}

#[test]
fn a_connection_that_closes_because_it_is_idle_gets_no_call() {
    check(|| {
        let client = Client::new(1, 0);
        let connection = Arc::new(block_on(client.service.connection()));
        let closing = spawn(&connection, |connection| connection.state.close_if_idle());
        let slot = Slot::new(connection.clone());
        scheduling_point();
        let [is_closed] = join([closing]);
        assert_eq!(slot.is_none(), is_closed);
    });
}
