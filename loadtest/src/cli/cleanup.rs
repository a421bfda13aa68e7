//! `loadtest clean`: its options.

use super::options::run_id;
use clap::Args;

/// Remove what a run has left that was killed
///
/// Goes through all sessions of the service, and closes and deletes those of users whose ids begin with loadtest- and that name.
#[derive(Clone, Debug, Args)]
pub struct Clean {
    /// Name of the run, as its first line and its report say it
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub run: String,
    /// Service to clean, such as <http://localhost:8080>
    #[arg(long, short = 'H', value_name = "URL")]
    pub host: String,
    /// Clean a host that is not this machine, as for a run
    #[arg(long)]
    pub yes: bool,
    /// Look at no more than this many sessions in a pass
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub most: u64,
}
