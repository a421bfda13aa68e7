//! Compares results with their stored snapshots, and describes changes in words, with their levels.
#![allow(dead_code, reason = "each test target uses its own part")]

use snapshots::comparison::{Level, differences, judge};
use snapshots::log;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Returns the names of the stored snapshots in a folder.
pub(crate) fn stored_names(folder: &str) -> BTreeSet<String> {
    let Ok(entries) = path(folder).read_dir() else { return BTreeSet::new() };
    let files = entries.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    files.filter_map(|file| file.strip_suffix(".snap").map(str::to_owned)).collect()
}

/// Returns the stored content of a snapshot, if there is one.
pub(crate) fn stored(folder: &str, name: &str) -> Option<String> {
    let file = fs::read_to_string(path(folder).join(format!("{name}.snap"))).ok()?;
    // A checkout on Windows may have CRLF line ends.
    let file = file.replace("\r\n", "\n");
    // The metadata of a snapshot file ends with its second line of dashes.
    file.splitn(3, "---\n").nth(2).map(|snapshot| snapshot.trim_end().to_owned())
}

/// Folder, name and content of a snapshot.
pub(crate) type Snapshot<'p> = (&'p str, String, String);

/// Compares results with their stored snapshots. First logs all changes in words, since insta may stop at the
/// first difference.
pub(crate) fn compare_all(snapshots: &[Snapshot<'_>]) {
    log_changes(snapshots);
    for (folder, name, snapshot) in snapshots {
        compare(folder, name, snapshot);
    }
}

/// Logs all changes in words, with their levels, the most serious first.
pub(crate) fn log_changes(snapshots: &[Snapshot<'_>]) {
    for (folder, name, snapshot) in snapshots {
        let Some(was) = stored(folder, name) else { continue };
        // Names have the form `request__open_session__all_arguments`.
        let operation = name.split("__").nth(1).unwrap_or_default();
        let mut changes: Vec<_> = differences(operation, &was, snapshot.trim_end())
            .into_iter()
            .map(|difference| (judge(&difference), difference))
            .collect();
        changes.sort_by_key(|(judgement, _)| Reverse(judgement.level));
        let words = changes.into_iter().map(|(judgement, difference)| match judgement.level {
            Level::Breaking => format!("breaking: {difference}"),
            level => format!("{level}: {difference} ({})", judgement.reason),
        });
        let words: Vec<String> = words.collect();
        if !words.is_empty() {
            let snapshot = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            log(&format!("{snapshot} has changed:\n    {}", words.join("\n    ")));
        }
    }
}

/// Compares a result with its stored snapshot, whose file has no prefix for the module.
pub(crate) fn compare(folder: &str, name: &str, snapshot: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path(path(folder));
    settings.bind(|| insta::assert_snapshot!(name, snapshot));
}

fn path(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(folder)
}
