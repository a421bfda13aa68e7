//! Settings from environment variables, and output that the test harness does not capture.

use sessions_client::{ConfigParams, Error, Setting};
use std::io::Write as _;
use std::{env, io};

/// Returns the URL of the service under test, `SESSIONS_URL`, if it is set.
#[must_use]
pub fn service_url() -> Option<String> {
    env::var("SESSIONS_URL").ok().filter(|url| !url.is_empty())
}

/// Returns the configuration of the service under test: the file at `SESSIONS_CONFIG`, and the variables for
/// the keys of the client, which begin with `SESSIONS_`; `None` if neither has an address.
///
/// # Errors
///
/// If the file or a variable is not valid.
pub fn service_params() -> Result<Option<ConfigParams>, Error> {
    let file = env::var_os("SESSIONS_CONFIG").filter(|file| !file.is_empty());
    let mut params = ConfigParams::new();
    if let Some(file) = &file {
        params = params.with_file(file)?;
    }
    let params = params.with_environment("SESSIONS", env::vars_os())?;
    let settings = params.settings();
    let has_address = settings.iter().map(Setting::key).any(|key| key.starts_with("connection"));
    Ok((file.is_some() || has_address).then_some(params))
}

/// Returns whether `SESSIONS_CLOSE_EXPIRED=yes` allows the tests to close sessions of other users.
///
/// # Panics
///
/// If it is neither `yes` nor `no`: a value such as `true` would otherwise be ignored silently.
#[must_use]
pub fn may_close_expired() -> bool {
    match env::var("SESSIONS_CLOSE_EXPIRED").as_deref() {
        Ok("yes") => true,
        Ok("no" | "") | Err(env::VarError::NotPresent) => false,
        Ok(other) => panic!("SESSIONS_CLOSE_EXPIRED must be `yes` or `no`, not {other:?}"),
        Err(error) => panic!("SESSIONS_CLOSE_EXPIRED must be `yes` or `no`: {error}"),
    }
}

/// Prints a line even without `--nocapture`: the harness captures the output of macros, not direct writes to
/// stderr.
pub fn log(line: &str) {
    // A test cannot do anything about a closed stream.
    let _ = writeln!(io::stderr(), "{line}");
}
