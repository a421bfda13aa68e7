//! Every difference between implementations has a reason, and every reason a difference.

mod comparison;

use comparison::{compare, stored, stored_names};
use snapshots::describe_changes;
use snapshots::differences::{DIFFERENCES, VARIANTS, table};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Returns folder, name and variant of every snapshot in the table.
fn expected() -> Vec<(&'static str, &'static str, &'static str)> {
    let snapshots = DIFFERENCES
        .iter()
        .flat_map(|known| known.snapshots.iter().map(|snapshot| (*snapshot, known.variant)));
    snapshots
        .map(|(snapshot, variant)| {
            let (folder, name) = snapshot.split_once('/').expect("a name of the form `folder/name`");
            (folder, name, variant)
        })
        .collect()
}

#[test]
fn differences_and_reasons_correspond() {
    let mut wrong = Vec::new();
    let expected = expected();
    for (folder, name, variant) in &expected {
        let own = format!("{name}@{variant}");
        let (base, other) = (stored(folder, name), stored(folder, &own));
        match (base, other) {
            (_, None) => {
                wrong.push(format!("{folder}/{own}.snap is missing, but has a reason"));
            }
            (Some(base), Some(other)) if base == other => {
                wrong.push(format!(
                    "{folder}/{own}.snap equals the snapshot without a variant: delete it and its reason"
                ));
            }
            (None, Some(_)) => {
                wrong.push(format!("{folder}/{own}.snap has no snapshot without a variant: delete it"));
            }
            (Some(_), Some(_)) => {}
        }
        if !VARIANTS.iter().any(|known| known.name == *variant) {
            wrong.push(format!("`{variant}` is not a variant in `snapshots::differences`"));
        }
    }
    let names: BTreeSet<String> =
        expected.iter().map(|(folder, name, variant)| format!("{folder}/{name}@{variant}")).collect();
    if names.len() != expected.len() {
        wrong.push("a snapshot has two reasons: merge them".to_owned());
    }
    for folder in ["service", "shapes"] {
        let unreasoned = stored_names(folder).into_iter().map(|name| format!("{folder}/{name}"));
        for snapshot in unreasoned.filter(|snapshot| snapshot.contains('@') && !names.contains(snapshot)) {
            wrong.push(format!("{snapshot}.snap has no reason: add one to snapshots/src/differences.rs"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_differences_match_their_snapshots() {
    let mut snapshot = String::new();
    for (folder, name, variant) in expected() {
        let own = format!("{name}@{variant}");
        let (base, other) = (stored(folder, name), stored(folder, &own));
        let (base, other) = (base.unwrap_or_default(), other.unwrap_or_default());
        let _ = writeln!(snapshot, "# {folder}/{own}\n\n{}\n", describe_changes(&base, &other).join("\n"));
        // No offline test produces these snapshots, so insta would report them as unreferenced.
        compare(folder, name, &base);
        compare(folder, &own, &other);
    }
    compare("", "differences", &snapshot);
}

#[test]
fn the_readme_lists_every_difference() {
    let readme = include_str!("../providers/README.md");
    for row in table().lines() {
        assert!(readme.contains(row), "snapshots/providers/README.md has no row\n{row}");
    }
}
