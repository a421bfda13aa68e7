//! What answers the commands: any [`ISessionsV1`], behind the generated dispatcher.
//!
//! Sessions in memory are not read to be written and dropped again: every answer is the JSON that they are kept as; closing
//! what has expired has none, and goes through the dispatcher. Where they are wrapped in another type, the dispatcher gives
//! the same answers, but for the type of the body, which is the same for all and put in by whoever sends them.

use crate::SessionsMemoryClientV1;
use crate::client::{Change, Json, Sessions};
use crate::contract::ISessionsV1;
use crate::contract::sessions_v1::{
    self, CLOSE_SESSION, DELETE_SESSION_BY_ID, GET_SESSION_BY_ID, GET_SESSIONS, OPEN_SESSION, ROUTES,
    STORE_SESSION_DATA, UPDATE_SESSION_USER,
    received::{
        CloseSession, DeleteSessionById, GetSessionById, GetSessions, OpenSession, StoreSessionData,
        UpdateSessionUser,
    },
};
use crate::error::Result;
use crate::runtime::{
    Handler, Incoming, Payload, Received, Response, Route, empty, receive, refuse, route_of,
};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;
use std::any::Any;

pub(super) struct Commands<S, U: Payload, D: Payload> {
    service: sessions_v1::Handler<S, U, D>,
    /// What it keeps, if it is sessions in memory.
    in_memory: Option<Sessions>,
}

impl<S: ISessionsV1<U, D> + 'static, U: Payload, D: Payload> Commands<S, U, D> {
    pub(super) fn new(service: S) -> Self {
        let in_memory = (&service as &dyn Any).downcast_ref::<SessionsMemoryClientV1<U, D>>();
        let in_memory = in_memory.map(|sessions| sessions.sessions().clone());
        Self { service: sessions_v1::Handler::new(service), in_memory }
    }
}

impl<S: ISessionsV1<U, D>, U: Payload, D: Payload> Handler for Commands<S, U, D> {
    async fn handle(&self, request: Incoming) -> Response {
        let name = route_of(&request, ROUTES);
        let is_for = |route: &Route| name == Some(route.name);
        match &self.in_memory {
            Some(sessions) if is_for(GET_SESSIONS) => call(request, |call: GetSessions| {
                Ok(Some(sessions.page(call.filter.as_ref(), call.paging.as_ref()).into()))
            }),
            Some(sessions) if is_for(GET_SESSION_BY_ID) => {
                call(request, |call: GetSessionById| Ok(sessions.get(&call.session_id)))
            }
            Some(sessions) if is_for(OPEN_SESSION) => {
                call(request, |call: OpenSession<U, D>| open(sessions, call).map(Some))
            }
            Some(sessions) if is_for(STORE_SESSION_DATA) => call(request, |call: StoreSessionData<D>| {
                let data = received("data", &call.data)?.required()?;
                Ok(sessions.change(&call.session_id, &Change::Data(data)))
            }),
            Some(sessions) if is_for(UPDATE_SESSION_USER) => call(request, |call: UpdateSessionUser<U>| {
                let user = received("user", &call.user)?.required()?;
                Ok(sessions.change(&call.session_id, &Change::User(user)))
            }),
            Some(sessions) if is_for(CLOSE_SESSION) => {
                call(request, |call: CloseSession| Ok(sessions.change(&call.session_id, &Change::Close)))
            }
            Some(sessions) if is_for(DELETE_SESSION_BY_ID) => {
                call(request, |call: DeleteSessionById| Ok(sessions.delete(&call.session_id)))
            }
            _ => self.service.handle(request).await,
        }
    }
}

fn open<U: Payload, D: Payload>(sessions: &Sessions, call: OpenSession<U, D>) -> Result<Bytes> {
    let OpenSession { user_id, user_name, address, client, user, data, .. } = call;
    let texts = [user_name.as_deref(), address.as_deref(), client.as_deref()];
    let user = user.map(|user| received("user", &user)).transpose()?;
    let data = data.map(|data| received("data", &data)).transpose()?;
    Ok(sessions.open(user_id, texts, user.as_ref(), data.as_ref()))
}

/// The payload that is the argument `name`. A [`Value`] was read from JSON, and is read from it again.
fn received<T: Payload>(name: &'static str, payload: &T) -> Result<Json> {
    let is_value = (payload as &dyn Any).is::<Value>();
    if is_value { Json::written(name, payload) } else { Json::of(name, payload) }
}

fn call<R: Received>(request: Incoming, answer: impl FnOnce(R) -> Result<Option<Bytes>>) -> Response {
    match receive(request).and_then(answer) {
        // Headers for nothing but the type of the body would be two allocations.
        Ok(Some(json)) => Response::new(json),
        Ok(None) => empty(StatusCode::NO_CONTENT),
        Err(error) => refuse(R::ROUTE, &error),
    }
}
