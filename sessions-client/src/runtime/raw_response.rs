//! An answer before it is read, so that what is read can borrow from it.

use super::correlation::Correlation;
use super::{Response, Route, decode};
use crate::error::Error;
use serde::Deserialize;
use std::fmt;

/// A successful answer that is not read yet: what [`Caller::call_raw`](super::Caller::call_raw) gives.
///
/// A call returns values that own what they hold. This keeps the body instead, and [reads](Self::read) it as any type,
/// one that borrows from it too: [`SessionRef`](crate::SessionRef), or one of your own with the keys that you need. It
/// also has the status and the headers of the answer, and can be read on another thread than that of the call.
///
/// ```
/// use serde::Deserialize;
/// use sessions_client::{DataPage, sessions_v1};
/// # use sessions_client::{InProcessTransport, ISessionsV1, SessionsHttpClientV1, SessionsMemoryClientV1};
///
/// #[derive(Deserialize)]
/// struct Id<'a> { id: &'a str }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sessions_client::Result<()> {
/// # let service = sessions_v1::Handler::new(SessionsMemoryClientV1::new());
/// # let client = SessionsHttpClientV1::new(InProcessTransport::new(service));
/// # client.open_session(None, "user-1", None, None, None, None, None).await?;
/// let answer = client.caller().call_raw(sessions_v1::GetSessions::new()).await?;
/// assert_eq!(answer.response().headers()["content-type"], "application/json");
/// let page: DataPage<Id<'_>> = answer.read()?;
/// assert_eq!(page.data[0].id.len(), 32);
/// # Ok(())
/// # }
/// ```
pub struct RawResponse {
    route: &'static Route,
    response: Response,
    /// None unless it comes from a call.
    correlation: Option<Correlation>,
}

impl RawResponse {
    /// `response` as an answer to the operation of `route`, with no I/O.
    ///
    /// # Errors
    ///
    /// When its status is no success: what the service says, as of any call.
    pub fn new(route: &'static Route, response: Response) -> Result<Self, Error> {
        decode::check(route, &response)?;
        Ok(Self { route, response, correlation: None })
    }

    /// The same answer, which knows the correlation id of its call.
    pub(super) fn with_correlation(self, correlation: Option<Correlation>) -> Self {
        Self { correlation, ..self }
    }

    /// Reads the answer. An empty one reads as JSON `null`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) when it is no `T`. The call is over by then, and for its span
    /// and the client's observer it ended well.
    pub fn read<'r, T: Deserialize<'r>>(&'r self) -> Result<T, Error> {
        decode::read(self.route, &self.response).map_err(|error| {
            let id = self.correlation.as_ref().and_then(Correlation::read);
            error.with_correlation_id(id)
        })
    }

    /// The whole response.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// The whole response, to be kept.
    #[must_use]
    pub fn into_response(self) -> Response {
        self.response
    }
}

/// Without headers and body, which may be anybody's.
impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("operation", &self.route.name)
            .field("status", &self.response.status())
            .field("len", &self.response.body().len())
            .finish_non_exhaustive()
    }
}
