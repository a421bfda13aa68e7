//! The contract live: each case is a test, of the embedded service and of the service that the environment describes.
//!
//! Both are compared with the same snapshots. This shows that the embedded service behaves like the real one in
//! every case. The usual filters apply: `-- live::open_session` sends the cases of this operation only.
//!
//! * `SESSIONS_URL=http://host:port` is the service to test. Without an address, the tests `live::…` are ignored.
//! * `SESSIONS_CONFIG=staging.yaml` is a file with the keys of the client: address, headers, credentials,
//!   certificates, proxy. Variables such as `SESSIONS_HEADERS_X_API_KEY` replace its keys.
//! * `SESSIONS_WAIT=60s` waits until the service responds, at most this long.
//! * `SESSIONS_FAIL_ON=harmless` is the lowest level of a difference that fails a test: `breaking` by default, as in
//!   `contract check`.
//! * `SESSIONS_CLOSE_EXPIRED=yes` confirms that nothing else uses the service. It allows calls of
//!   `close_expired_sessions`, which closes sessions of other users, and a session without a user.
//! * `SESSIONS_DEVIATIONS=old,deviations.yaml` are the accepted deviations: those of known implementations, such as
//!   `old`, and those in files.
//! * `SESSIONS_ACCEPT_SNAPSHOTS=yes` lets insta change the snapshots to what this service returns. Otherwise, only
//!   the embedded service changes them, since the snapshots are those of the real service.
//!
//! The cases of a service run once, several at a time, when its first test starts. Every session belongs to a user of
//! its case and is deleted at the end of the case, also after a failure, a panic, or a termination signal. A second
//! signal ends the process at once.

#[path = "../comparison/mod.rs"]
mod comparison;
mod harness;
mod provider;
mod settings;

use libtest_mimic::Arguments;
use provider::Provider;
use settings::Settings;
use snapshots::log;
use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Cargo runs tests in the folder of their crate, but paths are relative to that of the shell.
    if let Some(folder) = env::var_os("PWD") {
        let _ = env::set_current_dir(folder);
    }
    let settings = match Settings::from_environment() {
        Ok(settings) => settings,
        Err(error) => {
            log(&error.to_string());
            return ExitCode::from(101);
        }
    };
    let providers = [Provider::embedded(), Provider::live(settings)];
    let mut trials = Vec::new();
    for provider in &providers {
        let of_provider = provider.trials();
        let is_selected =
            |trial: &&libtest_mimic::Trial| !arguments.is_filtered_out(trial) && !arguments.is_ignored(trial);
        provider.select(of_provider.iter().filter(is_selected).map(libtest_mimic::Trial::name));
        trials.extend(of_provider);
    }
    trials.extend(harness::trials());
    let conclusion = libtest_mimic::run(&arguments, trials);
    let mut code = conclusion.exit_code();
    for problem in providers.iter().flat_map(Provider::problems) {
        log(&problem);
        code = ExitCode::from(101);
    }
    code
}
