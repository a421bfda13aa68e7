//! Options of single calls.

use super::headers::CallHeaders;
use crate::error::Error;
use http::header::HeaderMap;
use std::sync::Arc;
use std::time::Duration;

/// Limits, retries, headers and the token of single calls, which override those of the client. Options that
/// are not set stay unchanged.
///
/// They apply to the calls of a view that the client's `with` returns. The view implements the contract like
/// the client. Trait objects have a `with` too, and [`WithOptions`](crate::WithOptions) is the view of any
/// other implementation.
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// use library::{Books, BooksClient};
/// use std::time::Duration;
/// use wiretrait::{CallOptions, Result, Transport};
///
/// async fn is_known(books: &BooksClient<impl Transport>, id: u64) -> Result<bool> {
///     // A user is waiting: an error is better than a late response.
///     let fast = CallOptions::new().deadline(Duration::from_millis(300)).retries(1);
///     Ok(books.with(fast).find(id).await?.is_some())
/// }
/// ```
///
/// Limits and retries are applied by the [policies](crate::policy). A client over a transport without policies
/// has no retries, and limits only if the transport has them. Headers and tokens are part of the request, so
/// every transport sends them.
///
/// Cloning is cheap. `Debug` shows the names of headers, but not their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallOptions {
    /// Time limit for a whole call, including retries and pauses.
    pub deadline: Option<Duration>,
    /// Time limit for one attempt, including its response. It takes precedence over the route's timeout.
    pub timeout: Option<Duration>,
    /// Maximum number of retries. It does not change which failures can be retried safely.
    pub retries: Option<u32>,
    /// Shared, because a call is cloned for each retry.
    headers: Option<Arc<CallHeaders>>,
}

impl CallOptions {
    /// Creates options that change nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { deadline: None, timeout: None, retries: None, headers: None }
    }

    /// Sets the time limit for a whole call, including retries and pauses. It starts with each call.
    #[must_use]
    pub const fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Sets the time limit for one attempt, including its response.
    #[must_use]
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Sets the maximum number of retries; 0 disables them.
    #[must_use]
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Sets a header of the request. It replaces one with the same name, whether it is that of the client, of
    /// an argument, or set before.
    ///
    /// The value counts as [sensitive](http::HeaderValue::set_sensitive). If name or value are not valid in a header,
    /// or if the header belongs to the connection, as `Content-Length` does, the call fails with
    /// [`ErrorKind::Encode`](crate::ErrorKind::Encode). The error has the name, but not the value.
    ///
    /// ```
    /// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
    /// # use library::{Books, BooksClient};
    /// # use wiretrait::{CallOptions, Result, Transport};
    /// # async fn find(books: &BooksClient<impl Transport>, key: &str) -> Result<()> {
    /// let options = CallOptions::new().header("x-tenant", "acme").header("x-api-key", key);
    /// books.with(options).find(1).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        self.headers_mut().set(name.as_ref(), value.as_ref());
        self
    }

    /// Sets the bearer token of the call: the header `Authorization`, in place of the credentials of the
    /// client. The call is then not sent again with another token if the service rejects it.
    ///
    /// If it has characters that a token cannot have, such as a line break at its end, the call fails with
    /// [`ErrorKind::Encode`](crate::ErrorKind::Encode).
    #[must_use]
    pub fn token(mut self, token: impl AsRef<str>) -> Self {
        self.headers_mut().set_token(token.as_ref());
        self
    }

    fn headers_mut(&mut self) -> &mut CallHeaders {
        Arc::make_mut(self.headers.get_or_insert_default())
    }

    /// Returns these options, with the options of `base` where these are not set. Headers are merged by name.
    #[must_use]
    pub fn or(self, base: Self) -> Self {
        let headers = match (self.headers, base.headers) {
            (Some(mut own), Some(base)) => {
                Arc::make_mut(&mut own).add_missing(&base);
                Some(own)
            }
            (own, base) => own.or(base),
        };
        Self {
            deadline: self.deadline.or(base.deadline),
            timeout: self.timeout.or(base.timeout),
            retries: self.retries.or(base.retries),
            headers,
        }
    }

    pub(super) fn has_headers(&self) -> bool {
        self.headers.is_some()
    }

    /// Sets the headers of the call in those of its request.
    pub(super) fn apply(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        self.headers.as_ref().map_or(Ok(()), |own| own.apply(headers))
    }
}
