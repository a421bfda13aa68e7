//! The sessions that a request names, in a header or a cookie.

use crate::cookie::SessionCookie;
use http::{HeaderMap, HeaderName};

/// The header of the official facade.
pub(crate) const SESSION_HEADER: HeaderName = HeaderName::from_static("x-session-id");

/// The sessions that a request names.
pub(crate) struct Credentials {
    /// That of the header if there is one, and otherwise that of the cookie.
    pub(crate) current: Credential,
    /// That of a cookie next to a header. It must end when the cookie is replaced or deleted.
    pub(crate) hidden: Credential,
}

impl Credentials {
    pub(crate) fn read(headers: &HeaderMap, cookie: Option<&SessionCookie>, reads_header: bool) -> Self {
        let in_header = if reads_header { Credential::in_header(headers) } else { None };
        let in_cookie = Credential::in_cookie(headers, cookie);
        match in_header {
            Some(current) => Self { current, hidden: in_cookie },
            None => Self { current: in_cookie, hidden: Credential::Absent },
        }
    }

    /// Returns the ids in the cookie that the header does not have, at most [`MAX_IDS`].
    pub(crate) fn hidden_ids(&self) -> impl Iterator<Item = &String> {
        self.hidden.ids().iter().filter(|id| !self.current.ids().contains(id))
    }

    /// Returns whether the request names more ids than are considered.
    pub(crate) fn has_more(&self) -> bool {
        [&self.current, &self.hidden]
            .iter()
            .any(|it| matches!(it, Credential::Ambiguous { has_more: true, .. }))
    }
}

/// The session that a header or a cookie names.
///
/// It has no `Debug`: an id is a credential.
#[derive(Clone)]
pub(crate) enum Credential {
    Absent,
    /// Several different ids. The first [`MAX_IDS`] are in `ids`; `has_more` is true if there were others.
    Ambiguous {
        ids: Vec<String>,
        has_more: bool,
    },
    Header(String),
    Cookie(String),
}

impl Credential {
    /// Returns `None` without a header, or with only empty ones. Different headers are ambiguous, also if only one is an id:
    /// a proxy may have decided by the other one. A header with a malformed id means an anonymous request, also with a
    /// valid cookie.
    fn in_header(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(SESSION_HEADER).into_iter();
        let values: Vec<_> = values.filter(|value| !value.is_empty()).collect();
        let [first, others @ ..] = &*values else { return None };
        let are_equal = others.iter().all(|other| other == first);
        let ids = values.iter().filter_map(|value| value.to_str().ok());
        Some(Self::of(ids, are_equal, Self::Header))
    }

    fn in_cookie(headers: &HeaderMap, cookie: Option<&SessionCookie>) -> Self {
        let values = cookie.map(|cookie| cookie.values(headers)).unwrap_or_default();
        Self::of(values.iter().map(String::as_str), true, Self::Cookie)
    }

    fn of<'v>(values: impl Iterator<Item = &'v str>, are_equal: bool, from: fn(String) -> Self) -> Self {
        let mut ids: Vec<String> = Vec::new();
        let mut has_more = false;
        for value in values.filter(|value| is_id(value)) {
            if ids.iter().any(|id| id == value) {
                continue;
            }
            if ids.len() < MAX_IDS {
                ids.push(value.to_owned());
            } else {
                has_more = true;
            }
        }
        match (&mut *ids, are_equal) {
            ([], true) => Self::Absent,
            ([id], true) => from(std::mem::take(id)),
            _ => Self::Ambiguous { ids, has_more },
        }
    }

    /// Returns the ids that the request names, at most [`MAX_IDS`].
    pub(crate) fn ids(&self) -> &[String] {
        match self {
            Self::Absent => &[],
            Self::Header(id) | Self::Cookie(id) => std::slice::from_ref(id),
            Self::Ambiguous { ids, .. } => ids,
        }
    }
}

/// The number of different ids that are considered, so that a request cannot cause many calls.
const MAX_IDS: usize = 8;

/// Returns whether a string can be the id of a session. The Node.js service creates 32 hexadecimal digits; other
/// implementations may write a UUID with dashes, or another random string.
pub(crate) fn is_id(string: &str) -> bool {
    (16..=64).contains(&string.len())
        && string.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, header};

    const A: &str = "8c7d473658cc487daea246328593b865";
    const B: &str = "0000473658cc487daea246328593b865";

    fn read(headers: &[(HeaderName, &str)], reads_header: bool) -> String {
        let pairs = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(name, value);
        }
        match Credentials::read(&map, Some(&SessionCookie::new().name("s")), reads_header).current {
            Credential::Absent => "absent".to_owned(),
            Credential::Ambiguous { .. } => "ambiguous".to_owned(),
            Credential::Header(id) => format!("header {id}"),
            Credential::Cookie(id) => format!("cookie {id}"),
        }
    }

    #[test]
    fn the_header_precedes_the_cookie() {
        let both = [(SESSION_HEADER, A), (header::COOKIE, &*format!("s={B}"))];
        assert_eq!(read(&both, true), format!("header {A}"));
        assert_eq!(read(&both, false), format!("cookie {B}"));
        assert_eq!(read(&[(SESSION_HEADER, ""), both[1].clone()], true), format!("cookie {B}"));
    }

    #[test]
    fn a_malformed_header_hides_the_cookie() {
        assert_eq!(read(&[(SESSION_HEADER, "x y"), (header::COOKIE, &format!("s={B}"))], true), "absent");
    }

    #[test]
    fn several_ids_must_be_equal() {
        assert_eq!(read(&[(header::COOKIE, &format!("s={A}; s={A}"))], false), format!("cookie {A}"));
        assert_eq!(read(&[(header::COOKIE, &format!("s={A}; s={B}"))], false), "ambiguous");
        assert_eq!(read(&[(SESSION_HEADER, A), (SESSION_HEADER, B)], true), "ambiguous");
    }

    #[test]
    fn strings_that_are_not_ids_are_ignored() {
        for value in ["", "short", "../../etc/passwd-and-more", "8c7d473658cc487daea246328593b86\u{e9}"] {
            assert!(!is_id(value), "{value}");
        }
        assert!(!is_id(&"a".repeat(65)));
        assert!(is_id(A));
        assert!(is_id("8c7d4736-58cc-487d-aea2-46328593b865"));
        assert_eq!(read(&[(header::COOKIE, &format!("s=; other=x; s={A}"))], false), format!("cookie {A}"));
    }
}
