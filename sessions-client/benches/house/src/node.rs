//! The official client, which is for Node.js: `node/work.js` does with it what `work` does with the others.

use crate::child::{Core, output};
use anyhow::{Context, Result};
use tokio::process::Command;

/// Installs the packages of the contract tests, of which one has the client.
const INSTALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../snapshots/providers/install.sh");

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node/work.js");

/// The program, without its arguments.
pub(crate) fn command() -> Command {
    let mut command = Core::Client.command("node");
    command.args(["--no-deprecation", PROGRAM]).env("AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE", "1");
    command
}

/// Installs the client, if it is not there.
pub(crate) async fn install() -> Result<()> {
    let mut install = Command::new(INSTALL);
    install.arg("client-sessions-node");
    output(install).await.context("the official client comes from npm; `--clients` leaves it out")?;
    Ok(())
}
