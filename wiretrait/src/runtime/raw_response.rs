//! Responses that are not decoded yet, from which values can borrow.

use super::correlation::Correlation;
use super::{Response, Route, decode};
use crate::error::Error;
use serde::Deserialize;
use std::fmt;

/// A successful response that is not decoded yet, as [`Caller::call_raw`](super::Caller::call_raw) returns
/// it.
///
/// Other calls return owned values. This type keeps the body instead and [reads](Self::read) it as any type,
/// including types that borrow from it and types with only some of the fields. It also has the status and the
/// headers of the response, and can be read in another thread than that of the call.
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// # use library::{Books, BooksClient, Library};
/// # use wiretrait::InProcessTransport;
/// use library::books;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Title<'a> {
///     title: &'a str,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> wiretrait::Result<()> {
/// # let client = BooksClient::new(InProcessTransport::new(books::Handler::new(Library::default())));
/// # client.add("Emma").await?;
/// let response = client.caller().call_raw(books::List::new()).await?;
/// assert_eq!(response.response().headers()["content-type"], "application/json");
/// let titles: Vec<Title<'_>> = response.read()?;
/// assert_eq!(titles[0].title, "Emma");
/// # Ok(())
/// # }
/// ```
pub struct RawResponse {
    route: &'static Route,
    response: Response,
    /// `None` unless the response comes from a call.
    correlation: Option<Correlation>,
}

impl RawResponse {
    /// Creates it from `response`, a response to a call of `route`, without I/O.
    ///
    /// # Errors
    ///
    /// If the status is not a success, and does not mean `None`: the same error that a call returns.
    pub fn new(route: &'static Route, response: Response) -> Result<Self, Error> {
        decode::check(route, &response)?;
        Ok(Self { route, response, correlation: None })
    }

    /// Sets the correlation id of the call, for errors.
    pub(super) fn with_correlation(self, correlation: Option<Correlation>) -> Self {
        Self { correlation, ..self }
    }

    /// Decodes the body as JSON, whatever the codec of the operation. An empty one is read as `null`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) if it is not a `T`. The call has finished before, so
    /// its span and the client's observer have recorded a success.
    pub fn read<'r, T: Deserialize<'r>>(&'r self) -> Result<T, Error> {
        decode::read(self.route, &self.response).map_err(|error| {
            let id = self.correlation.as_ref().and_then(Correlation::read);
            error.with_correlation_id(id)
        })
    }

    /// Returns the response.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// Converts to the response.
    #[must_use]
    pub fn into_response(self) -> Response {
        self.response
    }
}

/// Omits headers and body, which may be private.
impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("operation", &self.route.name)
            .field("status", &self.response.status())
            .field("len", &self.response.body().len())
            .finish_non_exhaustive()
    }
}
