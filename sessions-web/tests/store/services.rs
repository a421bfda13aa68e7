//! The services that the tests run against.

use sessions_client::{ISessionsV1, SessionV1, SessionsHttpClientV1};
use sessions_service::{EmbeddedService, SessionStore};
use sessions_web::SessionsServiceStore;
use tower_sessions::session::Id;

/// A client of a service. The embedded one stops with it.
pub(crate) struct Service {
    pub(crate) sessions: SessionsHttpClientV1,
    _embedded: Option<EmbeddedService>,
}

impl Service {
    pub(crate) fn store(&self) -> SessionsServiceStore<SessionsHttpClientV1> {
        SessionsServiceStore::new(self.sessions.clone(), "tests")
    }

    /// Returns the session of a record at the service.
    pub(crate) async fn session(&self, id: Id) -> Option<SessionV1> {
        let id = format!("{:032x}", id.0.cast_unsigned());
        self.sessions.get_session_by_id(None, &id).await.unwrap()
    }
}

/// Returns an embedded service and, if there is one, the real service. The name of each is printed when a test starts to
/// use it.
pub(crate) async fn services() -> impl Iterator<Item = Service> {
    let embedded = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let mut services = vec![("embedded", embedded.url(), Some(embedded))];
    match std::env::var("SESSIONS_URL") {
        Ok(url) => services.push(("real", url, None)),
        Err(_) => println!("SKIPPED: the real service, because SESSIONS_URL is not set"),
    }
    services.into_iter().map(|(name, url, embedded)| {
        println!("against the {name} service");
        Service { sessions: SessionsHttpClientV1::connect(&url).unwrap(), _embedded: embedded }
    })
}
