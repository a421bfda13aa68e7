//! Comparing pages with their snapshots, in words first.
#![allow(dead_code, reason = "each test target uses its own part")]

use snapshots::differences::differs;
use snapshots::{in_words, tell};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The names of the snapshots in a folder.
pub(crate) fn pinned(folder: &str) -> BTreeSet<String> {
    let Ok(entries) = path(folder).read_dir() else { return BTreeSet::new() };
    let files = entries.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    files.filter_map(|file| file.strip_suffix(".snap").map(str::to_owned)).collect()
}

/// The page that was reviewed, if there is one.
pub(crate) fn reviewed(folder: &str, name: &str) -> Option<String> {
    let file = fs::read_to_string(path(folder).join(format!("{name}.snap"))).ok()?;
    // The head of a snapshot ends with its second line of dashes.
    file.splitn(3, "---\n").nth(2).map(|page| page.trim_end().to_owned())
}

/// A page by its folder, its name and its text.
pub(crate) type Page<'p> = (&'p str, String, String);

/// Compares pages with their snapshots: those of `variant` where it is known to differ. What has changed is told in
/// words, for all pages, before insta shows the first of them.
pub(crate) fn compare_all(pages: &[Page<'_>], variant: Option<&str>) {
    tell_changes(pages, variant);
    for (folder, name, page) in pages {
        compare(folder, &name_for(variant, folder, name), page);
    }
}

/// Tells in words what has changed.
pub(crate) fn tell_changes(pages: &[Page<'_>], variant: Option<&str>) {
    for (folder, name, page) in pages {
        let name = name_for(variant, folder, name);
        let Some(was) = reviewed(folder, &name) else { continue };
        let words = in_words(&was, page.trim_end());
        if !words.is_empty() {
            let page = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            tell(&format!("{page} has changed:\n    {}", words.join("\n    ")));
        }
    }
}

/// The name of a page, with the variant where that has a page of its own.
fn name_for(variant: Option<&str>, folder: &str, name: &str) -> String {
    match variant.filter(|variant| differs(variant, &format!("{folder}/{name}"))) {
        Some(variant) => format!("{name}@{variant}"),
        None => name.to_owned(),
    }
}

/// Compares a page with its snapshot, whose file has the name of the page and nothing else.
pub(crate) fn compare(folder: &str, name: &str, page: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path(path(folder));
    settings.bind(|| insta::assert_snapshot!(name, page));
}

fn path(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(folder)
}
