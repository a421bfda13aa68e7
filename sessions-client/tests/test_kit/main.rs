//! The test kit of `wiretrait`, with this contract.

mod cassette;
mod faults;
mod scripted;

use sessions_client::{ISessionsV1, Result, SessionsHttpClientV1, Transport, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn client<T: Transport>(transport: T) -> SessionsHttpClientV1<Value, Value, T> {
    SessionsHttpClientV1::new(transport)
}

async fn find(client: &impl ISessionsV1) -> Result<()> {
    client.get_session_by_id(None, "1").await.map(|session| assert_eq!(session, None))
}

/// Returns the panic message of a failed check.
fn panic_message(check: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(check)).err()?;
    Some(panic.downcast_ref::<String>().expect("a message").clone())
}
