//! A small axum application, a browser that keeps its cookie, and a service that counts calls and fails on demand.

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, FromRequestParts, Path};
use axum::http::{Method, Request, Response, StatusCode, header};
use axum::response::Redirect;
use axum::routing::{get, post};
use chrono::{TimeDelta, TimeZone, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sessions_client::{
    DataPage, Error, ErrorKind, FilterParams, ISessionsV1, PagingParams, Result, SessionV1,
    SessionsMemoryClientV1, Timestamp,
};
use sessions_web::{
    CurrentUser, NewSession, ReturnTo, Session, SessionCookie, SessionError, SessionLayer, SessionManager,
    SessionUserV1,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::ServiceExt;

pub(crate) const COOKIE: &str = "__Host-session";

/// A clock that tests move.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        Utc.timestamp_opt(1_700_000_000, 0).unwrap() + TimeDelta::milliseconds(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Moves it forwards or backwards.
    pub(crate) fn move_by(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

/// A change of the sessions in responses.
type Change = fn(&mut SessionV1);

type Hook = Box<dyn FnOnce(&SessionsMemoryClientV1) + Send>;

/// The sessions service in memory. It counts calls, fails on demand, and changes sessions between two calls.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) sessions: SessionsMemoryClientV1,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    calls: Vec<&'static str>,
    failure: Option<Failure>,
    /// True if each call yields, so that those of simultaneous requests alternate.
    yields: bool,
    /// True if lists ignore their filter.
    ignores_filter: bool,
    /// A change of opened sessions in the response.
    opened: Option<Change>,
    /// The operation, and a change of the sessions in its responses.
    changed: Option<(&'static str, Change)>,
    /// The operation whose responses never arrive.
    hangs_after: Option<&'static str>,
    /// The message of failures.
    message: Option<String>,
    /// The operation, the number of its calls until the hook runs, and the hook.
    hook: Option<(&'static str, u32, Hook)>,
}

#[derive(Clone, Copy)]
struct Failure {
    /// `None` for all operations.
    operation: Option<&'static str>,
    kind: ErrorKind,
}

impl Service {
    pub(crate) fn new(clock: &Clock) -> Self {
        let clock = clock.clone();
        Self {
            sessions: SessionsMemoryClientV1::new().with_clock(move || clock.now()),
            state: Arc::default(),
        }
    }

    /// Returns the calls since the last time.
    pub(crate) fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    pub(crate) fn fail(&self, operation: Option<&'static str>, kind: ErrorKind) {
        self.state.lock().unwrap().failure = Some(Failure { operation, kind });
    }

    /// Lets each call yield, so that the calls of simultaneous requests alternate.
    pub(crate) fn yield_in_calls(&self) {
        self.state.lock().unwrap().yields = true;
    }

    pub(crate) fn ignore_filters(&self) {
        self.state.lock().unwrap().ignores_filter = true;
    }

    /// Changes the sessions in responses to `open_session`.
    pub(crate) fn change_opened(&self, change: Change) {
        self.state.lock().unwrap().opened = Some(change);
    }

    /// Changes the sessions in responses to an operation.
    pub(crate) fn change_responses(&self, operation: &'static str, change: Change) {
        self.state.lock().unwrap().changed = Some((operation, change));
    }

    fn respond(&self, operation: &str, mut session: Option<SessionV1>) -> Option<SessionV1> {
        let changed = self.state.lock().unwrap().changed.filter(|(name, _)| *name == operation);
        if let (Some((_, change)), Some(session)) = (changed, &mut session) {
            change(session);
        }
        session
    }

    /// Processes calls of an operation without a response.
    pub(crate) fn hang_after(&self, operation: &'static str) {
        self.state.lock().unwrap().hangs_after = Some(operation);
    }

    /// Sets the message of failures.
    pub(crate) fn say(&self, message: impl Into<String>) {
        self.state.lock().unwrap().message = Some(message.into());
    }

    pub(crate) fn recover(&self) {
        self.state.lock().unwrap().failure = None;
    }

    /// Changes the sessions directly before the next call of an operation, as another request would.
    pub(crate) fn before(
        &self,
        operation: &'static str,
        hook: impl FnOnce(&SessionsMemoryClientV1) + Send + 'static,
    ) {
        self.before_nth(operation, 1, hook);
    }

    /// Changes the sessions like [`before`](Self::before), before the `nth` next call.
    pub(crate) fn before_nth(
        &self,
        operation: &'static str,
        nth: u32,
        hook: impl FnOnce(&SessionsMemoryClientV1) + Send + 'static,
    ) {
        self.state.lock().unwrap().hook = Some((operation, nth, Box::new(hook)));
    }

    pub(crate) fn session(&self, id: &str) -> Option<SessionV1> {
        done(self.sessions.get_session_by_id(None, id))
    }

    /// Counts a call, and returns the hook to run before it, its failure, and whether it yields.
    fn take_hook(&self, operation: &'static str) -> (Option<Hook>, Option<Failure>, bool) {
        let mut state = self.state.lock().unwrap();
        state.calls.push(operation);
        let hook = state.hook.take_if(|(expected, countdown, _)| {
            let is_expected = *expected == operation;
            *countdown -= u32::from(is_expected);
            is_expected && *countdown == 0
        });
        let failure = state.failure.filter(|failure| failure.operation.is_none_or(|name| name == operation));
        (hook.map(|(_, _, hook)| hook), failure, state.yields)
    }

    async fn call(&self, operation: &'static str) -> Result<()> {
        let (hook, failure, yields) = self.take_hook(operation);
        // Enough turns for another request to be complete, if it does not wait for this one.
        let turns = if hook.is_some() { 100 } else { 1 };
        if let Some(hook) = hook {
            hook(&self.sessions);
        }
        if yields {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        }
        match failure {
            Some(Failure { kind, .. }) => {
                let message = self.state.lock().unwrap().message.clone();
                Err(Error::new(kind, message.unwrap_or_else(|| "the test has broken the service".to_owned())))
            }
            None => Ok(()),
        }
    }
}

/// Returns the result of a call in memory.
pub(crate) fn done<T>(call: impl Future<Output = Result<T>>) -> T {
    call.now_or_never().unwrap().unwrap()
}

impl ISessionsV1 for Service {
    async fn get_sessions(
        &self,
        correlation_id: Option<&str>,
        filter: Option<&FilterParams>,
        paging: Option<&PagingParams>,
    ) -> Result<DataPage<SessionV1>> {
        self.call("list").await?;
        let filter = filter.filter(|_| !self.state.lock().unwrap().ignores_filter);
        self.sessions.get_sessions(correlation_id, filter, paging).await
    }

    async fn get_session_by_id(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1>> {
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        assert!(session_id.len() <= 64 && session_id.bytes().all(is_id), "a malformed id: {session_id}");
        self.call("get").await?;
        let session = self.sessions.get_session_by_id(correlation_id, session_id).await?;
        Ok(self.respond("get", session))
    }

    async fn open_session(
        &self,
        correlation_id: Option<&str>,
        user_id: &str,
        user_name: Option<&str>,
        address: Option<&str>,
        client: Option<&str>,
        user: Option<&Value>,
        data: Option<&Value>,
    ) -> Result<SessionV1> {
        self.call("open").await?;
        let opened =
            self.sessions.open_session(correlation_id, user_id, user_name, address, client, user, data).await;
        let change = self.state.lock().unwrap().opened;
        opened.map(|mut session| {
            if let Some(change) = change {
                change(&mut session);
            }
            session
        })
    }

    async fn store_session_data(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
        data: &Value,
    ) -> Result<Option<SessionV1>> {
        self.call("store").await?;
        let session = self.sessions.store_session_data(correlation_id, session_id, data).await?;
        Ok(self.respond("store", session))
    }

    async fn update_session_user(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
        user: &Value,
    ) -> Result<Option<SessionV1>> {
        self.call("update_user").await?;
        let session = self.sessions.update_session_user(correlation_id, session_id, user).await?;
        Ok(self.respond("update_user", session))
    }

    async fn close_session(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1>> {
        self.call("close").await?;
        let session = self.sessions.close_session(correlation_id, session_id).await?;
        let hangs = self.state.lock().unwrap().hangs_after == Some("close");
        if hangs { std::future::pending().await } else { Ok(session) }
    }

    async fn close_expired_sessions(&self, correlation_id: Option<&str>) -> Result<()> {
        self.call("close_expired").await?;
        self.sessions.close_expired_sessions(correlation_id).await
    }

    async fn delete_session_by_id(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<SessionV1>> {
        self.call("delete").await?;
        self.sessions.delete_session_by_id(correlation_id, session_id).await
    }
}

/// The application, its service and their clock.
pub(crate) struct App {
    pub(crate) service: Service,
    pub(crate) clock: Clock,
    router: Router,
}

impl App {
    pub(crate) fn new() -> Self {
        Self::with(|layer| layer)
    }

    pub(crate) fn with(options: impl FnOnce(SessionLayer) -> SessionLayer) -> Self {
        let clock = Clock::default();
        let service = Service::new(&clock);
        let router = router(service.clone(), &clock, options);
        Self { service, clock, router }
    }

    /// Creates an application whose cookie has other options.
    pub(crate) fn with_cookie(cookie: SessionCookie) -> Self {
        Self::with(|layer| layer.with_cookie(cookie).unwrap())
    }

    /// Returns another application over the same service.
    pub(crate) fn sibling(&self) -> Self {
        let (service, clock) = (self.service.clone(), self.clock.clone());
        let router = router(service.clone(), &clock, |layer| layer);
        Self { service, clock, router }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        send(&self.router, request).await
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    /// Returns the browser of a user who has just logged in, and forgets the calls.
    pub(crate) async fn logged_in(&self, user: &str) -> Browser {
        let mut browser = self.browser();
        let response = browser.post(&format!("/login/{user}")).await;
        assert_eq!(response.status, StatusCode::OK, "{}", response.body);
        self.service.take_calls();
        browser
    }
}

fn router(service: Service, clock: &Clock, options: impl FnOnce(SessionLayer) -> SessionLayer) -> Router {
    let clock = clock.clone();
    let layer = SessionLayer::new(service).with_clock(move || clock.now());
    routes().layer(options(layer))
}

/// A browser with at most one cookie.
pub(crate) struct Browser {
    router: Router,
    /// The name of the cookie.
    pub(crate) name: &'static str,
    pub(crate) cookie: Option<String>,
}

/// A response whose body was read.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    pub(crate) headers: header::HeaderMap,
}

impl Page {
    pub(crate) fn set_cookie(&self) -> Option<&str> {
        self.headers.get(header::SET_COOKIE).map(|value| value.to_str().unwrap())
    }
}

async fn send(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

impl Browser {
    pub(crate) fn new(router: Router) -> Self {
        Self { router, name: COOKIE, cookie: None }
    }

    /// Continues with another application.
    pub(crate) fn enter(&mut self, router: Router) {
        self.router = router;
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path).await
    }

    pub(crate) async fn post(&mut self, path: &str) -> Page {
        self.send(Method::POST, path).await
    }

    /// Returns the id of the session, which is the value of a plain cookie.
    pub(crate) fn id(&self) -> &str {
        self.cookie.as_deref().unwrap()
    }

    async fn send(&mut self, method: Method, path: &str) -> Page {
        let mut request = Request::builder().method(method).uri(path).header("user-agent", "test browser");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, format!("{}={cookie}", self.name));
        }
        let page = read(send(&self.router, request.body(Body::empty()).unwrap()).await).await;
        if let Some(line) = page.set_cookie() {
            let (pair, attributes) = line.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert_eq!(name, self.name);
            let is_removal = attributes.contains("Max-Age=0");
            self.cookie = Some(value.to_owned()).filter(|_| !is_removal);
        }
        page
    }
}

pub(crate) async fn read(response: Response<Body>) -> Page {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Page { status: parts.status, body: String::from_utf8(body.to_vec()).unwrap(), headers: parts.headers }
}

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/public", get(async || "public"))
        .route("/login/{user}", post(log_in))
        .route("/log-in-and-return/{user}", post(log_in_and_return))
        .route("/wrong-password", get(async |_: SessionManager| (StatusCode::UNAUTHORIZED, "wrong password")))
        .route("/logout", post(async |sessions: SessionManager| sessions.log_out().await))
        .route(
            "/logout-everywhere",
            post(async |sessions: SessionManager| sessions.log_out_everywhere().await),
        )
        .route("/logout-elsewhere", post(log_out_elsewhere))
        .route("/hidden", get(async |_: SessionManager| (StatusCode::NOT_FOUND, SessionError::NotLoggedIn)))
        .route(
            "/cached-error",
            get(async |_: SessionManager| ([(header::CACHE_CONTROL, "public")], SessionError::NotLoggedIn)),
        )
        .route("/me", get(async |session: Session| session.user_id().to_owned()))
        .route("/me-if-any", get(me_if_any))
        .route("/current-user", get(async |CurrentUser(user): CurrentUser| user.id))
        .route("/everything", get(everything))
        .route("/data", get(sorted_data))
        .route("/data/{key}", get(value))
        .route("/set/{key}/{value}", post(set))
        .route("/set-and-fail/{key}/{value}", post(set_and_fail))
        .route("/set-and-log-out/{key}/{value}", post(set_and_log_out))
        .route("/log-out-and-save", post(log_out_and_save))
        .route(
            "/log-out-empty-id",
            post(async |sessions: SessionManager| sessions.log_out_user("").await.map(|_| ())),
        )
        .route("/set-and-try-login/{key}/{value}", post(set_and_try_login))
        .route("/set-and-save/{key}/{value}", post(set_and_save))
        .route("/set-save-and-set/{key}/{value}", post(set_save_and_set))
        .route("/set-and-remove-during-save/{key}/{value}", post(set_and_remove_during_save))
        .route("/set-later/{key}/{value}", post(set_later))
        .route("/me-later", get(me_later))
        .route("/remove/{key}", post(async |session: Session, Path(key): Path<String>| session.remove(&key)))
        .route("/sessions", get(list))
        .route("/revoke/{reference}", post(revoke))
        .route("/role/{role}", post(add_role))
        .route("/add-role-and-read/{role}", post(add_role_and_read))
        .route("/log-out-and-update-user", post(log_out_and_update_user))
        .route("/log-in-and-fail/{user}", post(log_in_and_fail))
        .route("/log-in-and-set/{user}/{key}/{value}", post(log_in_and_set))
        .route("/set-and-log-out-user/{key}/{value}", post(set_and_log_out_user))
        .route("/cached-by-all", get(async |_: Option<Session>| ([(header::CACHE_CONTROL, "public")], "all")))
        .route("/roles", get(async |CurrentUser(user): CurrentUser| user.roles.join(",")))
}

async fn log_in(sessions: SessionManager, Path(user): Path<String>) -> Result<String, SessionError> {
    let login = NewSession::new(&user, SessionUserV1::new(&user)).user_name(&user).address("192.0.2.1");
    let session = sessions.log_in(login).await?;
    Ok(session.user_id().to_owned())
}

async fn log_in_and_return(
    sessions: SessionManager,
    ReturnTo(page): ReturnTo,
    user: Path<String>,
) -> Result<Redirect, SessionError> {
    log_in(sessions, user).await?;
    Ok(Redirect::to(&page))
}

async fn log_out_elsewhere(sessions: SessionManager) -> Result<String, SessionError> {
    Ok(sessions.log_out_elsewhere().await?.to_string())
}

async fn me_if_any(session: Option<Session>) -> String {
    session.map_or_else(|| "anonymous".to_owned(), |session| session.user_id().to_owned())
}

async fn everything(
    session: Session,
    CurrentUser(user): CurrentUser,
    optional: Option<Session>,
    _sessions: SessionManager,
    also: Session,
) -> String {
    assert_eq!(session.user_id(), user.id);
    assert_eq!(optional.unwrap().id(), also.id());
    user.id
}

/// Shows the data with its keys in alphabetical order, which `Map` has or not, depending on a feature of another crate.
async fn sorted_data(session: Session) -> String {
    json!(BTreeMap::from_iter(session.data())).to_string()
}

async fn value(session: Session, Path(key): Path<String>) -> Result<String, SessionError> {
    Ok(session.get::<String>(&key)?.unwrap_or_default())
}

async fn set(session: Session, Path((key, value)): Path<(String, String)>) -> Result<(), SessionError> {
    session.insert(&key, &value)
}

async fn set_and_fail(session: Session, Path((key, value)): Path<(String, String)>) -> StatusCode {
    session.insert(&key, &value).unwrap();
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn set_and_log_out(
    session: Session,
    sessions: SessionManager,
    Path((key, value)): Path<(String, String)>,
) -> Result<(), SessionError> {
    session.insert(&key, &value)?;
    sessions.log_out().await
}

async fn log_out_and_save(session: Session, sessions: SessionManager) -> Result<String, SessionError> {
    sessions.log_out().await?;
    session.insert("cart", "book")?;
    Ok(session.save().await.unwrap_err().to_string())
}

async fn set_and_try_login(
    session: Session,
    sessions: SessionManager,
    Path((key, value)): Path<(String, String)>,
) -> Result<&'static str, SessionError> {
    session.insert(&key, &value)?;
    let login = sessions.log_in(NewSession::new("bob", SessionUserV1::new("bob"))).await;
    Ok(if login.is_ok() { "logged in" } else { "not logged in" })
}

async fn set_and_save(
    session: Session,
    Path((key, value)): Path<(String, String)>,
) -> Result<String, SessionError> {
    session.insert(&key, &value)?;
    match session.save().await {
        Ok(()) => Ok("saved".to_owned()),
        Err(error) => Ok(format!("not saved: {error}")),
    }
}

async fn set_save_and_set(
    session: Session,
    Path((key, value)): Path<(String, String)>,
) -> Result<(), SessionError> {
    session.insert(&key, &value)?;
    session.save().await?;
    session.insert("later", &value)
}

async fn set_and_remove_during_save(
    session: Session,
    Path((key, value)): Path<(String, String)>,
) -> Result<(), SessionError> {
    session.insert(&key, &value)?;
    let (saved, removed) = tokio::join!(session.save(), async { session.remove(&key) });
    saved.and(removed)
}

/// A function that a handler calls, in the extensions of its request.
#[derive(Clone)]
pub(crate) struct Meanwhile(pub(crate) Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>);

async fn set_later(
    session: Session,
    Extension(Meanwhile(happens)): Extension<Meanwhile>,
    Path((key, value)): Path<(String, String)>,
) -> Result<(), SessionError> {
    happens().await;
    session.insert(&key, &value)
}

async fn me_later(session: Session, Extension(Meanwhile(happens)): Extension<Meanwhile>) -> String {
    happens().await;
    session.user_id().to_owned()
}

async fn list(sessions: SessionManager) -> Result<String, SessionError> {
    let list = sessions.list().await?;
    let lines = list.iter().map(|session| {
        let mark = if session.is_current { "*" } else { "" };
        let client = session.client.as_deref().unwrap_or_default();
        let address = session.address.as_deref().unwrap_or_default();
        format!("{}{mark} {client} {address}", session.reference)
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

async fn revoke(sessions: SessionManager, Path(reference): Path<String>) -> Result<StatusCode, SessionError> {
    let is_revoked = sessions.revoke(&reference).await?;
    Ok(if is_revoked { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}

async fn add_role(mut session: Session, Path(role): Path<String>) -> Result<(), SessionError> {
    let mut user = session.user().clone();
    user.roles.push(role);
    session.update_user(user).await
}

async fn add_role_and_read(session: Session, Path(role): Path<String>, request: Request<Body>) -> String {
    let (mut parts, _) = request.into_parts();
    add_role(session, Path(role)).await.unwrap();
    let again = Session::<SessionUserV1>::from_request_parts(&mut parts, &()).await.unwrap();
    again.user().roles.join(",")
}

async fn log_out_and_update_user(
    mut session: Session,
    sessions: SessionManager,
) -> Result<String, SessionError> {
    sessions.log_out().await?;
    let user = session.user().clone();
    Ok(session.update_user(user).await.unwrap_err().to_string())
}

async fn log_in_and_fail(sessions: SessionManager, user: Path<String>) -> Result<StatusCode, SessionError> {
    log_in(sessions, user).await?;
    Ok(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn log_in_and_set(
    sessions: SessionManager,
    Path((user, key, value)): Path<(String, String, String)>,
) -> Result<(), SessionError> {
    let session = sessions.log_in(NewSession::new(&user, SessionUserV1::new(&user))).await?;
    session.insert(&key, &value)
}

async fn set_and_log_out_user(
    session: Session,
    sessions: SessionManager,
    Path((key, value)): Path<(String, String)>,
) -> Result<String, SessionError> {
    session.insert(&key, &value)?;
    Ok(sessions.log_out_user(session.user_id()).await?.to_string())
}
