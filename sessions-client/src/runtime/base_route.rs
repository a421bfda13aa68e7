//! The path in front of a contract's routes, where a service has another than the contract.
//!
//! It is applied where a request is written, and not by a transport: a transport could not tell the prefix from
//! the rest of the path, and each kind of transport would have to.

use crate::error::{Error, ErrorKind};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What stands in front of every path in place of the contract's own prefix: `/v2/sessions` for `/v1/sessions`.
///
/// A service that is found at a path *before* the prefix, behind a proxy say, has that path in its address.
///
/// ```
/// use sessions_client::{BaseRoute, Encoding, Operation, sessions_v1};
///
/// let mut encoding = Encoding::default();
/// encoding.base_route = Some(BaseRoute::new("tenant-7/sessions")?);
/// let request = sessions_v1::GetSessionById::new("some id").encode_with(&encoding)?;
/// assert_eq!(request.uri(), "/tenant-7/sessions/get_session_by_id");
/// # Ok::<_, sessions_client::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseRoute(Arc<str>);

impl BaseRoute {
    /// The base route `path`, with or without slashes around it. `/` is the root: routes without a prefix.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] when it makes no path.
    pub fn new(path: &str) -> Result<Self, Error> {
        Self::parse(path).map_err(|why| Error::new(ErrorKind::Config, format!("the base route {why}")))
    }

    /// The same, with the reason alone where it makes no path.
    pub(crate) fn parse(path: &str) -> Result<Self, &'static str> {
        if path.is_empty() {
            return Err("is empty: write `/` for routes without a prefix");
        }
        let inside = path.trim_matches('/');
        if inside.is_empty() {
            return Ok(Self("".into()));
        }
        if !inside.bytes().all(is_of_a_path) {
            return Err("must be a path alone, such as `v1/sessions`, in characters that a URL can have");
        }
        if !has_whole_escapes(inside) {
            return Err(
                "has a `%` that begins no escape: two hex digits follow it, and `%25` is the sign itself",
            );
        }
        if inside.split('/').any(|segment| segment.is_empty() || is_folded(segment)) {
            return Err("must have no empty segments, `.` or `..`: they would lead to another path");
        }
        Ok(Self(format!("/{inside}").into()))
    }

    /// The path with a slash in front and none at its end; empty for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether parsers of URLs fold a segment of a path away: `.` and `..`, escaped or not. Others send them.
pub(crate) fn is_folded(segment: &str) -> bool {
    matches!(&*Cow::from(percent_decode_str(segment)), b"." | b"..")
}

/// Whether each `%` begins an escape, as RFC 3986 has it: services differ in what they make of others.
fn has_whole_escapes(path: &str) -> bool {
    let is_whole = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    path.split('%').skip(1).all(is_whole)
}

/// The characters of RFC 3986's paths.
fn is_of_a_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%/".contains(&byte)
}

/// Without the path, which can be a secret.
impl fmt::Debug for BaseRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BaseRoute").finish_non_exhaustive()
    }
}
