//! The contract of the sessions service, as the runner of its cases must know it.

use crate::client;
use contract_tests::suite::{Case, RunOptions, RunReport, Step};
use contract_tests::{Entity, ServiceContract};
use http::Method;
use sessions_client::sessions_v1::{DeleteSessionById, GetSessionById, GetSessions};
use sessions_client::{
    Call, Error, FilterParams, Operation as _, Response, Route, SessionsHttpClientV1, Transport, sessions_v1,
};

/// A session in a response.
pub const SESSION: Entity = Entity {
    name: "session",
    plural: "sessions",
    keys: &[
        "id",
        "user_id",
        "user_name",
        "active",
        "open_time",
        "request_time",
        "close_time",
        "address",
        "client",
        "user",
        "data",
    ],
    distinctive_key: "open_time",
    enough_keys: 4,
    string_keys: &["id", "user_id", "user_name", "active", "address", "client"],
    payload_keys: &["user", "data"],
    owner: "<user>",
    owner_key: Some("user_id"),
    shown_keys: &["user_id", "user_name", "address", "client", "user", "data"],
    has_assigned_ids: true,
    two_readings: Some(("request_time", "close_time")),
};

/// The contract of the sessions service.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionsContract;

impl ServiceContract for SessionsContract {
    fn routes(&self) -> &'static [&'static Route] {
        sessions_v1::ROUTES
    }

    fn entity(&self) -> &'static Entity {
        &SESSION
    }

    /// Rejected alternative: the dispatcher of the contract in front of the client, because it parses payloads as
    /// `serde_json::Value`, which sorts their keys, and the client would send another order than the step has.
    async fn call<T: Transport + Clone + 'static>(
        &self,
        transport: T,
        call: Call,
    ) -> Result<Response, Error> {
        let client: client::Client<_> = SessionsHttpClientV1::new(transport).with_payloads();
        let body = String::from_utf8_lossy(call.request.body());
        client::call(&client, call.route, call.request.uri(), &body).await
    }

    fn only_reads(&self, _method: &Method, path: &str) -> bool {
        path.contains("/get_session")
    }

    fn creates(&self, _method: &Method, path: &str) -> bool {
        path.ends_with("/open_session")
    }

    fn affects_others(&self, _method: &Method, path: &str) -> bool {
        path.contains("close_expired_sessions")
    }

    fn delete(&self, id: &str) -> Option<Call> {
        let request = DeleteSessionById::new(id).encode().ok()?;
        Some(Call::new(DeleteSessionById::ROUTE, request))
    }

    fn get(&self, id: &str) -> Option<Call> {
        let request = GetSessionById::new(id).encode().ok()?;
        Some(Call::new(GetSessionById::ROUTE, request))
    }

    fn list(&self, owner: &str) -> Option<Call> {
        let filter = FilterParams::new().user_id(owner);
        let request = GetSessions::new().filter(&filter).encode().ok()?;
        Some(Call::new(GetSessions::ROUTE, request))
    }
}

/// Runs `cases` against the sessions service behind `transport`: see [`contract_tests::suite::run`].
pub async fn run<T>(transport: T, cases: &[Case], options: &RunOptions) -> RunReport
where
    T: Transport + Clone + 'static,
{
    contract_tests::suite::run(&SessionsContract, transport, cases, options).await
}

/// Steps that many cases begin with.
pub trait GivenSession {
    /// Adds a hidden step that opens a session, with `rest` as further arguments, such as `,"data":1`.
    #[must_use]
    fn given_session(self, rest: &str) -> Self;
}

impl GivenSession for Case {
    fn given_session(self, rest: &str) -> Self {
        let body = format!(r#"{{"user_id":"<user>"{rest}}}"#);
        self.step(Step::raw("given", "open_session", body).hidden())
    }
}
