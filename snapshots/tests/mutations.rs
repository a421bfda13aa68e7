//! The changes that `mutations/run` makes still fit the files that they name.
//!
//! `mutations/run` builds the workspace once for each change and takes long; whether a pattern matches is
//! known at once.

#![cfg(unix)]

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

#[test]
fn every_change_matches_exactly_one_place_in_its_file() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("mutations/mutate");
    let output = match Command::new("perl").arg(script).arg("--check").output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            snapshots::log("skipped: the patterns of snapshots/mutations/changes need perl");
            return;
        }
        Err(error) => panic!("perl cannot be started: {error}"),
    };
    assert!(
        output.status.success(),
        "snapshots/mutations/changes is out of date. Where a file has moved, edit its `[path]`; where code has changed, \
         edit the pattern:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}
