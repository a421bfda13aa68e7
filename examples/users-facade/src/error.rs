//! The errors of the facade.

use std::fmt;
use wiretrait::Error;

/// The reason why a step of the facade failed.
///
/// `Display` and `Debug` show no login, password or session id. Messages of the services quote logins, so only their
/// codes are shown; the messages are in [`FacadeError::Service`].
#[non_exhaustive]
pub enum FacadeError {
    /// Another account has the login.
    LoginTaken,
    /// The service does not accept the password, with its reason, such as the required length.
    UnusablePassword(String),
    /// The new password is the old one.
    SamePassword,
    /// There is no account with the login, or its password is another one. Which of them is not revealed.
    WrongLoginOrPassword,
    /// The account is locked for some time after several wrong passwords.
    AccountLocked,
    /// The account is disabled or deleted.
    AccountDisabled,
    /// There is no such session, or it is closed.
    SessionExpired,
    /// A call failed.
    Service {
        /// The service, such as `accounts`.
        service: &'static str,
        /// The failure.
        error: Error,
    },
}

impl fmt::Display for FacadeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoginTaken => f.write_str("the login is taken; choose another one"),
            Self::UnusablePassword(why) => write!(f, "the password cannot be used: {why}"),
            Self::SamePassword => f.write_str("the new password is the old one; choose another one"),
            Self::WrongLoginOrPassword => f.write_str("the login or the password is wrong"),
            Self::AccountLocked => {
                f.write_str("the account is locked after several wrong passwords; try again later")
            }
            Self::AccountDisabled => f.write_str("the account is disabled"),
            Self::SessionExpired => f.write_str("the session has ended; sign in again"),
            Self::Service { service, error } => match code(error) {
                Some(code) => write!(f, "the {service} service responded with the error {code}"),
                None => write!(f, "the {service} service failed: {error}"),
            },
        }
    }
}

impl fmt::Debug for FacadeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FacadeError({self})")
    }
}

impl std::error::Error for FacadeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Service { error, .. } => error.source(),
            _ => None,
        }
    }
}

/// Returns the code of the service's own error.
fn code(error: &Error) -> Option<&str> {
    error.service().map(|service| &*service.code)
}

/// Converts a failed call of the accounts service.
pub(crate) fn of_accounts(error: Error) -> FacadeError {
    match code(&error) {
        Some("ALREADY_EXIST") => FacadeError::LoginTaken,
        _ => FacadeError::Service { service: "accounts", error },
    }
}

/// Converts a failed call of the passwords service.
pub(crate) fn of_passwords(error: Error) -> FacadeError {
    match code(&error) {
        Some("WRONG_PASSWORD" | "USER_NOT_FOUND") => FacadeError::WrongLoginOrPassword,
        Some("ACCOUNT_LOCKED") => FacadeError::AccountLocked,
        Some("PASSWORD_NOT_CHANGED") => FacadeError::SamePassword,
        Some("BAD_PASSWORD" | "NO_PASSWORD" | "OLD_PASSWORD") => {
            let message = error.service().map(|service| service.message.clone());
            FacadeError::UnusablePassword(message.unwrap_or_default())
        }
        _ => FacadeError::Service { service: "passwords", error },
    }
}

/// Converts a failed call of the roles service.
pub(crate) fn of_roles(error: Error) -> FacadeError {
    FacadeError::Service { service: "roles", error }
}

/// Converts a failed call of the sessions service.
pub(crate) fn of_sessions(error: Error) -> FacadeError {
    FacadeError::Service { service: "sessions", error }
}
