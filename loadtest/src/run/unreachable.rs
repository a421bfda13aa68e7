//! The reasons why a service cannot be loaded, with their remedies.

use crate::contract::Contract;
use sessions_client::{Error, ErrorKind};
use std::time::Duration;

pub(super) const START: &str = "Start the service, or set --host or --config to the address of another one";
const CREDENTIALS: &str = "Give credentials with --token-file, --token-command or --header 'x-api-key: ${API_KEY}', \
                           or with the keys of --config";
const PROXY: &str = "Set --proxy 'http://user:${PROXY_PASSWORD}@host:port', or --proxy none";
const PROTOCOL: &str = "The options are --host, --http2 and --protocol; the command `doctor` shows each step";
const NO_SLOT: &str = "The limit is `options.concurrency_limit`: raise it, or remove it";
const LOCAL: &str = "The limit is one of this machine, not of the service";
const TLS: &str =
    "The options for certificates are --cacert, --cert and --key; the command `doctor` shows each step";

/// A call before the run that failed.
pub(super) struct Failure {
    pub(super) message: String,
    /// True if the service may be starting.
    pub(super) may_start: bool,
    /// The requested delay of a rate limit.
    pub(super) retry_after: Option<Duration>,
}

/// Returns whether a failure may pass while the service starts. A gateway may not know a service yet that it will
/// have.
pub(super) fn may_start(error: &Error) -> bool {
    let status = error.status().map(|status| status.as_u16());
    (error.is_retryable() && !error.is_local_limit()) || matches!(status, Some(404 | 500..=599))
}

/// Explains why the first calls failed, and names the remedy. `speaks_other` is true if the service certainly speaks another protocol.
pub(super) fn failure(shown: &str, error: &Error, speaks_other: bool, contract: &Contract) -> Failure {
    let name = contract.name;
    let address = format!(
        "Check the address, and `base_route` in --config or {}_BASE_ROUTE",
        contract.variable_prefix()
    );
    let other = format!("does not respond like a {name} service");
    let broken = format!("is not a working {name} service");
    let status = error.status().map(|status| status.as_u16());
    let (problem, remedy) = match (error.kind(), status) {
        (ErrorKind::ConcurrencyLimit, _) => ("was not called", NO_SLOT),
        _ if error.is_local_limit() => ("was not called", LOCAL),
        (_, Some(407)) => ("cannot be reached through the proxy", PROXY),
        _ if error.is_proxy_failure() => ("cannot be reached through the proxy", PROXY),
        (_, Some(401 | 403)) => ("refuses the credentials", CREDENTIALS),
        (_, Some(429)) => ("limits the rate of requests", "Try again later, or raise its limit"),
        (ErrorKind::Service, Some(404)) => (&*other, &*address),
        (ErrorKind::Credentials, _) => ("needs credentials that cannot be obtained", CREDENTIALS),
        (ErrorKind::Tls, _) => ("cannot be reached securely", TLS),
        (ErrorKind::Protocol, _) if speaks_other => ("speaks another protocol", PROTOCOL),
        (ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Transport, _) => ("does not respond", START),
        _ => (&*broken, START),
    };
    let may_start = may_start(error);
    let retry_after = error.retry_after().filter(|_| status == Some(429));
    Failure { message: format!("{shown} {problem}: {error}. {remedy}"), may_start, retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_that_may_pass_are_waited_for() {
        let waits = |kind| may_start(&Error::new(kind, "why"));
        for kind in [ErrorKind::Connect, ErrorKind::Timeout, ErrorKind::Transport] {
            assert!(waits(kind), "{kind:?}");
        }
        for kind in [
            ErrorKind::Config,
            ErrorKind::Credentials,
            ErrorKind::Decode,
            ErrorKind::Encode,
            ErrorKind::Protocol,
            ErrorKind::Tls,
        ] {
            assert!(!waits(kind), "{kind:?}");
        }
    }

    #[test]
    fn limits_of_this_machine_are_not_blamed_on_the_service() {
        let no_slot = Error::new(ErrorKind::ConcurrencyLimit, "no slot is free");
        let message = failure("http://h", &no_slot, false, &Contract::SESSIONS).message;
        assert_eq!(
            message,
            "http://h was not called: no slot is free. The limit is `options.concurrency_limit`: raise it, or \
             remove it"
        );
        let files = std::io::Error::from_raw_os_error(24);
        let local = Error::new(ErrorKind::Connect, "too many open files").with_source(files);
        let message = failure("http://h", &local, false, &Contract::SESSIONS).message;
        assert!(
            local.is_local_limit() && message.ends_with(LOCAL) && !message.contains("--host"),
            "{message}"
        );
    }

    #[test]
    fn only_the_remedy_of_another_protocol_is_to_choose_it() {
        let message = |error, speaks_other| {
            let error = Error::new(ErrorKind::Protocol, error);
            failure("http://h", &error, speaks_other, &Contract::SESSIONS).message
        };
        assert_eq!(
            message("the service speaks only HTTP/2", true),
            format!("http://h speaks another protocol: the service speaks only HTTP/2. {PROTOCOL}")
        );
        assert_eq!(
            message("the response has an invalid `Content-Length`", false),
            format!(
                "http://h is not a working sessions service: the response has an invalid `Content-Length`. {START}"
            )
        );
    }
}
