//! The policies of a client that asks for nothing special.
//!
//! One type with a name, so that a struct that holds a client need not spell the stack out.

use crate::config::ClientConfig;
use crate::error::Error;
use crate::policy::{Deadline, Retry, Timeout, TokioTime, Trace};
use crate::runtime::{Call, Response, Transport};

/// A transport with a limit and a span for each attempt, repeats, and a deadline for each call, as a [`ClientConfig`] says.
///
/// [`SessionsHttpClientV1::connect`](crate::SessionsHttpClientV1::connect) makes one over the default transport. For another
/// transport:
///
/// ```
/// use sessions_client::{ClientConfig, Policies, SessionsHttpClientV1, Transport, Value};
///
/// fn client<T: Transport>(transport: T, config: &ClientConfig) -> SessionsHttpClientV1<Value, Value, Policies<T>> {
///     SessionsHttpClientV1::new(Policies::new(transport, config))
/// }
/// ```
///
/// A clone shares the budget of repeats. Other orders, or only some of them: see [`policy`](crate::policy).
#[derive(Clone, Debug)]
pub struct Policies<T>(Stack<T>);

type Stack<T> = Deadline<Retry<Trace<Timeout<T, TokioTime>>, TokioTime>, TokioTime>;

impl<T: Transport> Policies<T> {
    /// The limits and the repeats of `config`, around `transport`, as they are: whether they make sense, and limits are
    /// not zero, is for [`ClientConfig::validate`] to say.
    pub fn new(transport: T, config: &ClientConfig) -> Self {
        let attempt = Trace::new(Timeout::new(transport, config.timeout(), TokioTime));
        let retry = Retry::new(attempt, config.retry_policy().clone(), TokioTime);
        Self(Deadline::new(retry, config.deadline(), TokioTime))
    }
}

impl<T> Policies<T> {
    /// The transport inside.
    pub fn get_ref(&self) -> &T {
        self.0.get_ref().get_ref().get_ref().get_ref()
    }
}

#[cfg(feature = "hyper")]
impl Policies<super::HyperTransport> {
    /// The address of the service, without credentials.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.get_ref().origin()
    }
}

#[cfg(feature = "reqwest")]
impl Policies<super::ReqwestTransport> {
    /// The address of the service, without credentials.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.get_ref().origin()
    }
}

impl<T: Transport> Transport for Policies<T> {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        self.0.send(call)
    }

    fn peer(&self) -> &str {
        self.0.peer()
    }

    fn keeps_deadlines(&self) -> bool {
        self.0.keeps_deadlines()
    }
}
