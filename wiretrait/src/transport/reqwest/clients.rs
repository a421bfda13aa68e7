//! The reqwest clients behind a transport.
//!
//! reqwest has one idle time for all connections of a client, no greatest age, and pools connections without
//! regard to their runtime. So the client is replaced: when it is too old, when a response announces a shorter
//! idle time, and in another runtime. Calls in progress finish on the former client, whose idle connections
//! are closed with it.

use super::{MAX_HEADERS, Settings};
use crate::error::{Error, ErrorKind};
use crate::policy::{Time, TokioTime};
use crate::transport::{age, protocol, runtime_id};
use reqwest::Client;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::{Duration, Instant};
use tokio::runtime::Id;

/// The clients of one address.
pub(super) enum Clients {
    /// A client of the user, which is never replaced.
    Users(Client),
    Own(Box<Renewed>),
}

pub(super) struct Renewed {
    settings: Settings,
    max_age: Duration,
    /// The clients, one for each runtime.
    current: RwLock<Vec<Slot>>,
    /// Held while a client is created.
    renewal: Mutex<()>,
    /// A client that opens a connection for each request, for retries. It is created when it is needed first,
    /// because most transports never need it.
    unpooled: OnceLock<Client>,
    /// True if a response had more headers than the first clients read.
    has_many_headers: AtomicBool,
}

struct Slot {
    /// `None` until the first call.
    runtime: Option<Id>,
    client: Client,
    /// `None` if it is not replaced because of its age.
    retires_at: Option<Instant>,
    /// The idle time of its connections; `None` without a limit.
    idle: Option<Duration>,
    /// A shorter idle time that a response has announced, for the next client.
    announced: Option<Duration>,
}

/// The maximum number of clients. A program with more runtimes creates clients more often.
const MAX_RUNTIMES: usize = 64;

impl Clients {
    /// Creates the first client, which reports errors in the settings.
    pub(super) fn new(settings: Settings, max_age: Duration) -> Result<Self, Error> {
        let renewed = Renewed {
            max_age,
            current: RwLock::default(),
            renewal: Mutex::default(),
            unpooled: OnceLock::new(),
            has_many_headers: AtomicBool::new(false),
            settings,
        };
        let first = renewed.create(None, renewed.settings.pool_idle_timeout, TokioTime.now())?;
        renewed.write().push(first);
        Ok(Self::Own(Box::new(renewed)))
    }

    /// Returns the client for a first attempt, or for a retry, which does not use the pool: if one connection
    /// of it is stale, the next one may be too.
    pub(super) fn client(&self, is_first: bool) -> Result<Client, Error> {
        match self {
            Self::Users(client) => Ok(client.clone()),
            Self::Own(renewed) if is_first => renewed.current(),
            Self::Own(renewed) => renewed.unpooled(),
        }
    }

    /// Returns the settings of the clients; `None` for a client of the user.
    pub(super) fn settings(&self) -> Option<&Settings> {
        match self {
            Self::Users(_) => None,
            Self::Own(renewed) => Some(&renewed.settings),
        }
    }

    /// Returns a client to build requests with.
    pub(super) fn any(&self) -> Result<Client, Error> {
        match self {
            Self::Users(client) => Ok(client.clone()),
            Self::Own(renewed) => {
                let first = renewed.read().first().map(|slot| slot.client.clone());
                first.map_or_else(|| renewed.unpooled(), Ok)
            }
        }
    }

    /// Reads more headers from now on, and returns the error for a response that had too many. It is transient
    /// if there were fewer than the limit, because retries read more.
    pub(super) fn read_many_headers(&self, origin: &str) -> Error {
        match self {
            Self::Own(renewed) if !renewed.has_many_headers.swap(true, Ordering::Relaxed) => {
                renewed.retire_all();
                protocol::more_headers(origin)
            }
            _ => protocol::too_large(origin),
        }
    }

    /// Shortens the idle time of connections to `limit`.
    pub(super) fn shorten_idle_time(&self, limit: Duration) {
        if let Self::Own(renewed) = self {
            renewed.shorten_idle_time(limit);
        }
    }
}

impl Renewed {
    fn current(&self) -> Result<Client, Error> {
        let (runtime, now) = (runtime_id::current(), TokioTime.now());
        self.find(runtime, |slot| slot.is_usable(now)).map_or_else(|| self.renew(runtime, now), Ok)
    }

