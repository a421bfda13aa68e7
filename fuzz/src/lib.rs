//! Helpers that several fuzz targets use.

mod connection;
mod message;

pub use connection::{Connection, connector};
pub use message::{headers, response, split_at_blank_line};

use serde::Serialize;
use sessions_client::{ClientConfig, Result, Timestamp};
use sessions_service::SessionStore;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use tokio::runtime::Builder;

/// The maximum size of a response body in bytes, also once it is decompressed.
const LIMIT: usize = 1 << 16;

/// Runs a future to its end on a new runtime, so that no task is left to the next input. The clock is virtual: it jumps to
/// the next timer when nothing else can run, so that timeouts take no time. Random numbers are the same for each input.
pub fn block_on<F: Future>(future: F) -> F::Output {
    fastrand::seed(1);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime needs no resources").block_on(future)
}

/// Returns the configuration of a client whose responses have a limited size.
pub fn config() -> ClientConfig {
    ClientConfig::from_url("http://localhost").expect("the URL is valid").with_max_response_bytes(LIMIT)
}

/// Writes an input to a file of this process with the given extension, for code that reads files.
pub fn file(extension: &str, content: &[u8]) -> PathBuf {
    let path = unused_file(extension);
    fs::write(&path, content).expect("the file can be written");
    path
}

/// Returns the path of a file of this process.
pub fn unused_file(extension: &str) -> PathBuf {
    let folder = Path::new("/dev/shm");
    let folder = if folder.is_dir() { folder.to_owned() } else { std::env::temp_dir() };
    // The path always has the same length, since errors contain it.
    folder.join(format!("sessions-fuzz-{:010}.{extension}", std::process::id()))
}

/// Describes a result, so that two of them can be compared.
pub fn outcome<T: Serialize>(result: Result<T>) -> String {
    match result {
        Ok(value) => serde_json::to_string(&value).expect("a result can be written as JSON"),
        Err(error) => {
            assert_one_line(&error);
            let (kind, status, body) = (error.kind(), error.status(), error.body());
            format!("{kind:?} {status:?} {:?} {body:?}: {error}", error.retry_after())
        }
    }
}

/// Asserts that an error is one line of a terminal and a log, whatever the input was.
pub fn assert_one_line(error: &dyn Error) {
    let message = error.to_string();
    assert!(!message.is_empty(), "the message is empty: {error:?}");
    assert!(!message.contains(char::is_control), "the message has a control character: {message:?}");
}

/// Returns a store whose clock stands still.
pub fn store() -> SessionStore {
    SessionStore::new().with_clock(|| Timestamp::UNIX_EPOCH)
}
