//! Observers of finished calls and the metrics of `wiretrait`, with this contract and a test clock.

use http::StatusCode;
use sessions_client::telemetry::{CallObserver, CallOutcome, FinishedCall};
use sessions_client::{
    CallOptions, Caller, Error, ErrorKind, ISessionsV1, Response, SessionsHttpClientV1, Transport, Value,
    transport_fn,
};
use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// An observer that records a line for each call.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Lines {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl CallObserver for Lines {
    fn finished(&self, call: &FinishedCall<'_>) {
        let outcome = match call.outcome {
            CallOutcome::Ok(_) => "ok".to_owned(),
            CallOutcome::Failed(error) => format!("{:?}", error.kind()),
            _ => "cancelled".to_owned(),
        };
        let FinishedCall { route, attempts, duration, .. } = call;
        let (status, error_type) = (call.status().map(|status| status.as_u16()), call.error_type());
        let line = format!("{} {outcome} {status:?} {error_type:?} {attempts:?} {duration:?}", route.name);
        self.0.lock().unwrap().push(line);
    }
}

/// A caller whose clock advances by a second with each reading.
fn caller<T: Transport>(transport: T, observer: Arc<dyn CallObserver>) -> Caller<T> {
    let (start, reads) = (Instant::now(), AtomicU64::new(0));
    let clock = move || start + Duration::from_secs(reads.fetch_add(1, Ordering::Relaxed));
    Caller::new(transport).with_observer(observer).with_clock(clock)
}

fn client<T: Transport>(transport: T, lines: &Arc<Lines>) -> SessionsHttpClientV1<Value, Value, T> {
    SessionsHttpClientV1::from_caller(caller(transport, lines.clone()))
}

fn response(status: u16) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

#[tokio::test]
async fn an_observer_is_notified_of_each_call_once() {
    let lines = Arc::<Lines>::default();
    let ok = client(transport_fn(|_| async { Ok(response(204)) }), &lines);
    ok.get_session_by_id(None, "1").await.unwrap();
    ok.store_session_data(None, "1", &Value::Null).await.unwrap_err();
    let refusing = client(transport_fn(|_| async { Ok(response(404)) }), &lines);
    refusing.close_session(None, "1").await.unwrap_err();
    let broken = client(transport_fn(|_| async { Err(Error::new(ErrorKind::Connect, "broken")) }), &lines);
    broken.delete_session_by_id(None, "1").await.unwrap_err();
    assert_eq!(
        lines.take(),
        [
            "get_session_by_id ok Some(204) None Some(1) 1s",
            "store_session_data Encode None Some(\"encode\") Some(0) 1s",
            "close_session Service Some(404) Some(\"404\") Some(1) 1s",
            "delete_session_by_id Connect None Some(\"connect\") Some(1) 1s",
        ]
    );
}

#[test]
fn a_dropped_call_is_reported_as_cancelled() {
    let lines = Arc::<Lines>::default();
    let client = client(transport_fn(|_| pending()), &lines);
    {
        let mut call = pin!(client.get_session_by_id(None, "1"));
        assert!(matches!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
        assert!(lines.take().is_empty(), "the call has not finished");
    }
    assert_eq!(lines.take(), ["get_session_by_id cancelled None Some(\"cancelled\") None 1s"]);
}

#[tokio::test]
async fn clones_and_views_share_the_observer() {
    let lines = Arc::<Lines>::default();
    let client = client(transport_fn(|_| async { Ok(response(204)) }), &lines);
    client.clone().get_session_by_id(None, "1").await.unwrap();
    client.with(CallOptions::new()).get_session_by_id(None, "1").await.unwrap();
    client.clone().with_payloads::<u32, u32>().get_session_by_id(None, "1").await.unwrap();
    assert_eq!(lines.take().len(), 3);
}

#[tokio::test]
async fn a_function_is_an_observer() {
    let calls = Arc::new(AtomicU64::new(0));
    let counted = calls.clone();
    let client = SessionsHttpClientV1::new(transport_fn(|_| async { Ok(response(204)) })).with_observer(
        Arc::new(move |call: &FinishedCall<'_>| {
            assert_eq!(call.route.name, "get_session_by_id");
            counted.fetch_add(1, Ordering::Relaxed);
        }),
    );
    client.get_session_by_id(None, "1").await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn without_an_observer_the_clock_is_not_read() {
    let transport = transport_fn(|_| async { Ok(response(204)) });
    let caller = Caller::new(transport).with_clock(|| unreachable!("some platforms have no clock"));
    let client: SessionsHttpClientV1<Value, Value, _> = SessionsHttpClientV1::from_caller(caller);
    client.get_session_by_id(None, "1").await.unwrap();
}

#[cfg(feature = "metrics")]
mod metrics {
    use super::{caller, response};
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};
    use sessions_client::telemetry::MetricsObserver;
    use sessions_client::{ISessionsV1, SessionsHttpClientV1, Value, transport_fn};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU16, Ordering};

    #[test]
    fn calls_are_recorded_under_the_documented_names_and_labels() {
        let recorder = DebuggingRecorder::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        ::metrics::with_local_recorder(&recorder, || {
            let statuses = AtomicU16::new(204);
            let transport = transport_fn(move |_| {
                std::future::ready(Ok(response(statuses.fetch_add(199, Ordering::Relaxed))))
            });
            let caller = caller(transport, Arc::new(MetricsObserver::new()));
            let client: SessionsHttpClientV1<Value, Value, _> = SessionsHttpClientV1::from_caller(caller);
            runtime.block_on(async {
                client.get_session_by_id(None, "1").await.unwrap();
                client.close_session(None, "1").await.unwrap_err();
            });
        });
        let mut lines: Vec<String> = recorder
            .snapshotter()
            .snapshot()
            .into_vec()
            .into_iter()
            .map(|(key, unit, _, value)| {
                let key = key.key();
                let labels: Vec<_> = key.labels().map(|l| format!("{}={}", l.key(), l.value())).collect();
                let DebugValue::Histogram(values) = value else { panic!("{value:?}") };
                let values: Vec<f64> = values.into_iter().map(f64::from).collect();
                format!("{} {:?} [{}] {values:?}", key.name(), unit.unwrap(), labels.join(" "))
            })
            .collect();
        lines.sort();
        assert_eq!(
            lines,
            [
                "wiretrait.call.attempts Count [wiretrait.contract=ISessionsV1 wiretrait.operation=close_session error.type=403 \
                 http.response.status_code=403] [1.0]",
                "wiretrait.call.attempts Count [wiretrait.contract=ISessionsV1 wiretrait.operation=get_session_by_id \
                 http.response.status_code=204] [1.0]",
                "wiretrait.call.duration Seconds [wiretrait.contract=ISessionsV1 wiretrait.operation=close_session error.type=403 \
                 http.response.status_code=403] [1.0]",
                "wiretrait.call.duration Seconds [wiretrait.contract=ISessionsV1 wiretrait.operation=get_session_by_id \
                 http.response.status_code=204] [1.0]",
            ]
        );
    }
}
