//! Compares a run with the snapshots of the contract, case by case.

use super::report::{CheckedCase, Finding, Outcome};
use crate::comparison::{Expected, Folder, differences, judge};
use crate::contract::SESSION;
use contract_tests::Shapes;
use contract_tests::suite::RunReport;
use sessions_client::sessions_v1;
use std::collections::BTreeMap;

/// The case with paths outside of a base route.
pub(super) const OUTSIDE: &str = "no_operation__paths";

/// The content of a snapshot of which the service made none.
pub const NO_RESPONSE: &str = "(no response of this kind)";

/// Returns the result of each snapshot of the contract, in the order of their names, and of each new one.
///
/// If the run was `partial`, because it had only some of the cases, those without a result are left out.
#[must_use]
pub fn compare(run: &RunReport, partial: bool) -> Vec<CheckedCase> {
    let expected = Expected;
    let observed = snapshots(run, partial);
    let mut names: Vec<(Folder, String)> = observed.keys().cloned().collect();
    let of_cases = |name: &String| (Folder::Service, name.clone());
    names.extend(run.skipped.iter().chain(&run.not_reached).map(of_cases));
    names.extend(run.failed.iter().map(|case| of_cases(&case.name)));
    if !partial {
        for folder in Folder::ALL {
            let stored = expected.names(folder).into_iter().filter(|name| !name.contains('@'));
            names.extend(stored.map(|name| (folder, name.to_owned())));
        }
    }
    names.sort();
    names.dedup();
    let result = |(folder, name): (Folder, String)| {
        let outcome = outcome(run, folder, &name, observed.get(&(folder, name.clone())));
        CheckedCase { folder, name, outcome }
    };
    names.into_iter().map(result).collect()
}

fn outcome(run: &RunReport, folder: Folder, name: &str, observed: Option<&String>) -> Outcome {
    if let Some(observed) = observed {
        return compared(folder, name, observed);
    }
    if let Some(failed) = run.failed.iter().find(|case| folder == Folder::Service && case.name == name) {
        return Outcome::Failed { reason: failed.reason.clone() };
    }
    if is_skipped(run, name) {
        let reason = match name {
            OUTSIDE => "outside of the base route, where the gateway responds",
            _ => "only with --close-expired, at a service without other users",
        };
        return Outcome::Skipped { reason: reason.to_owned() };
    }
    if folder == Folder::Shapes && run.aborted.is_none() && run.is_incomplete() {
        let reason = "shapes are only compared if all cases had responses".to_owned();
        return Outcome::Skipped { reason };
    }
    if run.is_incomplete() {
        return Outcome::NotReached;
    }
    // The service made no response of this kind.
    compared(folder, name, "")
}

fn compared(folder: Folder, name: &str, observed: &str) -> Outcome {
    let operation = name.split_once("__").map_or(name, |(operation, _)| operation);
    let was = Expected.snapshot(folder, name).unwrap_or_default();
    let findings = differences(operation, &was, observed.trim_end()).into_iter().map(|difference| {
        let judgement = judge(&difference);
        Finding { difference, level: judgement.level, reason: judgement.reason.to_owned(), deviation: None }
    });
    Outcome::Compared { findings: findings.collect() }
}

fn is_skipped(run: &RunReport, name: &str) -> bool {
    run.skipped.iter().any(|skipped| skipped == name)
        || (!run.skipped.is_empty() && name.starts_with("close_expired_sessions"))
}

/// Returns the snapshots that a run made: one for each case, and unless it was `partial` the shapes of all responses.
#[must_use]
pub fn snapshots(run: &RunReport, partial: bool) -> BTreeMap<(Folder, String), String> {
    let mut shapes = Shapes::new(&SESSION);
    for case in &run.completed {
        for exchange in &case.exchanges {
            let path = exchange.request.uri().path().trim_end_matches('/');
            let route = sessions_v1::ROUTES.iter().find(|route| route.path == path);
            // The shape of an operation must not depend on the options of the run.
            let Some(route) = route else { continue };
            if !case.needs_exclusive_service || route.name == "close_expired_sessions" {
                shapes.add(route.name, &exchange.response);
            }
        }
    }
    let cases = run.completed.iter();
    let cases = cases.map(|case| ((Folder::Service, case.name.clone()), case.snapshot.clone()));
    let mut all: BTreeMap<_, _> = cases.collect();
    // The shapes of some cases are those of some responses only.
    if !partial && !run.is_incomplete() {
        let shapes = shapes.snapshots().into_iter();
        all.extend(shapes.map(|(name, snapshot)| ((Folder::Shapes, name), snapshot)));
    }
    all
}
