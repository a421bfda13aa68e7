//! A check of a recording, without a network.

use super::library::{Recorded, RecordedRun, RecordingError};
use crate::cases::cases;
use crate::check::{CheckOptions, CheckReport, CheckedService, compare};
use crate::contract::{SessionsContract, run};
use chrono::Utc;
use contract_tests::suite::{Case, ContractRoutes, RunOptions, RunReport};
use sessions_client::sessions_v1;
use std::path::Path;
use std::time::Instant;

/// Sends every case of a recorded check to the recording: today's client reads what the service responded then,
/// and the responses are compared with today's snapshots.
///
/// Cases that were not recorded are left out. A case whose requests are different today fails.
///
/// # Errors
///
/// If the file is not a recording of a check.
pub async fn replay(path: &Path, options: &CheckOptions) -> Result<CheckReport, RecordingError> {
    let (started, clock) = (Utc::now(), Instant::now());
    let recorded = Recorded::read(path)?;
    let Some(recorded_run) = &recorded.run else { return Err(RecordingError::Foreign(path.to_owned())) };
    let is_recorded = |case: &Case| recorded_run.cases.contains(&case.name());
    let (recorded_cases, others): (Vec<Case>, Vec<Case>) = cases().into_iter().partition(is_recorded);
    let mut run_report = run_all(&recorded, recorded_run, &recorded_cases).await;
    // Without a case of an operation, the shapes of its responses cannot be compared.
    let is_partial =
        others.iter().any(|case| sessions_v1::ROUTES.iter().any(|route| route.name == case.operation()));
    let unselected = if is_partial { others.len() } else { 0 };
    if !is_partial {
        run_report.skipped.extend(others.iter().map(Case::name));
    }
    let mut cases = compare(&run_report, is_partial);
    let deviations = options.deviations.apply(&mut cases, options.today);
    let service = CheckedService { address: path.display().to_string(), ..CheckedService::default() };
    Ok(CheckReport {
        duration: clock.elapsed(),
        cases,
        unselected,
        deviations,
        fail_on_unused: options.fail_on_unused,
        aborted: run_report.aborted,
        left_behind: run_report.left_behind,
        ..CheckReport::new(service, started, options.fail_on)
    })
}

/// Runs each case on its own, so that one that was not recorded to its end does not end the run.
async fn run_all(recorded: &Recorded, recorded_run: &RecordedRun, cases: &[Case]) -> RunReport {
    let options = RunOptions {
        user: recorded_run.user.clone(),
        is_exclusive: recorded_run.may_close_expired,
        ..RunOptions::default()
    };
    let transport = ContractRoutes::new(recorded.cassette.clone());
    let mut all = RunReport::default();
    for case in cases {
        let is_allowed = options.is_exclusive || !case.needs_exclusive_service(&SessionsContract);
        if is_allowed && recorded.end.as_ref().is_some_and(|end| !end.cases.contains(&case.name())) {
            all.not_reached.push(case.name());
            continue;
        }
        let report = run(transport.clone(), std::slice::from_ref(case), &options).await;
        let is_whole = !report.is_incomplete() && report.left_behind.is_empty();
        if recorded.end.is_none() && !is_whole {
            // The process ended in the middle of the case.
            all.not_reached.push(case.name());
            continue;
        }
        // The clean-up of a case with other requests was not recorded either.
        if !report.failed.iter().any(|failed| failed.reason.contains(NOT_RECORDED)) {
            all.left_behind.extend(report.left_behind);
        }
        all.failed.extend(report.failed);
        all.completed.extend(report.completed);
        all.skipped.extend(report.skipped);
        all.not_reached.extend(report.not_reached);
    }
    all.aborted = match &recorded.end {
        Some(end) => end.aborted.clone(),
        None => Some("the recording ends before its check did".to_owned()),
    };
    all
}

/// A part of the error of a request without a recorded response.
const NOT_RECORDED: &str = " was not recorded: ";
