//! Compares results with their stored snapshots, and describes changes in words.
#![allow(dead_code, reason = "each test target uses its own part")]

use snapshots::differences::differs;
use snapshots::{describe_changes, log};
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

/// Compares results with their stored snapshots, or those of `variant` where it is known to differ. First
/// logs all changes in words, since insta may stop at the first difference.
pub(crate) fn compare_all(snapshots: &[Snapshot<'_>], variant: Option<&str>) {
    log_changes(snapshots, variant);
    for (folder, name, snapshot) in snapshots {
        compare(folder, &name_for(variant, folder, name), snapshot);
    }
}

/// Logs all changes in words.
pub(crate) fn log_changes(snapshots: &[Snapshot<'_>], variant: Option<&str>) {
    for (folder, name, snapshot) in snapshots {
        let name = name_for(variant, folder, name);
        let Some(was) = stored(folder, &name) else { continue };
        let words = describe_changes(&was, snapshot.trim_end());
        if !words.is_empty() {
            let snapshot = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            log(&format!("{snapshot} has changed:\n    {}", words.join("\n    ")));
        }
    }
}

/// Returns the name of a snapshot, with the variant if that has a separate snapshot.
fn name_for(variant: Option<&str>, folder: &str, name: &str) -> String {
    match variant.filter(|variant| differs(variant, &format!("{folder}/{name}"))) {
        Some(variant) => format!("{name}@{variant}"),
        None => name.to_owned(),
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
