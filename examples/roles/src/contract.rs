//! The contract of the roles service, version 1.

use pip_services::{DataPage, FilterParams, PagingParams, PipErrors, Timestamp, timestamp};
use serde::{Deserialize, Serialize};
use wiretrait::{Result, http_api};

/// The roles of a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserRoles {
    /// The id of the user.
    pub id: String,
    /// The roles.
    pub roles: Vec<String>,
    /// When they were last changed.
    #[serde(with = "timestamp")]
    pub update_time: Timestamp,
}

/// User roles, version 1: the HTTP API of the Pip.Services *roles* microservice.
#[http_api(prefix = "/v1/roles", client = RolesClient, module = roles_v1, errors = PipErrors)]
pub trait Roles {
    /// Lists the users that match `filter`: `id`, or lists in `ids`, `except_ids`, `roles` and `except_roles`.
    #[post("/get_roles_by_filter", idempotent)]
    async fn get_roles_by_filter(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] filter: Option<&FilterParams>,
        #[field] paging: Option<&PagingParams>,
    ) -> Result<DataPage<UserRoles>>;

    /// Returns the roles of a user; `None` if they were never set.
    #[post("/get_roles_by_id", idempotent)]
    async fn get_roles_by_id(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
    ) -> Result<Option<Vec<String>>>;

    /// Replaces the roles of a user.
    #[post("/set_roles", idempotent)]
    async fn set_roles(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
        #[field] roles: &[String],
    ) -> Result<Vec<String>>;

    /// Adds roles to those of a user, and returns all; `None` for an empty list, which changes nothing.
    #[post("/grant_roles", idempotent)]
    async fn grant_roles(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
        #[field] roles: &[String],
    ) -> Result<Option<Vec<String>>>;

    /// Removes roles from those of a user, and returns the rest; `None` for an empty list, which changes nothing.
    #[post("/revoke_roles", idempotent)]
    async fn revoke_roles(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
        #[field] roles: &[String],
    ) -> Result<Option<Vec<String>>>;

    /// Returns whether a user has all of these roles; `None` for an empty list. Fails for a user whose roles were
    /// never set.
    #[post("/authorize", idempotent)]
    async fn authorize(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
        #[field] roles: &[String],
    ) -> Result<Option<bool>>;
}
