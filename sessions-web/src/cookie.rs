//! The cookie with the id of the session.

use cookie::{Cookie, CookieJar, Key, SameSite, time};
use http::{HeaderMap, HeaderValue, header};
use sessions_client::{Error, ErrorKind};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The cookie with the id of the session: its name, its attributes, and whether it is signed.
///
/// The defaults are strict: `HttpOnly` (always), `Secure`, `SameSite=Lax`, `Path=/`, no `Domain`. Its name is
/// `__Host-session`, so a browser accepts it only from this host over HTTPS, and another subdomain cannot replace it.
/// With a [path](Self::path) or a [domain](Self::domain) the name is `__Secure-session`.
///
/// `Max-Age` is the time until the session expires if it is idle, and is renewed with each write to the session, also
/// with those that only extend it.
/// [`until_browser_closes`](Self::until_browser_closes) leaves it out.
///
/// ```
/// use sessions_web::{Key, SessionCookie};
///
/// // From the application's secrets. All instances need the same key.
/// let key = Key::try_from(&[7; 64][..])?;
/// let cookie = SessionCookie::new().signed(key).until_browser_closes();
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// Change the name together with path or domain: browsers keep the old cookie, and a request with two different
/// session cookies is rejected.
#[derive(Clone)]
pub struct SessionCookie {
    name: Option<Cow<'static, str>>,
    path: Cow<'static, str>,
    domain: Option<Cow<'static, str>>,
    is_secure: bool,
    same_site: SameSite,
    is_persistent: bool,
    key: Option<Key>,
}

