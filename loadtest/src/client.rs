//! The typed clients of the load test.

use crate::error::LoadTestError;
use sessions_client::{Caller, ClientConfig, HyperTransport, Policies, SessionsHttpClientV1, Value};

/// The client of virtual users, which retries nothing: a failure must be measured. Its policies renew tokens.
pub(crate) type LoadClient = SessionsHttpClientV1<Value, Value, Policies<HyperTransport>>;

/// The client that cleans up. It retries, because nothing measures it.
pub(crate) type CleanupClient = LoadClient;

/// Retries of a call that cleans up.
const CLEANUP_RETRIES: u32 = 3;

pub(crate) fn load_client(config: &ClientConfig) -> Result<LoadClient, LoadTestError> {
    client(config)
}

/// A client whose calls end within the time limit for a connection: a service that accepts connections but
/// does not respond must not delay the program longer than one that is unreachable.
pub(crate) fn probe_client(config: &ClientConfig) -> Result<LoadClient, LoadTestError> {
    let limit = config.connect_timeout().min(config.timeout());
    let config = config.clone().with_timeout(limit).with_connect_timeout(limit).with_deadline(limit);
    client(&config.with_retries(0))
}

pub(crate) fn cleanup_client(config: &ClientConfig) -> Result<CleanupClient, LoadTestError> {
    client(&config.clone().with_retries(CLEANUP_RETRIES))
}

fn client(config: &ClientConfig) -> Result<LoadClient, LoadTestError> {
    let transport = HyperTransport::new(config).map_err(|error| LoadTestError::Option(error.to_string()))?;
    let caller = Caller::new(Policies::new(transport, config)).with_encoding(config.encoding());
    Ok(SessionsHttpClientV1::from_caller(caller))
}
