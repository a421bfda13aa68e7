//! The addresses of the servers, and clients over both network transports.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Mutex;
use wiretrait::ClientConfig;

/// Returns the settings of a client for the server whose address is in `variable`, without retries. Returns `None`,
/// after a line that says why, if the variable is not set.
pub(crate) fn config(variable: &'static str) -> Option<ClientConfig> {
    static PRINTED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    let Some(url) = std::env::var(variable).ok().filter(|url| !url.is_empty()) else {
        if PRINTED.lock().unwrap().insert(variable) {
            // Printed even without `--nocapture`, at the start of a line. A closed stream changes nothing.
            let line = format!("\nSKIPPED: the server of {variable} is started by examples/apis/run\n");
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
        return None;
    };
    Some(ClientConfig::from_url(&url).unwrap().with_retries(0))
}

/// Runs `$body` with a client over reqwest, and then with one over hyper, unless the settings `$config` are `None`.
macro_rules! over_both {
    ($client:ident: $Client:ident = $config:expr; $body:block) => {
        if let Some(config) = $config {
            {
                let transport = wiretrait::ReqwestTransport::new(&config).unwrap();
                let $client = $Client::from_transport(transport, &config).unwrap();
                $body
            }
            {
                let transport = wiretrait::HyperTransport::new(&config).unwrap();
                let $client = $Client::from_transport(transport, &config).unwrap();
                $body
            }
        }
    };
}

pub(crate) use over_both;
