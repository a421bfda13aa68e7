//! The contract of the accounts service, version 1.

use pip_services::{DataPage, FilterParams, PagingParams, PipErrors, Timestamp, timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wiretrait::{Result, http_api};

/// An account to create.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewAccount {
    /// The login, unique among all accounts, deleted ones included.
    pub login: String,
    /// The name to show.
    pub name: String,
    /// The language, such as `en`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The theme of the user interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// The time zone, such as `Europe/Berlin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// An account. Keys without a value are absent, also those that an update has left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// The id, which the service assigns.
    pub id: String,
    /// The login.
    pub login: String,
    /// The name to show.
    pub name: String,
    /// When the account was created.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "timestamp::optional",
        serialize_with = "timestamp::serialize_optional"
    )]
    pub create_time: Option<Timestamp>,
    /// `false` if the account is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// `true` if the account is deleted, but kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
    /// A description of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The time zone, such as `Europe/Berlin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The language, such as `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The theme of the user interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// Public data of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_hdr: Option<Value>,
    /// Private data of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_dat: Option<Value>,
}

/// User accounts, version 1: the HTTP API of the Pip.Services *accounts* microservice.
#[http_api(prefix = "/v1/accounts", client = AccountsClient, module = accounts_v1, errors = PipErrors)]
pub trait Accounts {
    /// Lists the accounts that match `filter`, such as `login`, deleted ones included.
    #[post("/get_accounts", idempotent)]
    async fn get_accounts(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] filter: Option<&FilterParams>,
        #[field] paging: Option<&PagingParams>,
    ) -> Result<DataPage<Account>>;

    /// Finds an account, also a deleted one.
    #[post("/get_account_by_id", idempotent)]
    async fn get_account_by_id(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] account_id: &str,
    ) -> Result<Option<Account>>;

    /// Finds an account by its login, also a deleted one. Upper and lower case are different.
    #[post("/get_account_by_login", idempotent)]
    async fn get_account_by_login(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] login: &str,
    ) -> Result<Option<Account>>;

    /// Finds an account by its id or its login.
    #[post("/get_account_by_id_or_login", idempotent)]
    async fn get_account_by_id_or_login(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] id_or_login: &str,
    ) -> Result<Option<Account>>;

    /// Creates an account. Fails with `ALREADY_EXIST` if the login is in use.
    #[post("/create_account")]
    async fn create_account(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] account: &NewAccount,
    ) -> Result<Account>;

    /// Replaces an account. Fails with `NOT_FOUND`, and with `ALREADY_EXIST` if another account has the login.
    #[post("/update_account", idempotent)]
    async fn update_account(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] account: &Account,
    ) -> Result<Account>;

    /// Marks an account as deleted.
    #[post("/delete_account_by_id", idempotent)]
    async fn delete_account_by_id(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] account_id: &str,
    ) -> Result<Option<Account>>;

    /// Removes an account, and returns it. A retry returns `None` if an earlier attempt has removed it.
    #[post("/drop_account_by_id", idempotent)]
    async fn drop_account_by_id(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] account_id: &str,
    ) -> Result<Option<Account>>;
}
