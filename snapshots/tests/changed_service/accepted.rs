//! Every change as deviations in a file: they accept it until their last day, and nothing else.

use chrono::{DateTime, Days, NaiveDate};
use snapshots::check::{CheckReport, CheckedCase, CheckedService};
use snapshots::comparison::Level;
use snapshots::deviations::{DeviationState, Deviations, Statement, accept, add_to_file};
use std::fs;
use std::path::PathBuf;

/// The last day of the deviations.
fn last_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, 3, 31).unwrap()
}

/// Writes deviations for all differences of the cases to a file. Returns a sentence if the file does not accept all of
/// them, or if it does after their last day.
pub(crate) fn accept_change(name: &str, cases: &[CheckedCase]) -> Option<String> {
    let mut report = CheckReport::new(CheckedService::default(), DateTime::UNIX_EPOCH, Level::Harmless);
    report.cases = cases.to_vec();
    let has_differences = report.findings().next().is_some();
    let statement = Statement {
        reason: "Known.".to_owned(),
        owner: Some("team-gateway".to_owned()),
        until: Some(last_day()),
    };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("accepted");
    fs::create_dir_all(&folder).unwrap();
    let name_of_file: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let file = folder.join(format!("{name_of_file}.yaml"));
    let _ = fs::remove_file(&file);
    add_to_file(&file, &accept(&report, &statement)).unwrap();
    let deviations = Deviations::read(&file).unwrap();
    let mut passes = |today: NaiveDate, state: DeviationState| {
        report.deviations = deviations.apply(&mut report.cases, today);
        report.deviations.iter().all(|used| used.state == state) && report.passes()
    };
    if !passes(last_day(), DeviationState::Used) {
        return Some(format!("{name}: the deviations do not accept all differences, or not all are needed"));
    }
    let is_over = last_day() + Days::new(1);
    let still_passes = has_differences && passes(is_over, DeviationState::Expired);
    still_passes.then(|| format!("{name}: the deviations accept differences after their last day"))
}
