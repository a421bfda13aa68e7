//! The outcome of a call, and what it proves about the effect of the call.
//!
//! A proxy may respond with an error although the service executes the call, and the service may respond
//! with an error before it has finished. So most error responses prove nothing:
//!
//! | response | effect |
//! |---|---|
//! | none was sent: no connection, no credentials | none |
//! | 401, 425, 429; another 4xx in the service's own format | none |
//! | 3xx and other 4xx, such as 403 and 404 of a gateway; `RESOURCE_EXHAUSTED` of gRPC without a delay | has happened by now, or never will |
//! | 408, 499, 5xx; a broken connection; a timeout; a success that cannot be decoded | may happen at any time |

use super::known_session::Session;
use super::register::WriteOutcome;
use sessions_client::{Error, ErrorKind, ServiceError};

/// The outcome of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CallOutcome<'s> {
    /// The call has had no effect, and never will.
    Refused,
    /// The effect has happened by now, or never will.
    Rejected,
    /// The effect may happen at any time.
    NoResponse,
    /// The service returned no session, and a body or not.
    NotFound { has_body: bool },
    /// The service returned a session.
    Session(&'s Session<'s>),
}

/// A client error whose meaning is the absence of an effect. [`Error::is_unprocessed`] knows 401 and 429.
const TOO_EARLY: u16 = 425;

/// Client errors that a proxy responds with although the service may execute the call.
const TIMEOUTS: [u16; 2] = [408, 499];

impl<'s> CallOutcome<'s> {
    /// The outcome of a call whose response has a body or not.
    pub(crate) fn new(response: Result<&'s Option<Session<'s>>, &Error>, has_body: bool) -> Self {
        match response {
            Ok(None) => Self::NotFound { has_body },
            Ok(Some(session)) => Self::Session(session),
            Err(error) => Self::of_error(error),
        }
    }

    pub(crate) fn of_error(error: &Error) -> Self {
        if error.retries() > 0 {
            // The error is that of the last attempt. It proves nothing about those that may have been processed.
            return Self::NoResponse;
        }
        if error.is_unprocessed() {
            return Self::Refused;
        }
        let status = error.status().map(|status| status.as_u16());
        match (error.kind(), status) {
            (ErrorKind::Service, Some(TOO_EARLY)) => Self::Refused,
            (ErrorKind::Service, Some(status)) if TIMEOUTS.contains(&status) => Self::NoResponse,
            (ErrorKind::Service, Some(400..500)) if error.service().is_some_and(is_of_service) => {
                Self::Refused
            }
            (ErrorKind::Service, Some(300..500)) => Self::Rejected,
            _ => Self::NoResponse,
        }
    }

    /// The session in the response.
    pub(crate) fn session(self) -> Option<&'s Session<'s>> {
        if let Self::Session(session) = self { Some(session) } else { None }
    }

    /// Returns whether the response is a success, which can be checked.
    pub(crate) fn is_success(self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::Session(_))
    }

    /// The outcome of a write of data or user.
    pub(crate) fn of_write(self) -> WriteOutcome {
        match self {
            Self::Session(_) => WriteOutcome::Acknowledged,
            Self::Refused => WriteOutcome::Refused,
            Self::NotFound { .. } | Self::Rejected => WriteOutcome::Rejected,
            Self::NoResponse => WriteOutcome::NoResponse,
        }
    }
}