impl SessionCookie {
    /// Creates a plain cookie with the defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            name: None,
            path: Cow::Borrowed("/"),
            domain: None,
            is_secure: true,
            same_site: SameSite::Lax,
            is_persistent: true,
            key: None,
        }
    }

    /// Sets the name, such as `x-session-id`, the name of the official facade.
    #[must_use]
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the path below which the browser sends the cookie. The default is `/`.
    #[must_use]
    pub fn path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets the domain, so that the browser sends the cookie to its subdomains too. Each of them can then replace it.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<Cow<'static, str>>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets `SameSite`. The default, [`SameSite::Lax`], keeps the cookie out of requests that other sites send, except
    /// for links. [`SameSite::None`] gives up this protection.
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Leaves out `Max-Age`: the browser deletes the cookie when it closes. The session itself stays open until it
    /// expires.
    #[must_use]
    pub fn until_browser_closes(mut self) -> Self {
        self.is_persistent = false;
        self
    }

    /// Signs the id with HMAC-SHA256. A cookie without a valid signature counts as none, and no call to the service is
    /// made for it.
    ///
    /// Use the key for nothing else: the signature covers the value, but not the name of the cookie. Changing the key
    /// logs all users out.
    #[must_use]
    pub fn signed(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// Leaves out `Secure`, for development over plain HTTP. The default name is then `session`. Anyone on the network
    /// can read such a cookie.
    #[must_use]
    pub fn insecure_for_development(mut self) -> Self {
        self.is_secure = false;
        self
    }

    /// Checks the combination of options, which a browser would reject without a message.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        // Browsers compare the prefixes without regard to case.
        let name = self.full_name().to_ascii_lowercase();
        let is_host_only = self.path == "/" && self.domain.is_none();
        let problem = if name.is_empty() || !name.bytes().all(is_token) {
            "its name must be letters, digits and `-_.`, at least one"
        } else if !self.path.starts_with('/')
            || !self.path.bytes().all(is_attribute)
            || self.path.len() > 1024
        {
            "its path must begin with `/`, without `;` and control characters, and have at most 1024 bytes"
        } else if self.domain.as_deref().is_some_and(|domain| !is_domain(domain)) {
            "its domain must be a host name, such as `example.com`"
        } else if !self.is_secure && name.starts_with("__") {
            "a name with the prefix `__Host-` or `__Secure-` needs `Secure`: choose another name"
        } else if !self.is_secure && self.same_site == SameSite::None {
            "`SameSite=None` needs `Secure`"
        } else if name.starts_with("__host-") && !is_host_only {
            "a name with the prefix `__Host-` allows neither a path nor a domain: choose another name"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Config, format!("the session cookie cannot be used: {problem}")))
    }

    fn full_name(&self) -> &str {
        match &self.name {
            Some(name) => name,
            None if !self.is_secure => "session",
            None if self.path == "/" && self.domain.is_none() => "__Host-session",
            None => "__Secure-session",
        }
    }

    /// Returns the values of all cookies of this name, without their signatures; those without a valid one are left
    /// out.
    ///
    /// Rejected alternative: the parser of the crate `cookie`, because it removes all white space of Unicode around
    /// names. Browsers do not enforce the prefix `__Host-` after such a character, so a subdomain could plant a cookie.
    pub(crate) fn values(&self, headers: &HeaderMap) -> Vec<String> {
        let lines = headers.get_all(header::COOKIE).into_iter();
        let pairs = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b';'));
        let values = pairs.filter_map(|pair| {
            // Other cookies may contain any bytes.
            let (name, value) = std::str::from_utf8(pair.trim_ascii()).ok()?.split_once('=')?;
            if name == self.full_name() { self.verified(value) } else { None }
        });
        values.collect()
    }

    fn verified(&self, value: &str) -> Option<String> {
        // The longest id with its signature, in base64.
        if value.len() > 128 {
            return None;
        }
        let Some(key) = &self.key else { return Some(value.to_owned()) };
        let cookie = Cookie::new(self.full_name().to_owned(), value.to_owned());
        Some(CookieJar::new().signed(key).verify(cookie)?.value().to_owned())
    }

    /// Returns the header that sets the cookie.
    pub(crate) fn set(&self, id: &str, max_age: Duration) -> Option<HeaderValue> {
        let mut cookie = self.build(id.to_owned());
        if let Some(key) = &self.key {
            let mut jar = CookieJar::new();
            jar.signed_mut(key).add(cookie.clone());
            cookie.set_value(jar.get(self.full_name())?.value().to_owned());
        }
        if self.is_persistent {
            // Beyond the range of the type is "forever".
            cookie.set_max_age(max_age.try_into().unwrap_or(time::Duration::MAX));
        }
        header_value(&cookie)
    }

    /// Returns whether a response already sets or deletes a cookie of this name.
    pub(crate) fn is_set_by(&self, headers: &HeaderMap) -> bool {
        let lines = headers.get_all(header::SET_COOKIE).into_iter();
        let mut names =
            lines.map(|line| line.as_bytes().split(|&byte| byte == b'=').next().unwrap_or_default());
        names.any(|name| name == self.full_name().as_bytes())
    }

    /// Returns the header that deletes the cookie.
    pub(crate) fn removal(&self) -> Option<HeaderValue> {
        let mut cookie = self.build(String::new());
        cookie.make_removal();
        header_value(&cookie)
    }

    fn build(&self, value: String) -> Cookie<'static> {
        let mut cookie = Cookie::build((self.full_name().to_owned(), value))
            .path(self.path.clone())
            .secure(self.is_secure)
            .http_only(true)
            .same_site(self.same_site);
        if let Some(domain) = &self.domain {
            cookie = cookie.domain(domain.clone());
        }
        cookie.build()
    }
}

/// The value is a credential, so it counts as sensitive.
fn header_value(cookie: &Cookie<'_>) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(cookie.to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn is_attribute(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b';'
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // Browsers ignore a dot at the beginning.
    domain.len() <= 253 && domain.strip_prefix('.').unwrap_or(domain).split('.').all(is_label)
}

impl Default for SessionCookie {
    fn default() -> Self {
        Self::new()
    }
}

/// Omits the key.
impl fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCookie")
            .field("name", &self.full_name())
            .field("path", &self.path)
            .field("domain", &self.domain)
            .field("is_secure", &self.is_secure)
            .field("same_site", &self.same_site)
            .field("is_persistent", &self.is_persistent)
            .field("is_signed", &self.key.is_some())
            .finish()
    }
}
