//! Values with the status and the headers of their response.

use super::link;
use crate::error::{Error, ErrorKind};
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::ops::Deref;

/// A value with the status and the headers of its response, for return types of operations.
///
/// ```
/// use wiretrait::{InProcessTransport, ResponseValue, Result, http_api};
///
/// #[http_api(client = BooksClient, module = books)]
/// pub trait Books {
///     #[get("/books/{id}", none = 404)]
///     async fn find(&self, id: u64) -> Result<ResponseValue<Option<String>>>;
/// }
///
/// struct Library;
///
/// impl Books for Library {
///     async fn find(&self, id: u64) -> Result<ResponseValue<Option<String>>> {
///         let title = (id == 1).then(|| "Emma".to_owned());
///         ResponseValue::new(title).with_header("etag", "\"7\"")
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let client = BooksClient::new(InProcessTransport::new(books::Handler::new(Library)));
/// let found = client.find(1).await?;
/// assert_eq!(found.as_deref(), Some("Emma"));
/// assert_eq!((found.status().as_u16(), &found.headers()["etag"]), (200, &"\"7\"".parse().unwrap()));
/// assert_eq!(client.find(2).await?.status(), 404);
/// # Ok(())
/// # }
/// ```
///
/// The macro recognizes the type by its name. An implementation of the contract that is not a client, such as
/// a fake in memory, returns what it was created with.
#[derive(Clone)]
pub struct ResponseValue<T> {
    /// `None` for the status that the value has otherwise.
    status: Option<StatusCode>,
    headers: HeaderMap,
    value: T,
}

impl<T> ResponseValue<T> {
    /// Creates a value with the status 200 and no headers. A service sends the status that the value has
    /// otherwise, such as 204 for `None`, and adds the media type.
    pub fn new(value: T) -> Self {
        Self { status: None, headers: HeaderMap::new(), value }
    }

    /// Creates a value with this status and these headers.
    pub fn from_parts(status: StatusCode, headers: HeaderMap, value: T) -> Self {
        Self { status: Some(status), headers, value }
    }

    /// Sets the status. A client reads a status that is not a success, and does not mean `None`, as an error.
    ///
    /// A service responds with 500 if the status is below 200, or if the value would be lost: 204, 205 and 304 have no
    /// body, and a status of the operation's `none` has no value. A `None`
    /// that would be read as a value, as empty text with the status 200, keeps its own status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds a header. A service does not send those that belong to the connection or its framing, such as
    /// `Content-Length`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Encode`] if the name or the value is not valid in a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let invalid =
            |what| Error::new(ErrorKind::Encode, format!("a header of the response has an invalid {what}"));
        let name = HeaderName::try_from(name).map_err(|_| invalid("name"))?;
        let value = HeaderValue::try_from(value).map_err(|_| invalid("value"))?;
        self.headers.append(name, value);
        Ok(self)
    }

    /// Returns the status of the response; 200 if none was set.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status.unwrap_or_default()
    }

    /// Returns the headers of the response.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns a header if it is there and has only visible ASCII characters; the first one of several.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the target of the first link with a relation, such as `next`, from the header `Link` (RFC 8288). It may
    /// be relative to the URL of the request.
    ///
    /// ```
    /// # use wiretrait::ResponseValue;
    /// let page = ResponseValue::new(["Emma"])
    ///     .with_header("link", r#"<https://example.com/books?page=2>; rel="next", </books?page=9>; rel="last""#)?;
    /// assert_eq!(page.link("next"), Some("https://example.com/books?page=2"));
    /// assert_eq!(page.link("prev"), None);
    /// # Ok::<(), wiretrait::Error>(())
    /// ```
    #[must_use]
    pub fn link(&self, relation: &str) -> Option<&str> {
        link::target(&self.headers, relation)
    }

    /// Converts the value, and keeps status and headers.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> ResponseValue<U> {
        ResponseValue { status: self.status, headers: self.headers, value: convert(self.value) }
    }

    /// Returns the value.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Returns the status, the headers and the value.
    pub fn into_parts(self) -> (StatusCode, HeaderMap, T) {
        (self.status(), self.headers, self.value)
    }

    /// Returns the status if one was set, the headers and the value.
    pub(super) fn into_chosen(self) -> (Option<StatusCode>, HeaderMap, T) {
        (self.status, self.headers, self.value)
    }
}

impl<T: PartialEq> PartialEq for ResponseValue<T> {
    fn eq(&self, other: &Self) -> bool {
        self.status() == other.status() && self.headers == other.headers && self.value == other.value
    }
}

impl<T: Eq> Eq for ResponseValue<T> {}

impl<T> Deref for ResponseValue<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Omits the value and the headers, which may be private.
impl<T> fmt::Debug for ResponseValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseValue").field("status", &self.status().as_u16()).finish_non_exhaustive()
    }
}
