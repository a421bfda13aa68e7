//! The options of `loadtest cleanup`.

use super::options::test_run_id;
use super::{Hidden, ServiceOptions};
use clap::Args;

/// Delete the sessions that a killed run left behind
///
/// Lists all sessions of the service, then closes and deletes those of users whose ids begin with loadtest-
/// and the id of the test run.
#[derive(Clone, Debug, Args)]
pub struct CleanupOptions {
    /// Id of the test run, from its first line or its report
    #[arg(long, value_name = "ID", value_parser = test_run_id)]
    pub test_run_id: String,
    /// Service to clean up, such as <http://localhost:8080> [default: that of --config]
    #[arg(long, short = 'H', value_name = "URL")]
    pub host: Option<Hidden>,
    /// Allow a host that is not this machine
    #[arg(long)]
    pub yes: bool,
    /// Count the sessions of the test run, and delete nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Maximum number of sessions to list in a pass
    #[arg(long, value_name = "N", default_value_t = Self::MAX_SESSIONS)]
    pub max_sessions: u64,
    /// The connection to the service.
    #[command(flatten)]
    pub service: ServiceOptions,
}

impl CleanupOptions {
    /// The default of [`max_sessions`](Self::max_sessions).
    pub(crate) const MAX_SESSIONS: u64 = 1_000_000;
}
