//! What answers the commands: any [`ISessionsV1`], behind the generated dispatcher.
//!
//! Sessions in memory are not read to be written and dropped again: what is asked most is answered with the JSON that they
//! are kept as. Where they are wrapped in another type, the dispatcher gives the same answers, but for the type
//! of the body, which is the same for all and put in by whoever sends them.

use crate::SessionsMemoryClientV1;
use crate::client::{Change, Sessions};
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
                call(request, |call: GetSessionById| sessions.get(&call.session_id, copied))
            }
            Some(sessions) if is_for(OPEN_SESSION) => call(request, |call: OpenSession<U, D>| {
                let OpenSession { user_id, user_name, address, client, user, data, .. } = call;
                let texts = [Some(user_id), user_name, address, client];
                sessions.open(texts, user.as_ref(), data.as_ref(), copied).map(Some)
            }),
            Some(sessions) if is_for(STORE_SESSION_DATA) => call(request, |call: StoreSessionData<D>| {
                sessions.change(&call.session_id, &Change::data(&call.data)?, copied)
            }),
            Some(sessions) if is_for(UPDATE_SESSION_USER) => call(request, |call: UpdateSessionUser<U>| {
                sessions.change(&call.session_id, &Change::user(&call.user)?, copied)
            }),
            Some(sessions) if is_for(CLOSE_SESSION) => {
                call(request, |call: CloseSession| sessions.change(&call.session_id, &Change::Close, copied))
            }
            Some(sessions) if is_for(DELETE_SESSION_BY_ID) => {
                call(request, |call: DeleteSessionById| sessions.delete(&call.session_id, copied))
            }
            _ => self.service.handle(request).await,
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "whoever reads the JSON instead may fail")]
fn copied(json: &[u8]) -> Result<Bytes> {
    Ok(Bytes::copy_from_slice(json))
}

fn call<R: Received>(request: Incoming, answer: impl FnOnce(R) -> Result<Option<Bytes>>) -> Response {
    match receive(request).and_then(answer) {
        // Headers for nothing but the type of the body would be two allocations.
        Ok(Some(json)) => Response::new(json),
        Ok(None) => empty(StatusCode::NO_CONTENT),
        Err(error) => refuse(R::ROUTE, &error),
    }
}
