//! Seeded faults and the virtual clock.

use super::{client, find, ms, panic_message};
use http::StatusCode;
use sessions_client::policy::{Time, Timeout};
use sessions_client::test_kit::{Fault, Faults, Reply, ScriptedTransport, VirtualTime};
use sessions_client::{Call, ErrorKind, Response, Transport, sessions_v1, transport_fn};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

/// Returns the outcomes of `count` attempts with `faults`.
async fn outcomes(faults: Faults<impl Transport, VirtualTime>, count: usize) -> Vec<String> {
    let client = client(faults);
    let mut outcomes = Vec::new();
    for _ in 0..count {
        outcomes.push(match find(&client).await {
            Ok(()) => "found".to_owned(),
            Err(error) => error.to_string(),
        });
    }
    outcomes
}

fn reached(count: &AtomicUsize) -> impl Transport {
    transport_fn(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        std::future::ready(Ok(response))
    })
}

/// A transport whose requests share connections.
struct Multiplexed;

impl Transport for Multiplexed {
    async fn send(&self, _: Call) -> sessions_client::Result<Response> {
        Ok(Response::default())
    }

    fn is_multiplexed(&self) -> bool {
        true
    }
}

#[test]
fn requests_share_connections_if_those_of_the_inner_transport_do() {
    assert!(Faults::new(Multiplexed, 1, VirtualTime::new()).is_multiplexed());
    assert!(!Faults::new(reached(&AtomicUsize::new(0)), 1, VirtualTime::new()).is_multiplexed());
}

fn some_of_each<T>(inner: T, seed: u64, time: &VirtualTime) -> Faults<T, VirtualTime> {
    Faults::new(inner, seed, time.clone())
        .with(Fault::NoConnection, 0.1)
        .with(Fault::LostRequest, 0.1)
        .with(Fault::LostAnswer, 0.1)
        .with(Fault::Status(StatusCode::SERVICE_UNAVAILABLE, Some(Duration::from_secs(2))), 0.1)
        .with(Fault::Status(StatusCode::TOO_MANY_REQUESTS, None), 0.1)
        .with(Fault::Garbage, 0.1)
        .with_latency(ms(1)..=ms(100))
}

#[tokio::test]
async fn a_seed_determines_faults_and_latencies() {
    let run = async |seed| {
        let (count, time) = (AtomicUsize::new(0), VirtualTime::new());
        let outcomes = outcomes(some_of_each(reached(&count), seed, &time), 200).await;
        // Messages contain the seed.
        let outcomes: Vec<_> =
            outcomes.iter().map(|outcome| outcome.split(", seed").next().unwrap().to_owned()).collect();
        (outcomes, time.slept(), count.into_inner())
    };
    let one = run(42).await;
    assert_eq!(one, run(42).await);
    let other = run(43).await;
    assert!(one.0 != other.0 && one.1 != other.1);

    // Every fault occurred, and many attempts had none.
    let kinds: BTreeSet<_> = one.0.iter().map(|outcome| outcome.split(" (").next().unwrap()).collect();
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    let found = one.0.iter().filter(|outcome| *outcome == "found").count();
    assert!((50..110).contains(&found), "{found} of 200");
    assert!(one.1.iter().all(|latency| (ms(1)..=ms(100)).contains(latency)));
    assert!(one.2 > found && one.2 < 200, "{}", one.2);
}

#[tokio::test]
async fn latency_does_not_change_the_faults() {
    let (count, time) = (AtomicUsize::new(0), VirtualTime::new());
    let slow = outcomes(some_of_each(reached(&count), 7, &time), 50).await;
    let fast = outcomes(some_of_each(reached(&count), 7, &time).with_latency(ms(0)..=ms(0)), 50).await;
    assert_eq!(slow, fast);
}

#[tokio::test]
async fn each_fault_affects_an_attempt_as_named() {
    let busy = Fault::Status(StatusCode::SERVICE_UNAVAILABLE, Some(Duration::from_secs(2)));
    let limited = Fault::Status(StatusCode::TOO_MANY_REQUESTS, None);
    for (fault, kind, status, retry_after, work) in [
        (Fault::NoConnection, ErrorKind::Connect, None, None, 0),
        (Fault::LostRequest, ErrorKind::Transport, None, None, 0),
        (Fault::LostAnswer, ErrorKind::Transport, None, None, 1),
        (busy, ErrorKind::Service, Some(503), Some(Duration::from_secs(2)), 0),
        (limited, ErrorKind::Service, Some(429), None, 0),
        (Fault::Garbage, ErrorKind::Decode, Some(200), None, 1),
    ] {
        let (count, time) = (AtomicUsize::new(0), VirtualTime::new());
        let faults = Faults::new(reached(&count), 1, time).with(fault, 1.0);
        let error = find(&client(faults)).await.unwrap_err();
        assert_eq!((error.kind(), error.retry_after()), (kind, retry_after), "{fault:?}");
        assert_eq!(error.status().map(|status| status.as_u16()), status, "{fault:?}");
        assert_eq!(count.into_inner(), work, "{fault:?}");
    }
}

#[tokio::test]
async fn an_error_of_the_service_precedes_a_lost_response() {
    let service = ScriptedTransport::new();
    service.on(sessions_v1::GET_SESSION_BY_ID, Reply::error(ErrorKind::Timeout).always());
    for fault in [Fault::LostAnswer, Fault::Garbage] {
        let faults = Faults::new(service.clone(), 1, VirtualTime::new()).with(fault, 1.0);
        assert!(find(&client(faults)).await.unwrap_err().is_timeout(), "{fault:?}");
    }
}

