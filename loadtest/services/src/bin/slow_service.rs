//! A service as a program, for load from other processes or machines.
//!
//! The first argument is an address, such as `0.0.0.0:8080`. With a second one, each call occupies a core for so
//! many microseconds more, to compare a slower service with a faster one.

use sessions_client::{
    DataPage, FilterParams, ISessionsV1, PagingParams, Result, SessionV1, SessionsMemoryClientV1, Value,
};
use sessions_service::{EmbeddedService, SessionStore};
use std::time::{Duration, Instant};

type Session = SessionV1<Value, Value>;

/// An in-memory service whose calls take more CPU time.
struct Slower {
    sessions: SessionsMemoryClientV1,
    by: Duration,
}

impl Slower {
    fn work(&self) -> &SessionsMemoryClientV1 {
        let start = Instant::now();
        while start.elapsed() < self.by {
            std::hint::spin_loop();
        }
        &self.sessions
    }
}

impl ISessionsV1 for Slower {
    async fn get_sessions(
        &self,
        correlation_id: Option<&str>,
        filter: Option<&FilterParams>,
        paging: Option<&PagingParams>,
    ) -> Result<DataPage<Session>> {
        self.work().get_sessions(correlation_id, filter, paging).await
    }

    async fn get_session_by_id(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<Session>> {
        self.work().get_session_by_id(correlation_id, session_id).await
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
    ) -> Result<Session> {
        self.work().open_session(correlation_id, user_id, user_name, address, client, user, data).await
    }

    async fn store_session_data(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
        data: &Value,
    ) -> Result<Option<Session>> {
        self.work().store_session_data(correlation_id, session_id, data).await
    }

    async fn update_session_user(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
        user: &Value,
    ) -> Result<Option<Session>> {
        self.work().update_session_user(correlation_id, session_id, user).await
    }

    async fn close_session(&self, correlation_id: Option<&str>, session_id: &str) -> Result<Option<Session>> {
        self.work().close_session(correlation_id, session_id).await
    }

    async fn close_expired_sessions(&self, correlation_id: Option<&str>) -> Result<()> {
        self.work().close_expired_sessions(correlation_id).await
    }

    async fn delete_session_by_id(
        &self,
        correlation_id: Option<&str>,
        session_id: &str,
    ) -> Result<Option<Session>> {
        self.work().delete_session_by_id(correlation_id, session_id).await
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address =
        arguments.next().ok_or("missing argument: the address to listen at, such as 127.0.0.1:8080")?;
    let service = match arguments.next() {
        None => EmbeddedService::start(address, SessionStore::new()).await?,
        Some(micros) => {
            let by = Duration::from_micros(micros.parse()?);
            let sessions = SessionsMemoryClientV1::new();
            EmbeddedService::start_with(address, Slower { sessions, by }).await?
        }
    };
    println!("listening at {}", service.url());
    std::future::pending::<()>().await;
    Ok(())
}
