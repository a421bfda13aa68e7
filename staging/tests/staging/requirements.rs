//! Requirements of the tests, and the line that is printed where they are missing.

use staging::missing_programs;
use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;

/// The programs under test, built by `staging/run`.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// The live contract test of the package `snapshots`.
    pub(crate) live: PathBuf,
    /// The contract check of the package `snapshots`.
    pub(crate) contract: PathBuf,
    pub(crate) loadtest: PathBuf,
}

/// Returns the programs under test. Returns `None`, after a line that says why, if anything is missing.
pub(crate) fn programs() -> Option<Programs> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from);
    let (Some(live), Some(contract), Some(loadtest)) =
        (variable("STAGING_LIVE"), variable("STAGING_CONTRACT"), variable("STAGING_LOADTEST"))
    else {
        skip("the tests behind real gateways and proxies are run by staging/run");
        return None;
    };
    let missing = missing_programs(&["nginx", "haproxy", "squid", "openssl", "curl"]);
    if !missing.is_empty() {
        skip(&format!("the tests behind real gateways and proxies need {}", missing.join(", ")));
        return None;
    }
    Some(Programs { live, contract, loadtest })
}

/// Prints a line even without `--nocapture`. The same reason is printed once.
pub(crate) fn skip(why: &str) {
    static PRINTED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut printed = PRINTED.lock().unwrap();
    if !printed.iter().any(|before| before == why) {
        printed.push(why.to_owned());
        // A closed stream changes nothing.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
    }
}
