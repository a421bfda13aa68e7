//! A bearer token and its lifetime.

use crate::error::{Error, ErrorKind};
use crate::runtime::bearer;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use serde::Deserialize;
use std::fmt;
use std::time::{Duration, SystemTime};

/// A bearer token, with its expiry if that is known. `Debug` does not show it.
///
/// The expiry is the claim `exp` if the token is a JWT, unless the source of the token states another one. The
/// signature is not verified: that is the task of the service.
///
/// ```
/// use std::time::Duration;
/// use wiretrait::auth::Token;
///
/// let token = Token::new("opaque-s3cret")?.with_lifetime(Duration::from_secs(300));
/// assert!(!format!("{token:?}").contains("s3cret"));
/// # Ok::<_, wiretrait::Error>(())
/// ```
#[derive(Clone)]
pub struct Token {
    /// The value of `Authorization`.
    header: HeaderValue,
    expiry: Option<Expiry>,
    check_interval: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    At(SystemTime),
    /// Counted from the start of the fetch.
    After(Duration),
}

impl Token {
    /// Creates a token from the string that is sent after `Bearer `.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`] if it is empty, or has spaces, line breaks or characters that are not ASCII.
    pub fn new(token: impl AsRef<str>) -> Result<Self, Error> {
        let token = token.as_ref();
        let header = bearer(token).ok_or_else(|| Error::new(ErrorKind::Credentials, INVALID))?;
        Ok(Self { header, expiry: expiry_of_jwt(token).map(Expiry::At), check_interval: None })
    }

    /// Sets when the token expires.
    #[must_use]
    pub fn with_expiry(mut self, expiry: SystemTime) -> Self {
        self.expiry = Some(Expiry::At(expiry));
        self
    }

    /// Sets how long the token is valid, counted from the start of the fetch.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.expiry = Some(Expiry::After(lifetime));
        self
    }

    /// Sets the time after which the next call asks the provider again, although the token has not expired. The
    /// call waits for it, so it is for providers that are fast, such as a file. If the provider fails, the token
    /// is still used.
    #[must_use]
    pub fn with_check_interval(mut self, interval: Duration) -> Self {
        self.check_interval = Some(interval);
        self
    }

    /// Returns the value of the header `Authorization`, which is marked as sensitive.
    #[must_use]
    pub fn header(&self) -> &HeaderValue {
        &self.header
    }

    pub(super) fn expiry(&self) -> Option<Expiry> {
        self.expiry
    }

    pub(super) fn check_interval(&self) -> Option<Duration> {
        self.check_interval
    }
}

const INVALID: &str = "the token is empty, or has a space, a line break or a character that is not ASCII";

/// Shows only the expiry.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("expiry", &self.expiry).finish_non_exhaustive()
    }
}

/// Returns the claim `exp`, if `token` is a JWT that has one.
fn expiry_of_jwt(token: &str) -> Option<SystemTime> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let Claims { exp } = serde_json::from_slice(&claims).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(exp).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_expiry_of_a_jwt_is_read_from_its_claim() {
        let at = |seconds: f64| Some(SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds));
        assert_eq!(expiry_of_jwt(&jwt(r#"{"exp":1800000000,"sub":"x"}"#)), at(1_800_000_000.0));
        assert_eq!(expiry_of_jwt(&jwt(r#"{"exp":1.5}"#)), at(1.5));
        for without in [
            "opaque".to_owned(),
            "a.b.c".to_owned(),
            jwt("{}"),
            jwt(r#"{"exp":"soon"}"#),
            jwt(r#"{"exp":-1}"#),
            jwt(r#"{"exp":1e300}"#),
            jwt("exp"),
            jwt(r#"{"exp":1}"#) + ".d",
        ] {
            assert_eq!(expiry_of_jwt(&without), None, "{without}");
        }
    }

    #[test]
    fn a_stated_expiry_takes_precedence_over_that_of_a_jwt() {
        let token = Token::new(jwt(r#"{"exp":1800000000}"#)).unwrap();
        let lifetime = Duration::from_secs(60);
        assert_eq!(token.with_lifetime(lifetime).expiry(), Some(Expiry::After(lifetime)));
    }

    #[test]
    fn a_token_that_cannot_be_sent_is_a_credentials_error() {
        for token in ["", "a b", "s3cret\n", "\u{fc}", "a\0"] {
            let error = Token::new(token).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Credentials);
            assert!(!format!("{error} {error:?}").contains("s3cret"));
        }
    }
}
