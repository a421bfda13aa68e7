//! The settings of the service under test, from environment variables.

use sessions_client::ClientConfig;
use snapshots::check::CheckOptions;
use snapshots::comparison::Level;
use snapshots::deviations::Deviations;
use snapshots::{config_file, is_confirmed, may_close_expired, named_deviations, service_params};
use std::env;
use std::error::Error;
use std::time::Duration;

/// The service under test.
pub(crate) struct Settings {
    /// `None` if there is no service.
    pub(crate) config: Option<ClientConfig>,
    pub(crate) options: CheckOptions,
    pub(crate) may_accept_snapshots: bool,
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Self, Box<dyn Error>> {
        let config = service_params(None, None)?.map(|params| params.build()).transpose()?;
        let options = CheckOptions {
            fail_on: variable("SESSIONS_FAIL_ON", "a level", |level| level.parse().ok())?
                .unwrap_or(Level::Breaking),
            may_close_expired: may_close_expired()?,
            wait: wait()?,
            deviations: Deviations::load(config_file(None).as_deref(), &named_deviations())?,
            ..CheckOptions::default()
        };
        Ok(Self { config, options, may_accept_snapshots: is_confirmed("SESSIONS_ACCEPT_SNAPSHOTS")? })
    }
}

/// Returns the time to wait until the service responds.
fn wait() -> Result<Option<Duration>, String> {
    variable("SESSIONS_WAIT", "a time such as `60s`", |time| humantime::parse_duration(time).ok())
}

/// Returns the value of a variable, if it is set and not empty.
fn variable<V>(name: &str, what: &str, parse: impl Fn(&str) -> Option<V>) -> Result<Option<V>, String> {
    let Some(value) = env::var_os(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let value = value.to_string_lossy();
    parse(&value).map(Some).ok_or_else(|| format!("{name} must be {what}, not {value:?}"))
}
