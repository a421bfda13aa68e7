//! The causes as a code quality report of GitLab, which shows them in merge requests.
//!
//! Its format is that of Code Climate issues, of which GitLab reads a part.

use super::escape::printable;
use super::summary::Summary;
use crate::comparison::{Cause, Level};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// Renders a report. GitLab shows each cause at the first line of `path`.
pub(super) fn render(summary: &Summary<'_>, path: &str) -> Result<String, serde_json::Error> {
    let issue = |key: &str, description: String, check_name: &'static str, severity: &'static str| Issue {
        description: printable(&description),
        check_name,
        fingerprint: fingerprint(&[check_name, key]),
        severity,
        location: Location { path: path.to_owned(), lines: Lines { begin: 1 } },
    };
    let problems = summary
        .problems()
        .into_iter()
        .chain(summary.failures())
        .map(|problem| issue(&problem, problem.clone(), "run", "blocker"));
    let of_cause = |cause: &Cause<'_>| {
        let severity = match cause.level {
            Level::Breaking => "critical",
            Level::Uncertain => "minor",
            Level::Harmless => "info",
        };
        let description = format!("{}: {} ({})", cause.level, cause.title, cause.scope());
        // Without the extent, which may change from run to run.
        issue(&cause.title, description, cause.level.name(), severity)
    };
    let expired = summary.expired().into_iter().map(|used| {
        // Without the number of its differences, which may change from run to run.
        issue(&used.deviation.origin.to_string(), used.to_string(), "expired", "critical")
    });
    let issues: Vec<Issue> = problems.chain(expired).chain(summary.causes.iter().map(of_cause)).collect();
    serde_json::to_string_pretty(&issues).map(|json| json + "\n")
}

/// The identity of an issue, by which GitLab finds out which ones are new.
fn fingerprint(parts: &[&str]) -> String {
    let digest = Sha256::digest(parts.join("\n"));
    digest.iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
