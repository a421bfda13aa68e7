//! What the tests know of the world outside, and how they speak to it.

use std::io::Write as _;
use std::{env, io};

/// The service under test, by `SESSIONS_URL`, if there is one.
#[must_use]
pub fn service_url() -> Option<String> {
    env::var("SESSIONS_URL").ok().filter(|url| !url.is_empty())
}

/// Whether `SESSIONS_CLOSE_EXPIRED=yes` says that sessions of others may be closed.
#[must_use]
pub fn may_close_expired() -> bool {
    env::var("SESSIONS_CLOSE_EXPIRED").is_ok_and(|answer| answer == "yes")
}

/// A line that is seen without `--nocapture`: the harness captures what the macros print, not this.
pub fn tell(line: &str) {
    // A closed stream is nothing that a test could help.
    let _ = writeln!(io::stderr(), "{line}");
}
