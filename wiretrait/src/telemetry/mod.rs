//! Spans, trace context and metrics of calls, without private data.
//!
//! # Spans
//!
//! With any subscriber of [`tracing`](https://docs.rs/tracing), each call has a span with a child span for
//! each attempt. Their target is `wiretrait` and their level is `INFO`. Their names and fields follow the
//! conventions of OpenTelemetry. Without a subscriber they cost next to nothing.
//!
//! | field | call | attempt |
//! |---|---|---|
//! | `otel.name` | `find` | `GET /v1/books/{id}` |
//! | `otel.kind` | `internal` | `client` |
//! | `wiretrait.contract` | `Books` | |
//! | `wiretrait.operation` | `find` | |
//! | `wiretrait.attempts` | number of attempts that were started; absent if cancelled | |
//! | `http.request.method` | | `GET` |
//! | `url.template` | | the path of the route, such as `/v1/books/{id}`, without the value of `{id}` |
//! | `server.address`, `server.port` | | from [`Transport::peer`](crate::Transport::peer), if that is an address |
//! | `http.request.resend_count` | | 1, 2, … for retries |
//! | `http.response.status_code` | | if there is a response |
//! | `http.response.body.size` | | in bytes, if the response is complete |
//! | `rpc.system.name` | | `grpc` over gRPC |
//! | `rpc.method` | | over gRPC, the service and the method, such as `library.Books/find` |
//! | `rpc.response.status_code` | | over gRPC, the name of the status, such as `OK`; the status of HTTP is its counterpart |
//! | `wiretrait.unprocessed` | | `true` if the attempt failed without a response and the service has [certainly not processed](crate::Error::is_unprocessed) it |
//! | `error.type` | [`Error::error_type`](crate::Error::error_type), or `cancelled` | the same, or the number of a status `4xx` or `5xx` |
//! | `otel.status_code` | `ERROR` if it failed | `ERROR` if it failed |
//!
//! The span of a call starts when its future is polled for the first time, after the request has been encoded. It
//! includes decoding, so a response that cannot be decoded is an error of the call but not of the attempt. An argument
//! that cannot be sent is an error of the call too. If the future is dropped, `error.type` is `cancelled` and there is
//! no `otel.status_code`. A failed attempt that is retried is also an event of the level `DEBUG`, with the `pause`
//! before the retry. An attempt that the service has not processed, because its connection ended before, is an attempt like
//! any other, with `wiretrait.unprocessed`; if the call is [sent again at once](crate::policy::RetryPolicy), the event has no
//! `pause`.
//!
//! Spans of attempts are created by [`policy::Trace`](crate::policy::Trace), which is part of
//! [`Policies`](crate::Policies).
//!
//! ```
//! # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
//! # use library::{Books, BooksClient, Library, books};
//! # use wiretrait::{InProcessTransport, policy::Trace};
//! use tracing::{Instrument, Level};
//! use tracing_subscriber::fmt::format::FmtSpan;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> wiretrait::Result<()> {
//! # let service = books::Handler::new(Library::default());
//! # let client = BooksClient::new(Trace::new(InProcessTransport::new(service)));
//! # let printed = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
//! # let lines = std::sync::Arc::clone(&printed);
//! tracing_subscriber::fmt()
//!     .with_max_level(Level::INFO) // `DEBUG` adds an event for each failed attempt that is retried
//!     .with_span_events(FmtSpan::CLOSE) // prints each call and each attempt when it ends
//! #   .with_writer(move || Lines(std::sync::Arc::clone(&lines)))
//!     .init();
//!
//! // The current span becomes the parent of the call's span.
//! let request = tracing::info_span!("GET /cart");
//! client.find(1).instrument(request).await?;
//! # let printed = String::from_utf8_lossy(&printed.lock().unwrap()).into_owned();
//! # for name in ["call{", "attempt{", "find"] {
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
//! With the feature `otel`, each request has the trace context in `traceparent` and other headers of
//! OpenTelemetry's global propagator. The parent is the span of the attempt, if a layer of
//! [`tracing-opentelemetry`](https://docs.rs/tracing-opentelemetry) records it, and otherwise OpenTelemetry's
//! current context. There are no headers until the application sets a propagator with
//! `opentelemetry::global::set_text_map_propagator`.
//!
//! # Metrics
//!
//! A [`CallObserver`] is notified of each finished call. With the feature `metrics`, `MetricsObserver`
//! records calls with the [`metrics`](https://docs.rs/metrics) facade, which has exporters for many systems:
//!
//! | name | unit | meaning |
//! |---|---|---|
//! | `wiretrait.call.duration` | seconds | histogram of the duration of calls, including retries and pauses; its count is the number of calls |
//! | `wiretrait.call.attempts` | attempts | histogram of the number of attempts, including those that were not processed, without cancelled calls |
//!
//! | label | meaning |
//! |---|---|
//! | `wiretrait.contract` | the contract, such as `Books` |
//! | `wiretrait.operation` | the operation, such as `find` |
//! | `error.type` | as in the span of the call; absent for a success |
//! | `http.response.status_code` | the status of the last response; absent without one |
//!
//! OpenTelemetry's `http.client.request.duration` measures single attempts, so these metrics have other
//! names.
//!
#![cfg_attr(feature = "metrics", doc = "```")]
#![cfg_attr(not(feature = "metrics"), doc = "```ignore")]
//! # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
//! # #[cfg(any(feature = "hyper", feature = "reqwest"))] {
//! use library::BooksClient;
//! use std::sync::Arc;
//! use wiretrait::telemetry::MetricsObserver;
//!
//! // After the application has installed its exporter.
//! let client = BooksClient::connect("http://localhost:8080")?
//!     .with_observer(Arc::new(MetricsObserver::new()));
//! # }
//! # Ok::<_, wiretrait::Error>(())
//! ```
//!
//! # Private data
//!
//! Spans, events, metrics, `Debug` and the `Display` of errors never contain arguments, payloads, correlation
//! ids, credentials, encoded paths and queries, or bodies. There is one intended exception: the `Display` of an
//! error contains the `code` and the `message` that the service sent. [`Error`](crate::Error)s are not recorded
//! in spans.
//!
//! hyper and reqwest log only hosts and ports, even at the level `TRACE`. However, a custom `reqwest::Client`
//! with `connection_verbose(true)` logs every byte.

#[cfg(feature = "metrics")]
mod metrics;

#[cfg(feature = "metrics")]
pub use self::metrics::MetricsObserver;
pub use crate::runtime::{CallObserver, CallOutcome, FinishedCall};
#[cfg(feature = "hyper")]
pub use crate::transport::{CallPhases, measure_phases};
