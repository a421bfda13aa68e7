//! Settings from environment variables, and output that the test harness does not capture.

use crate::output::printable_line;
use sessions_client::{ConfigParams, Error, Setting};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, io};

/// Returns the URL of the service under test, `SESSIONS_URL`, if it is set.
#[must_use]
pub fn service_url() -> Option<String> {
    env::var("SESSIONS_URL").ok().filter(|url| !url.is_empty())
}

/// Returns the file that describes the deployment: the given one, or the one at `SESSIONS_CONFIG`.
#[must_use]
pub fn config_file(file: Option<&Path>) -> Option<PathBuf> {
    let variable = env::var_os("SESSIONS_CONFIG").filter(|file| !file.is_empty()).map(PathBuf::from);
    file.map(Path::to_owned).or(variable)
}

/// Returns the files and implementations that `SESSIONS_DEVIATIONS` names, which are separated by commas.
#[must_use]
pub fn named_deviations() -> Vec<String> {
    let names = env::var("SESSIONS_DEVIATIONS").unwrap_or_default();
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// Returns the configuration of the service under test: the given file or the one at `SESSIONS_CONFIG`, the
/// variables for the keys of the client, which begin with `SESSIONS_`, and the given address, the last of which
/// counts most; `None` if there is neither a file nor an address.
///
/// # Errors
///
/// If the file or a variable is not valid.
pub fn service_params(file: Option<&Path>, url: Option<&str>) -> Result<Option<ConfigParams>, Error> {
    let file = config_file(file);
    let mut params = ConfigParams::new();
    if let Some(file) = &file {
        params = params.with_file(file)?;
    }
    let mut params = params.with_environment("SESSIONS", env::vars_os())?;
    if let Some(url) = url {
        params = params.with_flags([("URL", "connection.uri", url)])?;
    }
    let settings = params.settings();
    let has_address = settings.iter().map(Setting::key).any(|key| key.starts_with("connection"));
    Ok((file.is_some() || has_address).then_some(params))
}

/// Returns whether `SESSIONS_CLOSE_EXPIRED=yes` allows the tests to close sessions of other users.
///
/// # Errors
///
/// As for [`is_confirmed`].
pub fn may_close_expired() -> Result<bool, String> {
    is_confirmed("SESSIONS_CLOSE_EXPIRED")
}

/// Returns whether a variable is `yes`.
///
/// # Errors
///
/// If it is neither `yes` nor `no`: a value such as `true` would otherwise be ignored silently.
pub fn is_confirmed(variable: &str) -> Result<bool, String> {
    match env::var(variable).as_deref() {
        Ok("yes") => Ok(true),
        Ok("no" | "") | Err(env::VarError::NotPresent) => Ok(false),
        Ok(other) => Err(format!("{variable} must be `yes` or `no`, not {other:?}")),
        Err(error) => Err(format!("{variable} must be `yes` or `no`: {error}")),
    }
}

/// Returns the URL of a service on this machine that only the tests use, `SESSIONS_URL` with
/// `SESSIONS_CLOSE_EXPIRED=yes`. Logs that the test is skipped if there is no such service.
///
/// # Errors
///
/// As for [`may_close_expired`].
pub fn exclusive_service_url() -> Result<Option<String>, String> {
    let local = service_url().filter(|url| url.starts_with("http://127.0.0.1:"));
    if local.is_some() && may_close_expired()? {
        return Ok(local);
    }
    log("skipped: there is no real service at SESSIONS_URL that nothing else uses, see snapshots/providers");
    Ok(None)
}

/// Prints a line even without `--nocapture`: the harness captures the output of macros, not direct writes to
/// stderr. Strings of a service in it cannot control a terminal or a pipeline.
pub fn log(line: &str) {
    let lines = line.split('\n').map(|line| match printable_line(line) {
        line if line.trim_start().starts_with("::") => line.replacen("::", ": :", 1),
        line => line,
    });
    // A test cannot do anything about a closed stream.
    let _ = writeln!(io::stderr(), "{}", lines.collect::<Vec<_>>().join("\n"));
}
