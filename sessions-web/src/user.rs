//! The user of a session as the official users facade stores it.

use pip_services::timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use sessions_client::Timestamp;
use std::fmt;

/// The user of a session as the official users facade stores it, so that Rust and Node.js applications can share
/// sessions.
///
/// The facade leaves keys out or writes `null` where the account has no value; both are `None` here, and `None` is left
/// out. Keys that this type does not know, such as `settings`, are kept in [`other`](Self::other), so that
/// [`Session::update_user`](crate::Session::update_user) does not remove them.
///
/// ```
/// use sessions_web::SessionUserV1;
///
/// let user = SessionUserV1::new("user-1").with_name("Ann").with_roles(["admin"]);
/// assert_eq!(serde_json::to_string(&user)?, r#"{"id":"user-1","name":"Ann","roles":["admin"]}"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionUserV1 {
    /// The id of the account.
    pub id: String,
    /// The login, often the e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When the account was created.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "timestamp::optional",
        serialize_with = "timestamp::serialize_optional"
    )]
    pub create_time: Option<Timestamp>,
    /// The roles, such as `admin`.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub roles: Vec<String>,
    /// When the password was last changed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "timestamp::optional",
        serialize_with = "timestamp::serialize_optional"
    )]
    pub change_pwd_time: Option<Timestamp>,
    /// The time zone, such as `Europe/Berlin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The language, such as `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The theme of the user interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// Application-specific data of the account that is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_hdr: Option<Value>,
    /// Application-specific data of the account that is private.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_dat: Option<Value>,
    /// All other keys.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl SessionUserV1 {
    /// Creates a user without roles and other data.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// Sets the login, often the e-mail address.
    #[must_use]
    pub fn with_login(mut self, login: impl Into<String>) -> Self {
        self.login = Some(login.into());
        self
    }

    /// Sets the name to show.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the roles, such as `admin`.
    #[must_use]
    pub fn with_roles(mut self, roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the language, such as `en`.
    #[must_use]
    pub fn with_language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// Sets the time zone, such as `Europe/Berlin`.
    #[must_use]
    pub fn with_time_zone(mut self, time_zone: impl Into<String>) -> Self {
        self.time_zone = Some(time_zone.into());
        self
    }

    /// Sets the theme of the user interface.
    #[must_use]
    pub fn with_theme(mut self, theme: impl Into<String>) -> Self {
        self.theme = Some(theme.into());
        self
    }

    /// Returns whether the user has a role, such as `admin`.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }
}

fn null_as_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Shows id and roles. The rest is private.
impl fmt::Debug for SessionUserV1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionUserV1")
            .field("id", &self.id)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}
