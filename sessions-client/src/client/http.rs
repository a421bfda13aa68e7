//! The HTTP client's ways in: from an address, and from a configuration.

use crate::config::ClientConfig;
use crate::contract::SessionsHttpClientV1;
use crate::error::Result;
use crate::runtime::Caller;
#[cfg(all(feature = "hyper", not(feature = "reqwest")))]
use crate::transport::HyperTransport as NetworkTransport;
use crate::transport::Policies;
#[cfg(feature = "reqwest")]
use crate::transport::ReqwestTransport as NetworkTransport;

impl SessionsHttpClientV1 {
    /// A client of the service at `url`, such as `http://localhost:8080`, with default settings.
    ///
    /// It has all the [policies](crate::policy), and is meant to be kept: clones share its connections and its
    /// budget of repeats.
    ///
    /// No connection is made before the first call.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when `url` cannot be used.
    pub fn connect(url: &str) -> Result<Self> {
        Self::from_config(&ClientConfig::from_url(url)?)
    }

    /// A client as `config` describes it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the configuration is not
    /// [valid](ClientConfig::validate), or has no address that can be used.
    pub fn from_config(config: &ClientConfig) -> Result<Self> {
        let transport = Policies::new(NetworkTransport::new(config)?, config);
        let caller = Caller::new(transport).with_encoding(config.encoding());
        Ok(Self::from_caller(caller))
    }
}
