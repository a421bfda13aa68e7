//! What a scripted transport does when it is called.

use super::Sent;
use crate::error::{Error, ErrorKind, Result, ServiceError};
use crate::runtime::{Response, error_response, json};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// How a [`ScriptedTransport`](super::ScriptedTransport) replies to one call, or to several in a row.
///
/// ```
/// use sessions_client::test_kit::Reply;
/// use sessions_client::{ErrorKind, ServiceError};
///
/// let unlucky = Reply::error(ErrorKind::Connect)
///     .then(Reply::status(503).header("retry-after", "2"))
///     .then(Reply::service_error(400, &ServiceError::new("INVALID_DATA", "no such user")));
/// let busy = Reply::status(429).times(3).then(Reply::no_content().always());
/// ```
///
/// A reply that cannot be made, such as a status of 7, says so when its turn comes.
#[derive(Clone)]
pub struct Reply {
    pub(super) steps: Vec<Step>,
}

/// The reply to one call, or to all that are left.
#[derive(Clone)]
pub(super) struct Step {
    act: Act,
    pub(super) always: bool,
}

#[derive(Clone)]
enum Act {
    Respond(Response),
    Fail(ErrorKind, String),
    Hang,
    Compute(Arc<dyn Fn(&Sent) -> Reply + Send + Sync>),
}

impl Reply {
    fn of(act: Act) -> Self {
        Self { steps: vec![Step { act, always: false }] }
    }

    fn impossible(why: String) -> Self {
        Self::of(Act::Fail(ErrorKind::Config, why))
    }

    /// 200, and `value` as JSON.
    #[must_use]
    pub fn json(value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::response(json(StatusCode::OK, body)),
            // The serializer's own words may quote the value.
            Err(_) => Self::impossible("the scripted reply cannot be written as JSON".to_owned()),
        }
    }

    /// 204: `None` where the operation may answer so.
    #[must_use]
    pub fn no_content() -> Self {
        Self::status(204)
    }

    /// `status` and no body, as a proxy may answer.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::with_status(status, |status| {
            let mut response = Response::default();
            *response.status_mut() = status;
            response
        })
    }

    /// `status`, and `error` as the service writes it.
    #[must_use]
    pub fn service_error(status: u16, error: &ServiceError) -> Self {
        Self::with_status(status, |status| error_response(status, error))
    }

    fn with_status(status: u16, response: impl FnOnce(StatusCode) -> Response) -> Self {
        match StatusCode::from_u16(status) {
            Ok(status) => Self::response(response(status)),
            Err(_) => Self::impossible(format!("the scripted status {status} is none: it has three digits")),
        }
    }

    /// This very response.
    #[must_use]
    pub fn response(response: Response) -> Self {
        Self::of(Act::Respond(response))
    }

    /// No response, but an error of `kind`, as a transport has it.
    #[must_use]
    pub fn error(kind: ErrorKind) -> Self {
        Self::of(Act::Fail(kind, format!("the script has an error of kind {kind:?} here")))
    }

    /// Nothing at all, until the caller or a policy gives up.
    #[must_use]
    pub fn never() -> Self {
        Self::of(Act::Hang)
    }

    /// The reply that `function` has for what was sent. Of several in a row that it returns, the first counts.
    ///
    /// ```
    /// use sessions_client::test_kit::Reply;
    /// use sessions_client::{Value, sessions_v1::received::StoreSessionData};
    ///
    /// let reply = Reply::from_fn(|sent| match sent.operation::<StoreSessionData<Value>>() {
    ///     Ok(stored) if stored.session_id == "1" => Reply::no_content(),
    ///     _ => Reply::status(500),
    /// });
    /// ```
    #[must_use]
    pub fn from_fn(function: impl Fn(&Sent) -> Self + Send + Sync + 'static) -> Self {
        Self::of(Act::Compute(Arc::new(function)))
    }

    /// The same response with one more header. For a reply that is no response there is nothing to add it to.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let Some(Step { act, .. }) = self.steps.last_mut() else { return self };
        if let Act::Respond(response) = act {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().append(name, value);
            } else {
                let why = format!("the scripted header `{name}` has a name or a value that no header has");
                *act = Act::Fail(ErrorKind::Config, why);
            }
        }
        self
    }

    /// This reply, and `next` to the call after.
    #[must_use]
    pub fn then(mut self, next: Self) -> Self {
        self.steps.extend(next.steps);
        self
    }

    /// This reply to `count` calls.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.steps = std::iter::repeat_n(self.steps, count).flatten().collect();
        self
    }

    /// This reply, the last of several in a row, to every call from now on.
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
                Act::Fail(kind, message) => return Err(Error::new(kind, message)),
                Act::Hang => return std::future::pending().await,
                Act::Compute(function) => match function(sent).steps.into_iter().next() {
                    Some(first) => first.act,
                    None => Act::Fail(ErrorKind::Config, "the scripted function has no reply".to_owned()),
                },
            };
        }
    }
}

/// Without the responses, which may hold payloads.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.steps).finish()
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.act {
            Act::Respond(response) => write!(f, "{}", response.status().as_u16()),
            Act::Fail(kind, _) => write!(f, "{kind:?}"),
            Act::Hang => f.write_str("never"),
            Act::Compute(_) => f.write_str("computed"),
        }?;
        if self.always { f.write_str(" always") } else { Ok(()) }
    }
}
