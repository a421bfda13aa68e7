//! That every difference between implementations has a reason, and every reason a difference.

mod pages;

use pages::{compare, pinned, reviewed};
use snapshots::differences::{DIFFERENCES, VARIANTS, table};
use snapshots::in_words;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Every page of a variant that the table speaks of, as folder, name of the page, and variant.
fn expected() -> Vec<(&'static str, &'static str, &'static str)> {
    let pages = DIFFERENCES.iter().flat_map(|known| known.pages.iter().map(|page| (*page, known.variant)));
    pages
        .map(|(page, variant)| {
            let (folder, name) = page.split_once('/').expect("a page is a folder and a name");
            (folder, name, variant)
        })
        .collect()
}

#[test]
fn a_difference_without_a_reason_and_a_reason_without_a_difference_are_named() {
    let mut wrong = Vec::new();
    let expected = expected();
    for (folder, name, variant) in &expected {
        let own = format!("{name}@{variant}");
        let (base, other) = (reviewed(folder, name), reviewed(folder, &own));
        match (base, other) {
            (_, None) => {
                wrong.push(format!("{folder}/{own}.snap is missing, though a reason is given for it"));
            }
            (Some(base), Some(other)) if base == other => {
                wrong.push(format!(
                    "{folder}/{own}.snap is the page without a variant: delete it and its reason"
                ));
            }
            (None, Some(_)) => wrong.push(format!("{folder}/{own}.snap differs from no page: delete it")),
            (Some(_), Some(_)) => {}
        }
        if !VARIANTS.iter().any(|known| known.name == *variant) {
            wrong.push(format!("`{variant}` is no variant of `snapshots::differences`"));
        }
    }
    let names: BTreeSet<String> =
        expected.iter().map(|(folder, name, variant)| format!("{folder}/{name}@{variant}")).collect();
    if names.len() != expected.len() {
        wrong.push("a page has two reasons: make one of them".to_owned());
    }
    for folder in ["service", "shapes"] {
        let unreasoned = pinned(folder).into_iter().map(|name| format!("{folder}/{name}"));
        for page in unreasoned.filter(|page| page.contains('@') && !names.contains(page)) {
            wrong.push(format!("{page}.snap has no reason: give it one in snapshots/src/differences.rs"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_differs_is_what_was_reviewed() {
    let mut page = String::new();
    for (folder, name, variant) in expected() {
        let own = format!("{name}@{variant}");
        let (base, other) = (reviewed(folder, name), reviewed(folder, &own));
        let (base, other) = (base.unwrap_or_default(), other.unwrap_or_default());
        let _ = writeln!(page, "# {folder}/{own}\n\n{}\n", in_words(&base, &other).join("\n"));
        // Offline nobody answers with one of these pages; insta would take it for one that nobody refers to.
        compare(folder, name, &base);
        compare(folder, &own, &other);
    }
    compare("", "differences", &page);
}

#[test]
fn the_readme_lists_every_difference() {
    let readme = include_str!("../providers/README.md");
    for row in table().lines() {
        assert!(readme.contains(row), "snapshots/providers/README.md has no row\n{row}");
    }
}
