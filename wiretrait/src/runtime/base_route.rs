//! A replacement for the path prefix of a contract.
//!
//! It is applied when a request is encoded. Rejected alternative: applying it in the transport, because a
//! transport cannot distinguish the prefix from the rest of the path, and every kind of transport would have
//! to do it.

use crate::error::{Error, ErrorKind};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A path that replaces the contract's own prefix in all requests, such as `/v2` for `/v1`.
///
/// If a service has a path in front of the prefix, for example behind a proxy, put that path into its address
/// instead.
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// use library::books;
/// use wiretrait::{BaseRoute, Encoding, Operation};
///
/// let mut encoding = Encoding::default();
/// encoding.base_route = Some(BaseRoute::new("tenant-7")?);
/// let request = books::Find::new(1).encode_with(&encoding)?;
/// assert_eq!(request.uri(), "/tenant-7/books/1");
/// # Ok::<_, wiretrait::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseRoute(Arc<str>);

impl BaseRoute {
    /// Creates a base route from `path`, with or without slashes around it. `/` stands for routes without a
    /// prefix.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is not a valid path.
    pub fn new(path: &str) -> Result<Self, Error> {
        Self::parse(path).map_err(|why| Error::new(ErrorKind::Config, format!("the base route {why}")))
    }

    /// Creates a base route like [`new`](Self::new), for callers that put the name of the setting in front of
    /// the error.
    ///
    /// # Errors
    ///
    /// The end of a sentence that begins with the name of the setting.
    pub fn parse(path: &str) -> Result<Self, &'static str> {
        if path.is_empty() {
            return Err("is empty: write `/` for routes without a prefix");
        }
        let inside = path.trim_matches('/');
        if inside.is_empty() {
            return Ok(Self("".into()));
        }
        if !inside.bytes().all(is_of_a_path) {
            return Err("must be only a path, such as `v1/books`, in characters that are valid in a URL");
        }
        if !has_whole_escapes(inside) {
            return Err(
                "has a `%` that does not begin an escape: write two hex digits after it, or `%25` for a `%`",
            );
        }
        if inside.split('/').any(|segment| segment.is_empty() || is_folded(segment)) {
            return Err("must have no empty segments, `.` or `..`: they would lead to another path");
        }
        Ok(Self(format!("/{inside}").into()))
    }

    /// Returns the path with a slash in front and without one at its end; an empty string for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether URL parsers remove this path segment: `.` or `..`, escaped or not. Other clients send
/// them.
pub(crate) fn is_folded(segment: &str) -> bool {
    matches!(&*Cow::from(percent_decode_str(segment)), b"." | b"..")
}

/// Returns whether each `%` begins an escape as defined by RFC 3986. Services interpret others differently.
fn has_whole_escapes(path: &str) -> bool {
    let is_whole = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    path.split('%').skip(1).all(is_whole)
}

/// Returns whether `byte` is valid in a path (RFC 3986).
fn is_of_a_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/".contains(&byte)
}

/// Omits the path, which can be a secret.
impl fmt::Debug for BaseRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BaseRoute").finish_non_exhaustive()
    }
}
