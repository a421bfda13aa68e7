//! The options of `loadtest doctor`.

use super::{Hidden, ServiceOptions};
use clap::Args;

/// Check each step of connecting to the service, and report the first that fails
///
/// The steps are configuration, name, connection, TLS, protocol, token and status. Only sessions that do not exist
/// are read. Of several addresses, others may serve while one does not: the exit code is 3 if none works.
#[derive(Clone, Debug, Args)]
pub struct DoctorOptions {
    /// Service to reach, such as <http://localhost:8080> [default: that of --config]
    #[arg(long, short = 'H', value_name = "URL")]
    pub host: Option<Hidden>,
    /// The connection to the service.
    #[command(flatten)]
    pub service: ServiceOptions,
}
