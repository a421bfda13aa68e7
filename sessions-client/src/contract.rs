//! The contract of the sessions microservice, version 1: the source of client, dispatcher and contract tests.

use crate::{DataPage, FilterParams, PagingParams, Payload, Result, SessionV1};
use pip_services::PipErrors;
use serde_json::Value;
use wiretrait::http_api;

/// User sessions, version 1: the HTTP API of the Pip.Services *sessions* microservice.
///
/// `U` and `D` are the types of a session's `user` and `data`. A session that does not exist is `None`, not
/// an error. `correlation_id` only labels the service's log lines.
#[http_api(
    prefix = "/v1/sessions",
    client = SessionsHttpClientV1,
    module = sessions_v1,
    errors = PipErrors
)]
pub trait ISessionsV1<U: Payload = Value, D: Payload = Value> {
    /// Lists the sessions that match `filter`, one page at a time, without their `user` and `data`.
    #[post("/get_sessions", idempotent)]
    async fn get_sessions(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] filter: Option<&FilterParams>,
        #[field] paging: Option<&PagingParams>,
    ) -> Result<DataPage<SessionV1<U, D>>>;

    /// Finds a session, open or closed, by its id.
    #[post("/get_session_by_id", idempotent)]
    async fn get_session_by_id(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>>;

    /// Opens a session. Each call opens a new one, also for the same user.
    #[post("/open_session")]
    async fn open_session(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] user_id: &str,
        #[field] user_name: Option<&str>,
        #[field] address: Option<&str>,
        #[field] client: Option<&str>,
        #[field] user: Option<&U>,
        #[field] data: Option<&D>,
    ) -> Result<SessionV1<U, D>>;

    /// Replaces the data of a session, open or closed. The service rejects `null`.
    #[post("/store_session_data", idempotent)]
    async fn store_session_data(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] session_id: &str,
        #[field] data: &D,
    ) -> Result<Option<SessionV1<U, D>>>;

    /// Replaces the user of a session, open or closed. The service rejects `null`.
    #[post("/update_session_user", idempotent)]
    async fn update_session_user(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] session_id: &str,
        #[field] user: &U,
    ) -> Result<Option<SessionV1<U, D>>>;

    /// Closes a session: it remains, inactive, without `user` and `data`.
    #[post("/close_session", idempotent)]
    async fn close_session(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>>;

    /// Closes all sessions without changes for longer than the service allows (24 hours by default).
    #[post("/close_expired_sessions", idempotent)]
    async fn close_expired_sessions(&self, #[correlation] correlation_id: Option<&str>) -> Result<()>;

    /// Deletes a session, open or closed, and returns it. A retry returns `None` if an earlier attempt, whose
    /// response was lost, has deleted it.
    #[post("/delete_session_by_id", idempotent)]
    async fn delete_session_by_id(
        &self,
        #[correlation] correlation_id: Option<&str>,
        #[field] session_id: &str,
    ) -> Result<Option<SessionV1<U, D>>>;
}
