//! A service with one change: its level, and its cause in a few lines.
//!
//! Each change is made by a transport in front of the embedded service. The snapshot `changed_service` shows what a
//! check reports about it. Deviations in a file accept each of them.

mod accepted;
mod changes;
mod service;
mod unusual;

use accepted::accept_change;
use changes::{NamedChange, changes};
use futures_util::{StreamExt as _, stream};
use service::ChangedService;
use snapshots::cases::cases;
use snapshots::check::compare;
use snapshots::comparison::{cause_lines, causes_of};
use snapshots::suite::{RunOptions, run};
use std::fmt::Write as _;

/// Maximum number of lines about the causes of one change.
const LINES: usize = 10;

/// The report about a change.
struct Reported {
    snapshot: String,
    /// The difference from what it must report, if there is one.
    wrong: Option<String>,
}

async fn report(change: NamedChange) -> Reported {
    let service = ChangedService::new(change.edit, change.edit_request);
    let options =
        RunOptions { user: "own-ü".to_owned(), is_exclusive: true, jobs: 1, ..RunOptions::default() };
    let run = run(service, &cases(), &options).await;
    let checked = compare(&run, false);
    let causes = causes_of(&checked);
    let lines = cause_lines(&causes, LINES);
    let mut snapshot = format!("# {}\n\n", change.name);
    for line in &lines {
        let _ = writeln!(snapshot, "{line}");
    }
    if let Some(cause) = causes.first() {
        let _ = writeln!(snapshot, "           {}", cause.reason);
    }
    if let Some(aborted) = &run.aborted {
        let _ = writeln!(snapshot, "(aborted: {aborted})");
    }
    for failed in run.failed {
        let _ = writeln!(snapshot, "(failed: {})", failed.name);
    }
    if std::env::var_os("CHANGE").is_some() {
        for cause in &causes {
            eprintln!("== {}: {} {cause}", change.name, cause.level);
            for (case, finding) in &cause.findings {
                eprintln!("   {} {}/{} {}", finding.level, case.folder, case.name, finding.difference);
            }
        }
    }
    let level = causes.first().map(|cause| cause.level);
    let is_right = level == change.level && causes.len() == usize::from(level.is_some());
    let wrong = (!is_right).then(|| format!("{}: {level:?}, {} causes", change.name, causes.len()));
    Reported { snapshot, wrong: wrong.or_else(|| accept_change(change.name, &checked)) }
}

/// `CHANGE=address` selects changes by their names, and shows all of their differences.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_is_reported_with_its_level_and_its_cause() {
    let selected = std::env::var("CHANGE").unwrap_or_default();
    let changes = changes().into_iter().filter(|change| change.name.contains(&selected));
    let reports = stream::iter(changes.map(|change| tokio::spawn(report(change))));
    let reports: Vec<Reported> = reports.buffered(2).map(Result::unwrap).collect().await;
    let snapshot: Vec<&str> = reports.iter().map(|report| &*report.snapshot).collect();
    let snapshot = snapshot.join("\n");
    let wrong: Vec<&str> = reports.iter().filter_map(|report| report.wrong.as_deref()).collect();
    if !selected.is_empty() {
        eprintln!("{snapshot}\n{}", wrong.join("\n"));
        return;
    }
    assert!(reports.len() > 40, "{} changes", reports.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("../snapshots");
    settings.bind(|| insta::assert_snapshot!("changed_service", snapshot));
}
