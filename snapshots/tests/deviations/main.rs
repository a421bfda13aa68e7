//! Accepted deviations: their files, their use in a check, and how they are accepted.

mod accepting;
mod changed_service;
mod changes;
mod files;
mod use_in_check;

use std::path::PathBuf;

/// Returns an empty folder for the files of a test.
fn folder(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("deviations").join(test);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
