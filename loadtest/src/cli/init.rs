//! The options of `loadtest init`.

use clap::Args;
use std::path::PathBuf;

/// Write a commented file with all settings and their defaults
///
/// It is a description of a service and of its load test for --config. An existing file is not changed.
#[derive(Clone, Debug, Args)]
pub struct InitOptions {
    /// File to create: YAML
    #[arg(value_name = "FILE.yaml", default_value = "loadtest.yaml")]
    pub file: PathBuf,
}
