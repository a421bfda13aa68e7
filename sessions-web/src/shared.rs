//! The state that all requests of a layer share: the client of the service and the options.

use crate::cache::Cache;
use crate::cookie::SessionCookie;
use crate::expiry::{Age, Expiry};
use crate::write_locks::WriteLocks;
use sessions_client::{DynISessionsV1, SessionV1, Timestamp, WithOptions};
use std::sync::Arc;

/// A client of the service whose calls use the options of the layer.
pub(crate) type Client = WithOptions<Arc<dyn DynISessionsV1>>;

/// The client of the service and the options of a layer.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// `None` for a layer without a cookie.
    pub(crate) cookie: Option<SessionCookie>,
    pub(crate) reads_header: bool,
    pub(crate) expiry: Expiry,
    pub(crate) is_anonymous_on_failure: bool,
    /// `None` if each request reads its session.
    pub(crate) cache: Option<Arc<Cache>>,
    pub(crate) write_locks: Arc<WriteLocks>,
}

impl Shared {
    /// Drops a session from the cache, and counts the write. Called after each write, also after a failed one, which
    /// the service may have processed.
    pub(crate) fn invalidate(&self, id: &str) {
        self.write_locks.count_write();
        if let Some(cache) = &self.cache {
            cache.invalidate(id);
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Returns the age of a session, closed ones as expired.
    pub(crate) fn age(&self, session: &SessionV1) -> Age {
        if session.active {
            self.expiry.age(session.open_time, session.request_time, self.now())
        } else {
            Age::Expired
        }
    }

    pub(crate) fn is_valid(&self, session: &SessionV1) -> bool {
        self.age(session) != Age::Expired
    }
}
