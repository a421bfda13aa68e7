//! The execution of commands by the store or by any other implementation of the contract.

use crate::arguments::Arguments;
use crate::javascript;
use crate::store::{Change, Payload as StoredPayload, SessionStore};
use crate::value::Value;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use sessions_client::sessions_v1::{self, GET_SESSIONS, received::GetSessions};
use sessions_client::{FilterParams, ISessionsV1, ListedSession, PagingParams, Payload};
use std::marker::PhantomData;
use wiretrait::{Error, Incoming, Request, Response, Result, Route, respond};

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An executor of commands whose arguments are already checked.
pub(crate) trait Commands: Send + Sync {
    /// Executes the command of `route` from `request`.
    fn execute(
        &self,
        route: &'static Route,
        arguments: Arguments,
        request: &Request,
    ) -> impl Future<Output = Response> + Send;
}

/// The fast path: responses are the JSON in the store, without a conversion to typed sessions and back. Tests
/// compare it with [`Dispatched`].
impl Commands for SessionStore {
    async fn execute(&self, route: &'static Route, arguments: Arguments, _request: &Request) -> Response {
        match self.call(route.name, arguments) {
            // No headers, which would cost two allocations: `ResponseOptions` adds the type.
            Ok(Some(json)) => Response::new(json),
            Ok(None) => no_content(),
            Err(error) => respond(route, Err::<(), Error>(error)),
        }
    }
}

impl SessionStore {
    fn call(&self, command: &str, mut arguments: Arguments) -> Result<Option<Bytes>> {
        let id = arguments.take_string("session_id").unwrap_or_default();
        match command {
            "get_sessions" => {
                let filter = arguments.take("filter").map(filter);
                let paging = arguments.take("paging").map(PagingParams::deserialize).transpose();
                // The arguments are checked, so paging is valid.
                let paging = paging.unwrap_or_default();
                Ok(Some(self.page(filter.as_ref(), paging.as_ref()).into()))
            }
            "get_session_by_id" => Ok(self.get(&id)),
            "open_session" => {
                let user_id = arguments.take_string("user_id").unwrap_or_default();
                let strings = ["user_name", "address", "client"].map(|name| arguments.take_string(name));
                let payloads = ["user", "data"].map(|name| arguments.take(name));
                let payloads = payloads.map(|payload| payload.map(|payload| StoredPayload::new(&payload)));
                let [user, data] = payloads.each_ref().map(Option::as_ref);
                Ok(Some(self.open(user_id, strings.each_ref().map(Option::as_deref), user, data)))
            }
            "store_session_data" => {
                let data = StoredPayload::required("data", arguments.take("data").as_ref())?;
                Ok(self.change(&id, &Change::Data(data)))
            }
            "update_session_user" => {
                let user = StoredPayload::required("user", arguments.take("user").as_ref())?;
                Ok(self.change(&id, &Change::User(user)))
            }
            "close_session" => Ok(self.change(&id, &Change::Close)),
            "close_expired_sessions" => {
                self.close_expired();
                Ok(None)
            }
            "delete_session_by_id" => Ok(self.delete(&id)),
            // The contract has no other operation.
            _ => Ok(None),
        }
    }
}

/// Converts a checked filter, whose conditions are strings or `null`. Other keys than the known ones are not
/// conditions, however many there are.
fn filter(filter: Value) -> FilterParams {
    let Value::Object(mut conditions) = filter else { return FilterParams::new() };
    let known = ["id", "user_id", "active", "from_time", "to_time"];
    known.into_iter().fold(FilterParams::new(), |filter, key| match conditions.get_mut(key) {
        Some(Value::String(string)) => filter.set(key, Some(std::mem::take(string))),
        _ => filter,
    })
}

/// An executor that calls any implementation of the contract through the generated dispatcher.
pub(crate) struct Dispatched<S, U, D> {
    implementation: S,
    payloads: PhantomData<fn() -> (U, D)>,
}

impl<S, U, D> Dispatched<S, U, D> {
    pub(crate) fn new(implementation: S) -> Self {
        Self { implementation, payloads: PhantomData }
    }
}

impl<S: ISessionsV1<U, D>, U: Payload, D: Payload> Commands for Dispatched<S, U, D> {
    async fn execute(&self, route: &'static Route, arguments: Arguments, request: &Request) -> Response {
        let mut request = request.clone();
        *request.body_mut() = arguments.to_json().into();
        let request = Incoming::from(request);
        let response = if route == GET_SESSIONS {
            self.list(&request).await
        } else {
            sessions_v1::dispatch::<S, U, D>(&self.implementation, request).await
        };
        response.map(javascript::format_doubles)
    }
}

impl<S: ISessionsV1<U, D>, U: Payload, D: Payload> Dispatched<S, U, D> {
    /// Executes `get_sessions` with the service's JSON for a session in a list, which differs from that of a
    /// session.
    async fn list(&self, request: &Incoming) -> Response {
        #[derive(Serialize)]
        struct Page<'p, U: Serialize, D: Serialize> {
            total: Option<u64>,
            data: Vec<ListedSession<'p, U, D>>,
        }
        let listed = match request.receive::<GetSessions>() {
            Some(Ok(GetSessions { correlation_id, filter, paging, .. })) => {
                let id = correlation_id.as_deref();
                self.implementation.get_sessions(id, filter.as_ref(), paging.as_ref()).await
            }
            Some(Err(error)) => Err(error),
            None => return no_content(),
        };
        let page = listed
            .as_ref()
            .map(|page| Page { total: page.total, data: page.data.iter().map(ListedSession).collect() });
        match page {
            Ok(page) => respond(GET_SESSIONS, Ok::<_, Error>(page)),
            Err(_) => respond(GET_SESSIONS, listed.map(|_| ())),
        }
    }
}

/// Returns a response with a JSON body.
pub(crate) fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

fn no_content() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
