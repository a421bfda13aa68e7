//! The options that name the service of a command.

use crate::environment::service_params;
use clap::Args;
use sessions_client::ConfigParams;
use std::error::Error;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(super) struct ServiceArgs {
    /// Address of the service, such as `https://sessions.staging.example` [env: `SESSIONS_URL`]
    #[arg(value_name = "URL")]
    url: Option<String>,

    /// File that describes the deployment: address, headers, credentials, certificates, proxy [env: `SESSIONS_CONFIG`]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Protocol of the service: http, grpc or commandable-grpc [default: that of the description, or http]
    #[arg(long, value_name = "PROTOCOL", value_parser = ["http", "grpc", "commandable-grpc"], hide_possible_values = true)]
    protocol: Option<String>,
}

impl ServiceArgs {
    /// Returns the settings of the client.
    ///
    /// # Errors
    ///
    /// If a setting is not valid, or there is no address.
    pub(super) fn params(&self) -> Result<ConfigParams, Box<dyn Error>> {
        let params = service_params(self.config.as_deref(), self.url.as_deref())?;
        let params = params.ok_or("the address is missing: give a URL, --config FILE or SESSIONS_URL")?;
        let protocol = self.protocol.as_deref().map(|protocol| ("--protocol", "kind", protocol));
        Ok(params.with_flags(protocol)?)
    }

    /// Returns the file that describes the deployment, if one is given.
    pub(super) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Returns the arguments as words of a command line. An address in a variable has none, and one with credentials
    /// is omitted.
    pub(super) fn words(&self) -> Vec<String> {
        let option = |name: &str, value: String| [name.to_owned(), value];
        let config = self.config.iter().flat_map(|file| option("--config", file.display().to_string()));
        let url = self.url.iter().filter(|url| !url.contains('@')).cloned();
        let protocol = self.protocol.iter().flat_map(|protocol| option("--protocol", protocol.clone()));
        config.chain(url).chain(protocol).collect()
    }
}
