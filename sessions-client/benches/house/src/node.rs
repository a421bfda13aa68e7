//! The official client, which is for Node.js: `node/work.js` does with it what `work` does with the others.

use crate::child::{Core, output};
use anyhow::{Context, Result};
use std::path::Path;
use tokio::process::Command;

/// Where the package of the contract tests is that has the client.
const PACKAGE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../snapshots/providers/client-sessions-node");

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node/work.js");

/// The program, without its arguments.
pub(crate) fn command() -> Command {
    let mut command = Core::Client.command("node");
    command.args(["--no-deprecation", PROGRAM]).env("AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE", "1");
    command
}

/// Installs the client, if it is not there.
pub(crate) async fn install() -> Result<()> {
    if Path::new(PACKAGE).join("node_modules/client-sessions-node").exists() {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(PACKAGE);
    output(npm).await.context("the official client comes from npm; `--clients` leaves it out")?;
    Ok(())
}