/// Returns whether an error has the category that each error of a command has. Gateways have their own
/// formats.
fn is_of_service(error: &ServiceError) -> bool {
    error.category.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessions_client::auth::{Token, TokenProvider};
    use sessions_client::{
        Call, ClientConfig, ISessionsV1 as _, Policies, Response, SessionsHttpClientV1, transport_fn,
    };
    use std::future::ready;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// The outcome of a call with this error, in one word.
    fn outcome(error: &Error) -> &'static str {
        match CallOutcome::of_error(error) {
            CallOutcome::Refused => "refused",
            CallOutcome::Rejected => "rejected",
            CallOutcome::NoResponse => "no response",
            CallOutcome::NotFound { .. } | CallOutcome::Session(_) => "success",
        }
    }

    fn of_status(status: u16, category: Option<&str>) -> Error {
        let mut service = ServiceError::new("BUSY", "try later");
        service.category = category.map(str::to_owned);
        Error::from_service(status.try_into().unwrap(), service)
    }

    #[test]
    fn a_call_that_was_not_sent_has_no_effect() {
        for kind in [ErrorKind::Connect, ErrorKind::Tls, ErrorKind::Proxy, ErrorKind::Credentials] {
            assert_eq!(outcome(&Error::new(kind, "")), "refused", "{kind:?}");
        }
        assert_eq!(outcome(&Error::new(ErrorKind::Transport, "").with_unprocessed()), "refused");
    }

    #[test]
    fn a_call_without_a_response_may_have_its_effect_at_any_time() {
        for kind in [ErrorKind::Timeout, ErrorKind::Transport, ErrorKind::Protocol, ErrorKind::Decode] {
            assert_eq!(outcome(&Error::new(kind, "")), "no response", "{kind:?}");
        }
    }

    #[test]
    fn each_error_status_has_an_outcome() {
        for (statuses, expected) in [
            (&[401, 425, 429][..], "refused"),
            (&[301, 307, 400, 403, 404, 405, 409, 413, 431], "rejected"),
            (&[408, 499, 500, 501, 502, 503, 504, 520, 599], "no response"),
        ] {
            for status in statuses {
                assert_eq!(outcome(&of_status(*status, None)), expected, "{status}");
            }
        }
    }

    /// A reply that is larger than the service may send has this status too.
    #[cfg(feature = "grpc")]
    #[tokio::test]
    async fn an_exhausted_resource_over_grpc_may_have_had_its_effect() {
        use sessions_client::Value;

        for (metadata, expected) in [(None, "rejected"), (Some("5"), "refused")] {
            let transport = transport_fn(move |_| {
                let mut response = Response::default();
                let headers = response.headers_mut();
                headers.insert("grpc-status", 8.into());
                if let Some(delay) = metadata {
                    headers.insert("grpc-retry-pushback-ms", delay.parse().unwrap());
                }
                ready(Ok(response))
            });
            let config = ClientConfig::from_url("http://127.0.0.1").unwrap();
            let channel = wiretrait::GrpcChannel::over(transport, &config).unwrap();
            let transport = sessions_client::SessionsGrpcTransportV1::over(channel);
            let client: SessionsHttpClientV1<Value, Value, _> = SessionsHttpClientV1::new(transport);
            let error = client.open_session(None, "1", None, None, None, None, None).await.unwrap_err();
            assert_eq!(outcome(&error), expected);
        }
    }

    #[test]
    fn a_client_error_of_the_service_itself_has_no_effect() {
        assert_eq!(outcome(&of_status(400, Some("BadRequest"))), "refused");
        assert_eq!(outcome(&of_status(500, Some("FailedInvocation"))), "no response");
        assert_eq!(outcome(&of_status(408, Some("BadRequest"))), "no response");
    }

    /// Returns a new token for each request.
    struct Tokens(AtomicUsize);

    impl TokenProvider for Tokens {
        async fn fetch(&self) -> sessions_client::Result<Token> {
            Token::new(format!("token-{}", self.0.fetch_add(1, Ordering::Relaxed)))
        }
    }

    #[tokio::test]
    async fn an_error_after_a_renewed_token_is_that_of_the_only_processed_attempt() {
        let transport = transport_fn(|call: Call| {
            let status = if call.attempt == 1 { 401_u16 } else { 400 };
            let mut response = Response::default();
            *response.status_mut() = status.try_into().unwrap();
            ready(Ok(response))
        });
        let config = ClientConfig::from_url("http://127.0.0.1")
            .unwrap()
            .with_token_provider(Tokens(AtomicUsize::new(0)));
        let client = SessionsHttpClientV1::new(Policies::new(transport, &config));
        let error = client.open_session(None, "1", None, None, None, None, None).await.unwrap_err();
        assert_eq!((error.attempts(), outcome(&error)), (2, "rejected"));
    }

    #[test]
    fn the_last_of_several_attempts_proves_nothing_about_the_others() {
        for error in [Error::new(ErrorKind::Connect, ""), of_status(429, None), of_status(404, None)] {
            assert_eq!(outcome(&error.with_attempts(2)), "no response");
        }
    }
}
