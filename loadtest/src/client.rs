//! The typed clients of the load test.

use crate::error::LoadTestError;
use sessions_client::{
    Caller, ClientConfig, HyperTransport, Policies, SessionsHttpClientV1, Transport, Value,
};

/// The client of virtual users. It has no policies: a failure must be measured and not retried, and the
/// transport enforces the timeout.
pub(crate) type LoadClient = SessionsHttpClientV1<Value, Value, HyperTransport>;

/// The client that cleans up. It retries, because nothing measures it.
pub(crate) type CleanupClient = SessionsHttpClientV1<Value, Value, Policies<HyperTransport>>;

/// Retries of a call that cleans up.
const CLEANUP_RETRIES: u32 = 3;

pub(crate) fn load_client(config: &ClientConfig) -> Result<LoadClient, LoadTestError> {
    Ok(client(transport(config)?, config))
}

pub(crate) fn cleanup_client(config: &ClientConfig) -> Result<CleanupClient, LoadTestError> {
    let config = config.clone().with_retries(CLEANUP_RETRIES);
    Ok(client(Policies::new(transport(&config)?, &config), &config))
}

fn transport(config: &ClientConfig) -> Result<HyperTransport, LoadTestError> {
    HyperTransport::new(config).map_err(|error| LoadTestError::Service(format!("--host: {error}")))
}

fn client<T: Transport>(transport: T, config: &ClientConfig) -> SessionsHttpClientV1<Value, Value, T> {
    SessionsHttpClientV1::from_caller(Caller::new(transport).with_encoding(config.encoding()))
}
