//! The typed clients of the load test.

use crate::error::LoadTestError;
use crate::metrics::other_calls::{CallCounts, Counted};
use crate::telemetry::trace_context::{TRACEPARENT, WithTraceContext};
use sessions_client::{
    Caller, ClientConfig, Policies, SessionsHttpClientV1, SessionsNetworkTransportV1, Transport, Value,
};
use std::time::Duration;

type Client<T> = SessionsHttpClientV1<Value, Value, Policies<T>>;

/// The client of virtual users, which retries nothing: a failure must be measured. Its policies renew tokens, and send
/// requests again that were certainly not processed.
/// Each operation brings its trace context.
pub(crate) type LoadClient = Client<CountedTransport>;

/// The transport of virtual users, which counts the requests that their policies send again.
type CountedTransport = Counted<SessionsNetworkTransportV1>;

/// The transport of virtual users with its policies.
pub(crate) type LoadPolicies = Policies<CountedTransport>;

/// The client of calls that are not measured.
pub(crate) type UnmeasuredClient = Client<UnmeasuredTransport>;

/// The transport of calls that are not measured, but counted.
pub(crate) type UnmeasuredTransport = Counted<WithTraceContext<SessionsNetworkTransportV1>>;

/// The client that cleans up. It retries, because nothing measures it.
pub(crate) type CleanupClient = UnmeasuredClient;

/// Retries of a call that cleans up.
const CLEANUP_RETRIES: u32 = 3;

/// The minimum timeout of a call that cleans up: a short `--timeout` measures the service, but must leave
/// nothing behind.
const MIN_CLEANUP_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum number of attempts of a call that cleans up.
pub(crate) const CLEANUP_ATTEMPTS: u32 = CLEANUP_RETRIES + 1;

/// The client of virtual users, which counts the requests that it sends again in `sent_again`.
pub(crate) fn load_client(
    config: &ClientConfig,
    sent_again: &CallCounts,
) -> Result<LoadClient, LoadTestError> {
    Ok(client(Counted::sent_again(transport(config)?, sent_again.clone()), config))
}

/// The transport of virtual users, without retries. It counts the requests that it sends again in `sent_again`.
pub(crate) fn load_policies(
    config: &ClientConfig,
    sent_again: &CallCounts,
) -> Result<LoadPolicies, LoadTestError> {
    Ok(Policies::new(Counted::sent_again(transport(config)?, sent_again.clone()), config))
}

/// The time that a call before the run may take longer than opening its connection.
///
/// The error of a connection that is not made in time names the cause, such as a name service that does not respond. That
/// of the deadline does not, so the deadline ends later, also on a busy machine.
pub(crate) const GRACE: Duration = Duration::from_millis(500);

/// A client whose calls end soon after the time limit for a connection: a service that accepts connections but
/// does not respond must not delay the program longer than one that is unreachable.
pub(crate) fn probe_client(
    config: &ClientConfig,
    counts: &CallCounts,
) -> Result<UnmeasuredClient, LoadTestError> {
    let connect = config.connect_timeout().min(config.timeout());
    let limit = connect.saturating_add(GRACE);
    let config = config.clone().with_timeout(limit).with_connect_timeout(connect).with_deadline(limit);
    unmeasured_client(&config.with_retries(0), counts)
}

/// A client whose calls end within two timeouts: a lost response is retried once, and a service that never
/// responds is soon given up.
pub(crate) fn cleanup_client(
    config: &ClientConfig,
    counts: &CallCounts,
) -> Result<CleanupClient, LoadTestError> {
    let timeout = config.timeout().max(MIN_CLEANUP_TIMEOUT);
    let config = config.clone().with_timeout(timeout).with_deadline(timeout.saturating_mul(2));
    unmeasured_client(&config.with_retries(CLEANUP_RETRIES), counts)
}

fn unmeasured_client(config: &ClientConfig, counts: &CallCounts) -> Result<UnmeasuredClient, LoadTestError> {
    let inner = WithTraceContext(transport(config)?);
    Ok(client(Counted::new(inner, counts.clone()), config))
}

fn transport(config: &ClientConfig) -> Result<SessionsNetworkTransportV1, LoadTestError> {
    if config.headers().contains_key(TRACEPARENT) {
        let why = "the header traceparent is that of each call: remove it, and choose the share of recorded traces \
                   with --trace-sample";
        return Err(LoadTestError::Option(why.to_owned()));
    }
    SessionsNetworkTransportV1::new(config).map_err(|error| LoadTestError::Option(error.to_string()))
}

fn client<T: Transport>(transport: T, config: &ClientConfig) -> Client<T> {
    let caller = Caller::new(Policies::new(transport, config)).with_encoding(config.encoding());
    SessionsHttpClientV1::from_caller(caller)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessions_client::http::HeaderValue;

    #[test]
    fn a_trace_context_for_all_calls_is_rejected() {
        let config = ClientConfig::from_url("http://localhost:8080").unwrap();
        let config = config.with_header(TRACEPARENT, HeaderValue::from_static("00-1-2-01"));
        let error = load_client(&config, &CallCounts::default()).unwrap_err().to_string();
        assert!(error.contains("--trace-sample"), "{error}");
    }
}
