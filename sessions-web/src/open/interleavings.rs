//! Models of requests that read and write the same session, and of handlers that change its data meanwhile.

use super::OpenSession;
use crate::cache::Cache;
use crate::expiry::Expiry;
use crate::shared::Shared;
use crate::write_locks::WriteLocks;
use interleavings::{check, join, spawn};
use serde_json::{Value, json};
use sessions_client::{
    CallOptions, ISessionsV1, InProcessTransport, SessionsHttpClientV1, SessionsMemoryClientV1, Timestamp,
    Transport, WithOptions, sessions_v1, transport_fn,
};
use shuttle::future::{block_on, yield_now};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;

/// An application with one session of one user.
struct Application {
    service: SessionsMemoryClientV1,
    shared: Shared,
    id: String,
}

impl Application {
    fn new() -> Arc<Self> {
        let time = Timestamp::UNIX_EPOCH;
        let service = SessionsMemoryClientV1::new().with_clock(move || time);
        let session =
            block_on(service.open_session(None, "ann", None, None, None, Some(&json!("Ann")), None));
        let transport = Arc::new(InProcessTransport::new(sessions_v1::Handler::new(service.clone())));
        // Other requests may go on before and after the service processes a call.
        let client = SessionsHttpClientV1::new(transport_fn(move |call| {
            let transport = Arc::clone(&transport);
            async move {
                yield_now().await;
                let response = transport.send(call).await;
                yield_now().await;
                response
            }
        }));
        let shared = Shared {
            client: WithOptions::new(Arc::new(client), CallOptions::new()),
            clock: Arc::new(move || time),
            cookie: None,
            reads_header: true,
            login_page: None,
            expiry: Expiry::default(),
            is_anonymous_on_failure: false,
            cache: Some(Arc::new(Cache::new(Duration::from_secs(5)))),
            write_locks: Arc::new(WriteLocks::new()),
            lock_timeout: Duration::from_secs(3600),
        };
        Arc::new(Self { service, shared, id: session.unwrap().id })
    }

    /// Loads the session for a request.
    fn load(&self) -> OpenSession {
        let latest = block_on(self.shared.read(&self.id)).unwrap().unwrap();
        OpenSession::new(latest).unwrap()
    }

    fn save(&self, session: &OpenSession) {
        assert!(block_on(session.save(&self.shared)).is_ok());
    }

    /// Processes a request that changes one key.
    fn request(&self, key: &str) {
        let session = self.load();
        assert!(session.insert(key, &1).is_ok());
        self.save(&session);
    }

    /// Returns the data that the service has stored.
    fn stored(&self) -> Option<Value> {
        block_on(self.service.get_session_by_id(None, &self.id)).unwrap().unwrap().data
    }
}

/// Runs a model with a clock for time limits, which never expire.
fn check_with_timers(model: fn()) {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    check(model);
}

#[test]
fn simultaneous_requests_keep_the_changes_of_each_other() {
    check_with_timers(|| {
        let application = Application::new();
        let requests = ["cart", "theme", "visits"];
        join(requests.map(|key| spawn(&application, move |application| application.request(key))));
        assert_eq!(application.stored(), Some(json!({"cart": 1, "theme": 1, "visits": 1})));
    });
}

#[test]
fn the_cache_never_has_older_data_than_the_last_write() {
    check_with_timers(|| {
        let application = Application::new();
        let requests = [
            spawn(&application, |application| application.request("cart")),
            spawn(&application, |application| drop(application.load())),
            spawn(&application, |application| drop(application.load())),
        ];
        join(requests);
        let Application { shared, id, .. } = &*application;
        let cached = shared.cache.as_ref().and_then(|cache| cache.get(id, shared.now()));
        assert!(cached.is_none_or(|latest| latest.session.data == application.stored()));
    });
}

#[test]
fn a_change_during_a_save_is_stored_by_the_next_one() {
    check_with_timers(|| {
        let application = Application::new();
        let session = Arc::new(application.load());
        assert!(session.insert("cart", &1).is_ok());
        let changing = spawn(&session, |session| {
            assert!(session.insert("cart", &2).is_ok());
            assert!(session.insert("theme", &1).is_ok());
        });
        let saving = {
            let session = Arc::clone(&session);
            spawn(&application, move |application| application.save(&session))
        };
        application.save(&session);
        join([changing, saving]);
        application.save(&session);
        assert_eq!(application.stored(), Some(json!({"cart": 2, "theme": 1})));
    });
}
