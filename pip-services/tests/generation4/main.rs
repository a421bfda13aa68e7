//! Correlation ids of services of generation 4 of the framework, which call them trace ids.

use pip_services::{ConfigParams, PipErrors};
use serde::Deserialize;
use std::io::Write as _;
use wiretrait::{Result, http_api};

#[derive(Deserialize)]
struct TraceId {
    trace_id: Option<String>,
}

/// The contract of `server.py`.
#[http_api(prefix = "/v1/traces", client = TracesClient, module = traces, errors = PipErrors, client_only)]
trait Traces {
    /// Returns the trace id of the call.
    #[post("/get_trace_id", idempotent)]
    async fn get_trace_id(&self, #[correlation] correlation_id: Option<&str>) -> Result<TraceId>;

    /// Fails with the trace id of the call.
    #[post("/fail", idempotent)]
    async fn fail(&self, #[correlation] correlation_id: Option<&str>) -> Result<()>;
}

/// Returns a client of the server with a further setting. Returns `None`, after a line that says why, without the
/// server.
fn client(key: &str, value: &str) -> Option<TracesClient> {
    let Some(url) = std::env::var("GENERATION4_URL").ok().filter(|url| !url.is_empty()) else {
        // Printed even without `--nocapture`, at the start of a line. A closed stream changes nothing.
        let line = "\nSKIPPED: the server of generation 4 is started by pip-services/tests/generation4/run\n";
        let _ = std::io::stderr().write_all(line.as_bytes());
        return None;
    };
    let params = ConfigParams::new().with_pairs([("connection.uri", &*url), (key, value)]).unwrap();
    Some(TracesClient::from_config(&params.build().unwrap()).unwrap())
}

/// Returns the trace id that the server receives.
async fn received(client: &TracesClient, id: &str) -> String {
    client.get_trace_id(Some(id)).await.unwrap().trace_id.unwrap_or_default()
}

#[tokio::test]
async fn the_server_receives_a_trace_id_from_each_place() {
    for key in ["options.trace_id_place", "options.trace_id"] {
        for place in ["query", "headers", "both"] {
            let Some(client) = client(key, place) else { return };
            assert_eq!(received(&client, "trace 1/+%").await, "trace 1/+%", "{key} {place}");
        }
    }
}

#[tokio::test]
async fn the_server_ignores_the_earlier_name() {
    for place in ["query", "headers", "both"] {
        let Some(client) = client("options.correlation_id_place", place) else { return };
        assert_eq!(received(&client, "trace-1").await, "", "{place}");
    }
}

#[tokio::test]
async fn an_error_has_the_trace_id_that_the_server_reports() {
    for place in ["query", "headers", "both"] {
        let Some(client) = client("options.trace_id", place) else { return };
        let error = client.fail(Some("trace-1")).await.unwrap_err();
        let service = error.service().unwrap();
        assert_eq!((&*service.code, service.category.as_deref()), ("ALWAYS_FAILS", Some("Conflict")));
        assert_eq!(service.correlation_id.as_deref(), Some("trace-1"), "{place}");
        assert_eq!((error.correlation_id(), error.attempts()), (Some("trace-1"), 1));
    }
}