    /// Replaces the client of a runtime. One call at a time does it; the others use the former client.
    #[cold]
    fn renew(&self, runtime: Option<Id>, now: Instant) -> Result<Client, Error> {
        let _guard = match self.renewal.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => {
                if let Some(client) = self.find(runtime, |_| true) {
                    return Ok(client);
                }
                self.renewal.lock().unwrap_or_else(PoisonError::into_inner)
            }
        };
        // Another call may have replaced it in the meantime.
        if let Some(client) = self.find(runtime, |slot| slot.is_usable(now)) {
            return Ok(client);
        }
        if let Some(slot) = self.write().iter_mut().find(|slot| slot.runtime.is_none()) {
            // The client that the constructor has created.
            slot.runtime = runtime;
            return Ok(slot.client.clone());
        }
        // After a renewal by age, responses have to announce a shorter idle time again.
        let announced =
            self.read().iter().find(|slot| slot.runtime == runtime).and_then(|slot| slot.announced);
        let idle = announced.or(self.settings.pool_idle_timeout);
        let slot = match self.create(runtime, idle, now) {
            Ok(slot) => slot,
            // The former client still works.
            Err(error) => {
                let former = self.find(runtime, |_| true).ok_or(error)?;
                self.slot(runtime, former, idle, now)
            }
        };
        let client = slot.client.clone();
        let mut slots = self.write();
        slots.retain(|slot| slot.runtime != runtime && slot.is_usable(now));
        if slots.len() >= MAX_RUNTIMES {
            slots.remove(0);
        }
        slots.push(slot);
        Ok(client)
    }

    fn create(&self, runtime: Option<Id>, idle: Option<Duration>, now: Instant) -> Result<Slot, Error> {
        let connections = if idle == Some(Duration::ZERO) { 0 } else { usize::MAX };
        let max_headers = self.has_many_headers.load(Ordering::Relaxed).then_some(MAX_HEADERS);
        let client = self.settings.build(idle, connections, max_headers).map_err(cannot_be_set_up)?;
        Ok(self.slot(runtime, client, idle, now))
    }

    fn slot(&self, runtime: Option<Id>, client: Client, idle: Option<Duration>, now: Instant) -> Slot {
        let retires_at = age::retirement(now, self.max_age, fastrand::f64());
        Slot { runtime, client, retires_at, idle, announced: None }
    }

    /// Replaces all clients before their next call.
    fn retire_all(&self) {
        self.write().iter_mut().for_each(|slot| slot.retires_at = Some(TokioTime.now()));
    }

    fn unpooled(&self) -> Result<Client, Error> {
        if let Some(client) = self.unpooled.get() {
            return Ok(client.clone());
        }
        let client = self.settings.build(None, 0, Some(MAX_HEADERS)).map_err(cannot_be_set_up)?;
        Ok(self.unpooled.get_or_init(|| client).clone())
    }

    fn shorten_idle_time(&self, limit: Duration) {
        let runtime = runtime_id::current();
        let is_shorter = |slot: &Slot| slot.runtime == runtime && slot.idle.is_none_or(|idle| limit < idle);
        if self.read().iter().any(is_shorter) {
            for slot in self.write().iter_mut().filter(|slot| is_shorter(slot)) {
                // Its idle connections would be kept for too long.
                slot.retires_at = Some(TokioTime.now());
                slot.announced = Some(slot.announced.map_or(limit, |announced| announced.min(limit)));
            }
        }
    }

    /// Returns the client of a runtime, if it meets the condition.
    fn find(&self, runtime: Option<Id>, condition: impl Fn(&Slot) -> bool) -> Option<Client> {
        let slots = self.read();
        let slot = slots.iter().find(|slot| slot.runtime == runtime)?;
        condition(slot).then(|| slot.client.clone())
    }

    /// Ignores poisoning, because the list is valid after a panic too.
    fn read(&self) -> RwLockReadGuard<'_, Vec<Slot>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Slot>> {
        self.current.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn is_usable(&self, now: Instant) -> bool {
        self.retires_at.is_none_or(|end| now < end)
    }
}

fn cannot_be_set_up(error: reqwest::Error) -> Error {
    Error::new(ErrorKind::Config, "cannot set up the HTTP client").with_source(error)
}
