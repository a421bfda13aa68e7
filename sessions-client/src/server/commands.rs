//! What answers the commands: any [`ISessionsV1`], behind the generated dispatcher.
//!
//! Sessions in memory are not copied to be written and dropped again: what is asked most is answered with the JSON that
//! they write of themselves. Where they are wrapped in another type, the dispatcher gives the same answers, but for the type
//! of the body, which is the same for all and put in by whoever sends them.

use crate::SessionsMemoryClientV1;
use crate::contract::ISessionsV1;
use crate::contract::sessions_v1::{
    self, GET_SESSION_BY_ID, GET_SESSIONS, OPEN_SESSION, ROUTES,
    received::{GetSessionById, GetSessions, OpenSession},
};
use crate::error::Result;
use crate::runtime::{
    Handler, Incoming, Payload, Received, Response, Route, empty, receive, refuse, route_of,
};
use http::StatusCode;
use std::any::Any;

pub(super) struct Commands<S, U: Payload, D: Payload> {
    service: sessions_v1::Handler<S, U, D>,
    /// The same service, if it is sessions in memory.
    in_memory: Option<SessionsMemoryClientV1<U, D>>,
}

impl<S: ISessionsV1<U, D> + 'static, U: Payload, D: Payload> Commands<S, U, D> {
    pub(super) fn new(service: S) -> Self {
        let in_memory = (&service as &dyn Any).downcast_ref().cloned();
        Self { service: sessions_v1::Handler::new(service), in_memory }
    }
}

impl<S: ISessionsV1<U, D>, U: Payload, D: Payload> Handler for Commands<S, U, D> {
    async fn handle(&self, request: Incoming) -> Response {
        let name = route_of(&request, ROUTES);
        let is_for = |route: &Route| name == Some(route.name);
        match &self.in_memory {
            Some(sessions) if is_for(OPEN_SESSION) => {
                call(request, |call: OpenSession<U, D>| sessions.open_session_json(call).map(Some))
            }
            Some(sessions) if is_for(GET_SESSION_BY_ID) => {
                call(request, |call: GetSessionById| Ok(sessions.get_session_by_id_json(&call.session_id)))
            }
            Some(sessions) if is_for(GET_SESSIONS) => call(request, |call: GetSessions| {
                Ok(Some(sessions.get_sessions_json(call.filter.as_ref(), call.paging.as_ref())))
            }),
            _ => self.service.handle(request).await,
        }
    }
}

fn call<R: Received>(request: Incoming, answer: impl FnOnce(R) -> Result<Option<Vec<u8>>>) -> Response {
    match receive(request).and_then(answer) {
        // Headers for nothing but the type of the body would be two allocations.
        Ok(Some(json)) => Response::new(json.into()),
        Ok(None) => empty(StatusCode::NO_CONTENT),
        Err(error) => refuse(R::ROUTE, &error),
    }
}
