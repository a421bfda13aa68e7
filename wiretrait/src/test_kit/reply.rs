//! Replies of a scripted transport.

use super::Sent;
use crate::error::{Error, ErrorKind, Result, ServiceError};
use crate::runtime::{Response, error_response, json};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// The reply of a [`ScriptedTransport`](super::ScriptedTransport) to one call, or to several in a row.
///
/// ```
/// use wiretrait::test_kit::Reply;
/// use wiretrait::{ErrorKind, ServiceError};
///
/// let failing = Reply::error(ErrorKind::Connect)
///     .then(Reply::status(503).header("retry-after", "2"))
///     .then(Reply::service_error(400, &ServiceError::new("invalid_title", "the title is empty")));
/// let busy = Reply::status(429).times(3).then(Reply::no_content().always());
/// ```
///
/// An invalid reply, such as one with the status 7, becomes an error when it is its turn.
#[derive(Clone)]
pub struct Reply {
    pub(super) steps: Vec<Step>,
}

/// The reply to one call, or to all further calls.
#[derive(Clone)]
pub(super) struct Step {
    act: Act,
    pub(super) always: bool,
}

#[derive(Clone)]
enum Act {
    Respond(Response),
    /// An error response, whose body is written in the error format of the called contract.
    RespondWithError(Response, ServiceError),
    Fail(ErrorKind, String),
    Hang,
    Compute(Arc<dyn Fn(&Sent) -> Reply + Send + Sync>),
}

impl Reply {
    fn of(act: Act) -> Self {
        Self { steps: vec![Step { act, always: false }] }
    }

    fn invalid(why: String) -> Self {
        Self::of(Act::Fail(ErrorKind::Config, why))
    }

    /// Creates a reply with the status 200 and `value` as JSON.
    #[must_use]
    pub fn json(value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::response(json(StatusCode::OK, body)),
            // The serializer's message may quote the value.
            Err(_) => Self::invalid("the scripted reply cannot be written as JSON".to_owned()),
        }
    }

    /// Creates a reply with the status 200, and `body` as this media type, such as `text/plain`.
    #[must_use]
    pub fn body(media_type: &str, body: impl Into<bytes::Bytes>) -> Self {
        Self::response(Response::new(body.into())).header("content-type", media_type)
    }

    /// Creates a reply with the status 204, which is `None` for operations that return an `Option`.
    #[must_use]
    pub fn no_content() -> Self {
        Self::status(204)
    }

    /// Creates a reply with `status` and an empty body, as proxies send it.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::with_status(status, |status| {
            let mut response = Response::default();
            *response.status_mut() = status;
            Act::Respond(response)
        })
    }

    /// Creates an error response with `status`, and `error` in the error format of the contract.
    #[must_use]
    pub fn service_error(status: u16, error: &ServiceError) -> Self {
        Self::with_status(status, |status| {
            let mut head = Response::default();
            *head.status_mut() = status;
            Act::RespondWithError(head, error.clone())
        })
    }

    fn with_status(status: u16, act: impl FnOnce(StatusCode) -> Act) -> Self {
        match StatusCode::from_u16(status) {
            Ok(status) => Self::of(act(status)),
            Err(_) => Self::invalid(format!(
                "the scripted status {status} is not valid: it must be from 100 to 999"
            )),
        }
    }

    /// Creates a reply with this response.
    #[must_use]
    pub fn response(response: Response) -> Self {
        Self::of(Act::Respond(response))
    }

    /// Creates a reply that is an error of `kind` instead of a response.
    #[must_use]
    pub fn error(kind: ErrorKind) -> Self {
        Self::of(Act::Fail(kind, format!("scripted error of the kind {kind:?}")))
    }

    /// Creates a reply that never completes, so that the caller or a policy cancels the call.
    #[must_use]
    pub fn never() -> Self {
        Self::of(Act::Hang)
    }

    /// Creates a reply from a function of the request. If it returns several replies in a row, the first one
    /// is used.
    ///
    /// ```
    /// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
    /// use library::books;
    /// use wiretrait::test_kit::Reply;
    ///
    /// let reply = Reply::from_fn(|sent| match sent.operation::<books::received::Find>() {
    ///     Ok(find) if find.id == 1 => Reply::no_content(),
    ///     _ => Reply::status(500),
    /// });
    /// ```
    #[must_use]
    pub fn from_fn(function: impl Fn(&Sent) -> Self + Send + Sync + 'static) -> Self {
        Self::of(Act::Compute(Arc::new(function)))
    }

    /// Adds a header to the last response. Has no effect on replies that are not responses.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let Some(Step { act, .. }) = self.steps.last_mut() else { return self };
        if let Act::Respond(response) | Act::RespondWithError(response, _) = act {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().append(name, value);
            } else {
                let why = format!("the scripted header `{name}` does not have a valid name and value");
                *act = Act::Fail(ErrorKind::Config, why);
            }
        }
        self
    }

    /// Adds `next` as the reply to the following call.
    #[must_use]
    pub fn then(mut self, next: Self) -> Self {
        self.steps.extend(next.steps);
        self
    }

    /// Gives this reply to `count` calls in a row.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.steps = std::iter::repeat_n(self.steps, count).flatten().collect();
        self
    }

    /// Uses the last reply for all further calls.
    #[must_use]
    pub fn always(mut self) -> Self {
        if let Some(last) = self.steps.last_mut() {
            last.always = true;
        }
        self
    }
}

impl Step {
    pub(super) async fn act(self, sent: &Sent) -> Result<Response> {
        let mut act = self.act;
        loop {
            act = match act {
                Act::Respond(response) => return Ok(response),
                Act::RespondWithError(head, error) => {
                    let mut response = error_response(sent.route().contract, head.status(), &error);
                    response.headers_mut().extend(head.headers().clone());
                    return Ok(response);
                }
                Act::Fail(kind, message) => return Err(Error::new(kind, message)),
                Act::Hang => return std::future::pending().await,
                Act::Compute(function) => match function(sent).steps.into_iter().next() {
                    Some(first) => first.act,
                    None => {
                        Act::Fail(ErrorKind::Config, "the scripted function returned no reply".to_owned())
                    }
                },
            };
        }
    }
}

/// Omits the responses, which may contain payloads.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.steps).finish()
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.act {
            Act::Respond(response) | Act::RespondWithError(response, _) => {
                write!(f, "{}", response.status().as_u16())
            }
            Act::Fail(kind, _) => write!(f, "{kind:?}"),
            Act::Hang => f.write_str("never"),
            Act::Compute(_) => f.write_str("computed"),
        }?;
        if self.always { f.write_str(" always") } else { Ok(()) }
    }
}
