//! Breaking changes that a changelog mentions.

use super::change::ContractChange;
use crate::comparison::Level;

/// Returns the breaking changes that a changelog in the format of "Keep a Changelog" notes, under a heading "Breaking" of
/// its first version: one item of the list mentions the operation, or all operations, and what has changed of it.
#[must_use]
pub fn noted_changes<'c>(changelog: &str, changes: &'c [ContractChange]) -> Vec<&'c ContractChange> {
    let breaking = breaking_section(changelog);
    // The rest of an item is indented.
    let items: Vec<&str> = breaking.split("\n- ").collect();
    let is_noted = |change: &&ContractChange| {
        change.level == Level::Breaking && items.iter().any(|item| notes(item, change))
    };
    changes.iter().filter(is_noted).collect()
}

fn notes(item: &str, change: &ContractChange) -> bool {
    // The names in a part such as "response 200, field `id`" are in backticks.
    let mut names = change.part.split('`').skip(1).step_by(2);
    (mentions(item, &change.operation) || mentions(item, "all operations"))
        && names.all(|name| mentions(item, name))
}

/// Returns the lines under the heading "Breaking" of the first version.
fn breaking_section(changelog: &str) -> String {
    let mut versions = 0;
    let mut is_inside = false;
    let mut section = "\n".to_owned();
    // Some editors write a byte order mark.
    for line in changelog.trim_start_matches('\u{feff}').lines() {
        if line.starts_with("## ") {
            versions += 1;
        }
        if line.starts_with('#') {
            let title = line.trim_start_matches('#').trim();
            is_inside = versions == 1 && title.to_ascii_lowercase().starts_with("breaking");
        } else if is_inside {
            section.push_str(line);
            section.push('\n');
        }
    }
    section
}

/// Returns whether a name occurs as a whole word.
fn mentions(text: &str, name: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(name).any(|(start, _)| {
        !is_part(text[..start].chars().next_back()) && !is_part(text[start + name.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::noted_changes;
    use crate::revision::{ChangeKind, ContractChange};

    #[test]
    fn only_the_first_version_notes_a_breaking_change() {
        let change = ContractChange::new("close_session", "", ChangeKind::OperationRemoved, "a", "b");
        let added = ContractChange::new("close_session", "", ChangeKind::OperationAdded, "a", "b");
        let changes = [change, added];
        for (changelog, noted) in [
            ("# Changelog\n## [Unreleased]\n### Breaking\n- `close_session` is gone.\n", 1),
            ("## [Unreleased]\n### Breaking changes\n- Gone: close_session\n", 1),
            ("\u{feff}## [Unreleased]\n### Breaking\n- `close_session` is gone.\n", 1),
            ("## [Unreleased]\n### Breaking\n- `close_sessions` is gone.\n", 0),
            ("## [Unreleased]\n### Removed\n- `close_session` is gone.\n", 0),
            ("## [Unreleased]\n## [1.0.0]\n### Breaking\n- `close_session` is gone.\n", 0),
            ("", 0),
        ] {
            assert_eq!(noted_changes(changelog, &changes).len(), noted, "{changelog}");
        }
    }

    #[test]
    fn an_item_names_the_operation_and_its_field() {
        let part = "response 200, field `data[].address`";
        let changes = [ContractChange::new("get_sessions", part, ChangeKind::OperationRemoved, "a", "b")];
        for (items, noted) in [
            ("- `get_sessions`: `data[].address` is gone.", 1),
            ("- In all operations,\n  `data[].address` is gone.", 1),
            ("- `get_sessions`: `data[].client` is gone.", 0),
            ("- `get_sessions` is faster.\n- `data[].address` of `open_session` is gone.", 0),
        ] {
            let changelog = format!("## [Unreleased]\n### Breaking\n\n{items}\n");
            assert_eq!(noted_changes(&changelog, &changes).len(), noted, "{items}");
        }
    }
}
