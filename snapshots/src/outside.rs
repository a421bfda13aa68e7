//! What the tests know of the world outside, and how they speak to it.

use std::io::Write as _;
use std::{env, io};

/// The service under test, by `SESSIONS_URL`, if there is one.
#[must_use]
pub fn service_url() -> Option<String> {
    env::var("SESSIONS_URL").ok().filter(|url| !url.is_empty())
}

/// Whether `SESSIONS_CLOSE_EXPIRED=yes` says that sessions of others may be closed.
///
/// # Panics
///
/// When it is neither `yes` nor `no`: who wrote `true` there expects something, and would not get it.
#[must_use]
pub fn may_close_expired() -> bool {
    match env::var("SESSIONS_CLOSE_EXPIRED").as_deref() {
        Ok("yes") => true,
        Ok("no" | "") | Err(env::VarError::NotPresent) => false,
        Ok(other) => panic!("SESSIONS_CLOSE_EXPIRED has to be `yes` or `no`, not {other:?}"),
        Err(error) => panic!("SESSIONS_CLOSE_EXPIRED has to be `yes` or `no`: {error}"),
    }
}

/// A line that is seen without `--nocapture`: the harness captures what the macros print, not this.
pub fn tell(line: &str) {
    // A closed stream is nothing that a test could help.
    let _ = writeln!(io::stderr(), "{line}");
}
