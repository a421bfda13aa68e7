//! The contract of the passwords service, version 1.

use pip_services::{PipErrors, Timestamp, timestamp};
use serde::{Deserialize, Serialize};
use wiretrait::{Result, http_api};

/// The state of a password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PasswordInfo {
    /// The id of the user.
    pub id: String,
    /// When the password was last changed. Version 1.1 of the service sets it for temporary passwords only.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "timestamp::optional",
        serialize_with = "timestamp::serialize_optional"
    )]
    pub change_time: Option<Timestamp>,
    /// `true` if the user is locked out. Version 1.1 of the service never stores it.
    #[serde(default)]
    pub locked: bool,
}

/// The result of a successful check of a password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Authenticated {
    /// `true` if the password is the one of the user.
    pub authenticated: bool,
}

/// The result of a check of a recovery code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodeValidity {
    /// `true` if the code can be used.
    pub valid: bool,
}

/// Passwords of users, version 1: the HTTP API of the Pip.Services *passwords* microservice.
///
/// Operations on a user without a password fail with `USER_NOT_FOUND`, unless they say otherwise. Those that count wrong
/// passwords or depend on the earlier password are not idempotent, so that a retry cannot count twice.
#[http_api(prefix = "/v1/passwords", client = PasswordsClient, module = passwords_v1, errors = PipErrors)]
pub trait Passwords {
    /// Returns the state of the password of a user; `None` for one without.
    #[post("/get_password_info", idempotent)]
    async fn get_password_info(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
    ) -> Result<Option<PasswordInfo>>;

    /// Sets the first password of a user. A later one is not changed. Fails with `BAD_PASSWORD`.
    #[post("/set_password")]
    async fn set_password(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
        #[field] password: &str,
    ) -> Result<()>;

    /// Sets a random password, and returns it.
    #[post("/set_temp_password")]
    async fn set_temp_password(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
    ) -> Result<String>;

    /// Removes the password of a user, if there is one.
    #[post("/delete_password", idempotent)]
    async fn delete_password(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
    ) -> Result<()>;

    /// Checks a password. A wrong one fails with `WRONG_PASSWORD`, or with `ACCOUNT_LOCKED` after several ones.
    #[post("/authenticate")]
    async fn authenticate(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
        #[field] password: &str,
    ) -> Result<Authenticated>;

    /// Replaces a password. Fails with `WRONG_PASSWORD`, `BAD_PASSWORD` or `PASSWORD_NOT_CHANGED`.
    #[post("/change_password")]
    async fn change_password(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
        #[field] old_password: &str,
        #[field] new_password: &str,
    ) -> Result<()>;

    /// Checks a recovery code.
    #[post("/validate_code", idempotent)]
    async fn validate_code(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
        #[field] code: &str,
    ) -> Result<CodeValidity>;

    /// Replaces a password with a recovery code. Fails with `WRONG_CODE`, `CODE_EXPIRED` or `BAD_PASSWORD`.
    #[post("/reset_password")]
    async fn reset_password(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
        #[field] code: &str,
        #[field] password: &str,
    ) -> Result<()>;

    /// Sends a recovery code to the user.
    #[post("/recover_password")]
    async fn recover_password(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
    ) -> Result<()>;
}
