//! The four services as environment variables describe them.

use crate::accounts::AccountsClient;
use crate::facade::UsersFacade;
use crate::passwords::PasswordsClient;
use pip_services::ConfigParams;
use roles_example::contract::RolesClient;
use serde_json::Value;
use sessions_client::SessionsHttpClientV1;
use sessions_web::SessionUserV1;
use std::ffi::OsString;
use wiretrait::{ClientConfig, Result};

/// The facade over HTTP clients.
pub type HttpFacade =
    UsersFacade<AccountsClient, PasswordsClient, RolesClient, SessionsHttpClientV1<SessionUserV1, Value>>;

/// Returns the settings of the service whose variables have a prefix, such as `ACCOUNTS`: `ACCOUNTS_URL`,
/// `ACCOUNTS_CREDENTIAL_TOKEN_FILE`, and so on for each key of a client.
///
/// # Errors
///
/// An invalid or missing setting, by the name of its variable.
pub fn config(prefix: &str, variables: &[(OsString, OsString)]) -> Result<ClientConfig> {
    ConfigParams::new().with_environment(prefix, variables.iter().cloned())?.build()
}

/// Creates the facade from the variables of `ACCOUNTS`, `PASSWORDS`, `ROLES` and `SESSIONS`.
///
/// # Errors
///
/// Those of [`config`].
pub fn facade(variables: &[(OsString, OsString)]) -> Result<HttpFacade> {
    let config = |prefix| config(prefix, variables);
    Ok(UsersFacade::new(
        AccountsClient::from_config(&config("ACCOUNTS")?)?,
        PasswordsClient::from_config(&config("PASSWORDS")?)?,
        RolesClient::from_config(&config("ROLES")?)?,
        SessionsHttpClientV1::from_config(&config("SESSIONS")?)?.with_payloads(),
    ))
}
