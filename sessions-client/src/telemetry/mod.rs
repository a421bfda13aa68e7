//! What can be seen of calls from outside: spans, trace context and metrics, with nothing private in them.
//!
//! # Spans
//!
//! With any subscriber of [`tracing`](https://docs.rs/tracing) each call has a span, and in it each attempt one of
//! its own. Both have the target `sessions_client` and the level `INFO`; their names and fields are those of
//! OpenTelemetry's conventions where it has some. Without a subscriber they cost next to nothing.
//!
//! | field | call | attempt |
//! |---|---|---|
//! | `otel.name` | `get_sessions` | `POST /v1/sessions/get_sessions` |
//! | `otel.kind` | `internal` | `client` |
//! | `sessions_client.operation` | `get_sessions` | |
//! | `sessions_client.attempts` | how many attempts were begun; not if cancelled | |
//! | `http.request.method` | | `POST` |
//! | `url.template` | | the route as it is annotated, `/things/{id}` say; never what stands for `{id}` |
//! | `server.address`, `server.port` | | from [`Transport::peer`](crate::Transport::peer), if that is an address |
//! | `http.request.resend_count` | | from the second attempt: 1, 2, … |
//! | `http.response.status_code` | | if there is an answer |
//! | `http.response.body.size` | | bytes, if the answer is whole |
//! | `error.type` | [`Error::error_type`](crate::Error::error_type), or `cancelled` | the same; `4xx` and `5xx` by their number |
//! | `otel.status_code` | `ERROR` if it failed | `ERROR` if it failed |
//!
//! The span of the call covers its writing and reading too, so that an answer that cannot be read shows there and
//! not at the attempt. A call or attempt whose future is dropped has the type `cancelled` and no status. A failed
//! attempt that is repeated is one event more, at the level `DEBUG`, with the `pause` before the repeat.
//!
//! Spans of attempts are made by [`policy::Trace`](crate::policy::Trace), one of the policies that
//! [`connect`](crate::SessionsHttpClientV1::connect) sets up.
//!
//! ```
//! use sessions_client::{ISessionsV1, InProcessTransport, SessionsHttpClientV1, SessionsMemoryClientV1, sessions_v1};
//! use tracing::{Instrument, Level};
//! use tracing_subscriber::fmt::format::FmtSpan;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> sessions_client::Result<()> {
//! # let service = sessions_v1::Handler::new(SessionsMemoryClientV1::new());
//! # let transport = sessions_client::policy::Trace::new(InProcessTransport::new(service));
//! # let client = SessionsHttpClientV1::new(transport);
//! # let printed = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
//! # let lines = std::sync::Arc::clone(&printed);
//! tracing_subscriber::fmt()
//!     .with_max_level(Level::INFO) // `DEBUG` adds an event for each failed attempt that is retried
//!     .with_span_events(FmtSpan::CLOSE) // prints each call and each attempt when it ends
//! #   .with_writer(move || Lines(std::sync::Arc::clone(&lines)))
//!     .init();
//!
//! // The spans of a call go below the one that it is made in.
//! let request = tracing::info_span!("GET /cart");
//! client.get_session_by_id(None, "some id").instrument(request).await?;
//! # let printed = String::from_utf8_lossy(&printed.lock().unwrap()).into_owned();
//! # for name in ["call{", "attempt{", "get_session_by_id"] {
//! #     assert!(printed.lines().any(|line| line.contains(name) && line.contains("close")), "{name}: {printed}");
//! # }
//! # Ok(())
//! # }
//! # struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
//! # impl std::io::Write for Lines {
//! #     fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
//! #         self.0.lock().unwrap().write(line)
//! #     }
//! #     fn flush(&mut self) -> std::io::Result<()> {
//! #         Ok(())
//! #     }
//! # }
//! ```
//!
//! # Trace context
//!
//! With the feature `otel` an attempt tells the service which trace it belongs to, in `traceparent` and whatever
//! else OpenTelemetry's global propagator writes. Its parent is the span of the attempt, if a layer of
//! [`tracing-opentelemetry`](https://docs.rs/tracing-opentelemetry) sees it, and OpenTelemetry's current context if
//! not. Without a propagator, which an application sets with `opentelemetry::global::set_text_map_propagator`,
//! nothing is written.
//!
//! # Metrics
//!
//! A [`CallObserver`] is told of every finished call. With the feature `metrics`, `MetricsObserver` is one that
//! records them with the [`metrics`](https://docs.rs/metrics) facade, for any exporter that there is for it:
//!
//! | name | unit | meaning |
//! |---|---|---|
//! | `sessions_client.call.duration` | seconds | histogram: how long calls took, repeats and pauses included; its count is that of the calls |
//! | `sessions_client.call.attempts` | attempts | histogram: how many attempts calls took; cancelled ones are left out |
//!
//! | label | meaning |
//! |---|---|
//! | `sessions_client.operation` | the operation, such as `get_sessions` |
//! | `error.type` | as in the span of the call; absent for a success |
//! | `http.response.status_code` | the status of the last answer; absent without one |
//!
//! OpenTelemetry's own `http.client.request.duration` is about single attempts, which is why these are not called
//! so. They can be made of the attempts' spans.
//!
#![cfg_attr(feature = "metrics", doc = "```")]
#![cfg_attr(not(feature = "metrics"), doc = "```ignore")]
//! use sessions_client::SessionsHttpClientV1;
//! use sessions_client::telemetry::MetricsObserver;
//! use std::sync::Arc;
//!
//! # #[cfg(feature = "reqwest")] {
//! // After the application has installed its exporter.
//! let client = SessionsHttpClientV1::connect("http://localhost:8080")?
//!     .with_observer(Arc::new(MetricsObserver::new()));
//! # }
//! # Ok::<_, sessions_client::Error>(())
//! ```
//!
//! # What is never in them
//!
//! Arguments, payloads, correlation ids, credentials, paths and queries as they are sent, and bodies are in no span,
//! event, metric or `Debug`, and in no `Display` of an error. The one exception is by design: the `code` and the
//! `message` that the service itself chose to send are part of an error's text. [`Error`](crate::Error) is not
//! recorded in spans, so they do not get there either.
//!
//! hyper and reqwest log hosts and ports alone, down to `TRACE`. A `reqwest::Client` of your own with
//! `connection_verbose(true)` is another matter: it logs every byte.

#[cfg(feature = "metrics")]
mod metrics;

#[cfg(feature = "metrics")]
pub use self::metrics::MetricsObserver;
pub use crate::runtime::{CallObserver, CallOutcome, FinishedCall};
