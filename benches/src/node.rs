//! The official client for Node.js, called by `node/work.js` in the same way as `work` calls the other
//! clients.

use crate::child::{Core, output};
use anyhow::{Context, Result};
use tokio::process::Command;

/// Installs npm packages of the contract tests, one of which contains the client.
const INSTALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/providers/install.sh");

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node/work.js");

/// Returns a command that runs the program, without its arguments.
pub(crate) fn command() -> Command {
    let mut command = Core::Client.command("node");
    command.args(["--no-deprecation", PROGRAM]).env("AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE", "1");
    command
}

/// Installs the client if it is missing.
pub(crate) async fn install() -> Result<()> {
    let mut install = Command::new(INSTALL);
    install.arg("client-sessions-node");
    output(install)
        .await
        .context("cannot install the official client from npm; use `--clients` to leave it out")?;
    Ok(())
}