#[tokio::test]
async fn the_seed_is_in_the_error_and_in_debug() {
    let faults = Faults::new(ScriptedTransport::new(), 42, VirtualTime::new()).with(Fault::NoConnection, 1.0);
    let error = find(&client(faults.clone())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "get_session_by_id: no connection could be made (injected into attempt 1, seed 42)"
    );
    assert!(format!("{faults:?}").starts_with("Faults { seed: 42, attempts: 1, "), "{faults:?}");
}

#[test]
fn an_invalid_probability_panics() {
    let faults = || Faults::new(ScriptedTransport::new(), 1, VirtualTime::new());
    for probability in [-0.1, 1.1, f64::NAN] {
        let message = panic_message(|| drop(faults().with(Fault::Garbage, probability))).unwrap();
        assert_eq!(message, format!("the probability {probability} must be from 0 to 1"));
    }
    let too_much = || drop(faults().with(Fault::Garbage, 0.75).with(Fault::LostAnswer, 0.5));
    let message_of_sum = panic_message(too_much).unwrap();
    assert_eq!(message_of_sum, "the sum of all probabilities is 1.25, which is greater than 1");
    let message_of_range = panic_message(|| drop(faults().with_latency(ms(2)..=ms(1)))).unwrap();
    assert_eq!(
        message_of_range,
        "the latency range 2ms..=1ms is empty: its start must not be greater than its end"
    );
    let all = (0..10).fold(faults(), |faults, _| faults.with(Fault::Garbage, 0.1));
    assert!(format!("{all:?}").contains("Garbage"));
}

#[tokio::test]
async fn the_shorter_of_a_latency_and_a_limit_wins() {
    for (latency, timely) in [(999, true), (1000, true), (1001, false)] {
        let (count, time) = (AtomicUsize::new(0), VirtualTime::new());
        let slow = Faults::new(reached(&count), 1, time.clone()).with_latency(ms(latency)..=ms(latency));
        let client = client(Timeout::new(slow, ms(1000), time.clone()));
        assert_eq!(find(&client).await.is_ok(), timely, "{latency}");
        assert_eq!(time.passed(), ms(latency.min(1000)));
    }
}

#[tokio::test]
async fn a_latency_beyond_the_clock_exceeds_every_limit() {
    let (count, time) = (AtomicUsize::new(0), VirtualTime::new());
    let silent = Faults::new(reached(&count), 1, time.clone()).with_latency(Duration::MAX..=Duration::MAX);
    let client = client(Timeout::new(silent, ms(1000), time.clone()));
    assert_eq!(find(&client).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!((time.passed(), count.load(Ordering::Relaxed)), (ms(1000), 0));
}

#[tokio::test]
async fn sleeps_end_in_the_order_of_their_deadlines() {
    let time = VirtualTime::new();
    let order = std::sync::Mutex::new(Vec::new());
    let sleep = async |millis| {
        time.sleep_until(time.now() + ms(millis)).await;
        order.lock().unwrap().push((millis, time.passed()));
    };
    tokio::join!(sleep(300), sleep(100), sleep(200));
    assert_eq!(*order.lock().unwrap(), [(100, ms(100)), (200, ms(200)), (300, ms(300))]);
    assert_eq!(time.slept(), [ms(100), ms(200), ms(300)]);
}

#[tokio::test]
async fn a_dropped_sleep_does_not_affect_the_clock() {
    let time = VirtualTime::new();
    let short = time.sleep_until(time.now() + ms(10));
    {
        let mut short = std::pin::pin!(short);
        let first =
            std::future::poll_fn(|context| std::task::Poll::Ready(short.as_mut().poll(context))).await;
        assert!(first.is_pending());
    }
    time.sleep_until(time.now() + ms(500)).await;
    assert_eq!((time.passed(), time.slept()), (ms(500), vec![ms(500)]));
}

#[tokio::test]
async fn dropping_the_shorter_sleep_wakes_the_longer_one() {
    let time = VirtualTime::new();
    let mut short = Box::pin(time.clone().sleep_until_owned(ms(10)));
    assert!(
        std::future::poll_fn(|context| std::task::Poll::Ready(short.as_mut().poll(context)))
            .await
            .is_pending()
    );
    let long = tokio::spawn(time.clone().sleep_until_owned(ms(500)));
    // The long sleep is registered, and waits for the short one.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    assert!(!long.is_finished());
    drop(short);
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    assert!(long.is_finished());
    assert_eq!(time.passed(), ms(500));
}

trait Owned {
    fn sleep_until_owned(self, time: Duration) -> impl Future<Output = ()> + Send + 'static;
}

impl Owned for VirtualTime {
    async fn sleep_until_owned(self, time: Duration) {
        self.sleep_until(self.now() + time).await;
    }
}

#[tokio::test]
async fn advancing_the_clock_ends_due_sleeps() {
    let time = VirtualTime::starting_at(SystemTime::UNIX_EPOCH);
    time.advance(ms(1500));
    assert_eq!(time.wall_clock(), SystemTime::UNIX_EPOCH + ms(1500));
    time.sleep_until(time.now()).await;
    let past = time.now();
    time.advance(ms(1));
    time.sleep_until(past).await;
    assert_eq!((time.passed(), time.slept()), (ms(1501), vec![ms(0), ms(0)]));
    let sleep = time.sleep_until(time.now() + ms(100));
    time.clone().advance(ms(400));
    sleep.await;
    assert_eq!(time.passed(), ms(1901));
}
