//! The trace context in requests (feature `otel` of `wiretrait`), with this contract.

#![cfg(all(feature = "otel", feature = "tokio"))]

use http::StatusCode;
use opentelemetry::trace::{SpanId, SpanKind, Status, TraceContextExt, TraceId, TracerProvider};
use opentelemetry::{Context, global};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use sessions_client::{
    Call, ClientConfig, ISessionsV1, Policies, Response, SessionsHttpClientV1, Transport, Value, transport_fn,
};
use std::sync::{Arc, Mutex};
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

type Headers = Arc<Mutex<Vec<String>>>;

/// Serializes the tests: if a test without a subscriber is the first to reach a span, `tracing` can cache the
/// span as disabled for the subscribers of other threads.
static SERIAL: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A client of a service that responds with 503, then 204, and the `traceparent` headers it receives.
fn client() -> (SessionsHttpClientV1<Value, Value, Policies<impl Transport>>, Headers) {
    let headers = Headers::default();
    let kept = headers.clone();
    let transport = transport_fn(move |call: Call| {
        let header = call.request.headers().get("traceparent");
        let header = header.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let mut headers = kept.lock().unwrap();
        headers.push(header);
        let mut response = Response::default();
        let is_first = headers.len() == 1;
        *response.status_mut() =
            if is_first { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT };
        std::future::ready(Ok(response))
    });
    let config = ClientConfig::from_url("http://localhost").unwrap();
    (SessionsHttpClientV1::new(Policies::new(transport, &config)), headers)
}

fn traceparent(trace: TraceId, span: SpanId) -> String {
    format!("00-{trace}-{span}-01")
}

#[tokio::test(start_paused = true)]
async fn each_attempt_sends_its_own_span_in_the_callers_trace() {
    let _guard_of_tests = SERIAL.lock().await;
    global::set_text_map_propagator(TraceContextPropagator::new());
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));

    let (client, headers) = client();
    let request = tracing::info_span!("request");
    client.get_session_by_id(None, "1").instrument(request).await.unwrap();

    let spans = exporter.get_finished_spans().unwrap();
    let named = |name: &str| -> Vec<&SpanData> { spans.iter().filter(|span| span.name == name).collect() };
    let (request, call) = (named("request")[0], named("get_session_by_id")[0]);
    let attempts = named("POST /v1/sessions/get_session_by_id");
    assert_eq!((spans.len(), attempts.len()), (4, 2));
    let trace = request.span_context.trace_id();
    assert_eq!(call.parent_span_id, request.span_context.span_id());
    assert_eq!(call.span_kind, SpanKind::Internal);
    for attempt in &attempts {
        assert_eq!(attempt.parent_span_id, call.span_context.span_id());
        assert_eq!(attempt.span_kind, SpanKind::Client);
    }
    let expected: Vec<_> =
        attempts.iter().map(|attempt| traceparent(trace, attempt.span_context.span_id())).collect();
    assert_eq!(*headers.lock().unwrap(), expected);
    assert_ne!(expected[0], expected[1]);
    assert!(matches!(attempts[0].status, Status::Error { .. }), "recorded after the span has started");
    assert_eq!((&attempts[1].status, &call.status), (&Status::Unset, &Status::Unset));
}

#[tokio::test(start_paused = true)]
async fn without_an_opentelemetry_span_the_current_context_is_sent() {
    let _guard_of_tests = SERIAL.lock().await;
    global::set_text_map_propagator(TraceContextPropagator::new());
    let provider = SdkTracerProvider::builder().build();
    let tracer = provider.tracer("test");
    let context = Context::current_with_span(opentelemetry::trace::Tracer::start(&tracer, "request"));
    let (client, headers) = client();
    {
        let _attached = context.clone().attach();
        // The context belongs to the thread, on which the whole test runs.
        client.get_session_by_id(None, "1").await.unwrap();
    }
    let span = context.span().span_context().clone();
    let expected = traceparent(span.trace_id(), span.span_id());
    assert_eq!(*headers.lock().unwrap(), [expected.clone(), expected]);
}

#[tokio::test(start_paused = true)]
async fn without_a_context_no_header_is_sent() {
    let _guard_of_tests = SERIAL.lock().await;
    global::set_text_map_propagator(TraceContextPropagator::new());
    let (client, headers) = client();
    client.get_session_by_id(None, "1").await.unwrap();
    assert_eq!(*headers.lock().unwrap(), ["", ""]);
}
