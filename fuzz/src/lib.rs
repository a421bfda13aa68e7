//! Helpers that several fuzz targets use.

use std::cell::RefCell;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: RefCell<Runtime> = RefCell::new(
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime"),
    );
}

/// Runs a future to its end. The clock is virtual: it jumps to the next timer when nothing else can run, so that
/// timeouts take no time.
pub fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.with_borrow(|runtime| runtime.block_on(future))
}

/// Writes an input to a file of this process with the given extension, for code that reads files.
pub fn file(extension: &str, content: &[u8]) -> PathBuf {
    let folder = Path::new("/dev/shm");
    let folder = if folder.is_dir() { folder.to_owned() } else { std::env::temp_dir() };
    let path = folder.join(format!("sessions-fuzz-{}.{extension}", std::process::id()));
    fs::write(&path, content).expect("the file can be written");
    path
}

/// Asserts that an error is one line of a terminal and a log, whatever the input was.
pub fn assert_one_line(error: &dyn Error) {
    let message = error.to_string();
    assert!(!message.is_empty(), "the message is empty: {error:?}");
    assert!(!message.contains(char::is_control), "the message has a control character: {message:?}");
}
