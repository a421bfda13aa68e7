//! The default stack of policies.
//!
//! It is one named type, so that a struct that contains a client does not have to name the whole stack.

use crate::auth::Authorization;
use crate::config::ClientConfig;
use crate::error::Error;
use crate::policy::{Deadline, Retry, Timeout, TokioTime, Trace};
use crate::runtime::{Call, Encoding, Response, Transport};

/// A transport with all policies: a time limit and a span for each attempt, retries, and a deadline for each
/// call.
///
/// Generated clients have it over the network with `connect` and `from_config`, and over any other transport
/// with `from_transport`:
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// use library::BooksClient;
/// use wiretrait::{ClientConfig, Policies, Result, Transport};
///
/// fn client<T: Transport>(transport: T, config: &ClientConfig) -> Result<BooksClient<Policies<T>>> {
///     BooksClient::from_transport(transport, config)
/// }
/// ```
///
/// Clones share the budget of retries. For a custom stack, see [`policy`](crate::policy).
#[derive(Clone, Debug)]
pub struct Policies<T> {
    stack: Stack<T>,
    encoding: Encoding,
}

type Stack<T> = Deadline<Retry<Trace<Timeout<T, TokioTime>>, TokioTime>, TokioTime>;

impl<T: Transport> Policies<T> {
    /// Creates the policies of `config` around `transport`, without [validation](ClientConfig::validate).
    ///
    /// Requests are encoded as `config` says; what it does not set is taken from `transport`.
    pub fn new(transport: T, config: &ClientConfig) -> Self {
        let encoding = config.encoding_over(transport.encoding());
        let authorization = Authorization::of(config, transport.peer());
        let attempt = Trace::new(Timeout::new(transport, config.timeout(), TokioTime));
        let retry =
            Retry::new(attempt, config.retry_policy().clone(), TokioTime).with_authorization(authorization);
        Self { stack: Deadline::new(retry, config.deadline(), TokioTime), encoding }
    }
}

impl<T> Policies<T> {
    /// Returns the inner transport.
    pub fn get_ref(&self) -> &T {
        self.stack.get_ref().get_ref().get_ref().get_ref()
    }
}

#[cfg(feature = "hyper")]
impl Policies<super::HyperTransport> {
    /// Returns the address of the service, without credentials.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.get_ref().origin()
    }
}

#[cfg(feature = "reqwest")]
impl Policies<super::ReqwestTransport> {
    /// Returns the address of the service, without credentials.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.get_ref().origin()
    }
}

impl<T: Transport> Transport for Policies<T> {
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        self.stack.send(call)
    }

    fn peer(&self) -> &str {
        self.stack.peer()
    }

    fn encoding(&self) -> Encoding {
        self.encoding.clone()
    }

    fn keeps_deadlines(&self) -> bool {
        self.stack.keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        self.stack.is_multiplexed()
    }
}
