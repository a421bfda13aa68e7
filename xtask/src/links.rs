//! The check of relative links in Markdown files: each target must exist, and each anchor must be a heading.

use crate::{Result, read, tracked};
use std::path::{Component, Path, PathBuf};

/// Checks all tracked Markdown files.
///
/// # Errors
///
/// When a link is broken, or a file cannot be read.
pub(crate) fn check(root: &Path) -> Result<()> {
    let names = tracked(root, &["md"])?;
    let mut broken = 0;
    let mut count = 0;
    for name in &names {
        for (line, target) in links(&read(root, name)?) {
            count += 1;
            if let Some(problem) = problem(root, name, &target) {
                println!("{name}:{line}: {target}: {problem}");
                broken += 1;
            }
        }
    }
    if broken > 0 {
        return Err(format!("{broken} of {count} relative links are broken"));
    }
    println!("links: {count} relative links in {} files resolve", names.len());
    Ok(())
}

/// The relative links of a Markdown file, each with the number of its line.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut is_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        let mut rest = line;
        while let Some(start) = rest.find("](") {
            rest = &rest[start + 2..];
            let Some(end) = rest.find(')') else { break };
            let target = &rest[..end];
            if !target.contains("://") && !target.starts_with("mailto:") {
                links.push((index + 1, target.to_owned()));
            }
        }
    }
    links
}

fn problem(root: &Path, name: &str, target: &str) -> Option<String> {
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    let path = if path.is_empty() { PathBuf::from(name) } else { normalized(&folder.join(path)) };
    if !root.join(&path).exists() {
        return Some("no such file".to_owned());
    }
    let anchor = anchor?;
    if path.extension().is_none_or(|extension| extension != "md") {
        return None;
    }
    let text = read(root, &path.to_string_lossy()).ok()?;
    let exists = headings(&text).any(|heading| heading == anchor);
    (!exists).then(|| "no such heading".to_owned())
}

/// The path without `.` and `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

/// The anchors of all headings, as GitHub derives them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let keep = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        title.chars().filter(keep).map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relative_links_outside_of_code_are_found() {
        let text = "[a](b.md) and [c](https://d.example)\n```\n[e](f.md)\n```\n[g](#h)\n";
        assert_eq!(links(text), [(1, "b.md".to_owned()), (5, "#h".to_owned())]);
    }

    #[test]
    fn anchors_follow_the_rules_of_github() {
        let anchors: Vec<_> = headings("# Known limits\n\n## `xtask`: a tool\n").collect();
        assert_eq!(anchors, ["known-limits", "xtask-a-tool"]);
    }

    #[test]
    fn parent_folders_are_resolved() {
        assert_eq!(normalized(Path::new("docs/../README.md")), Path::new("README.md"));
    }
}
