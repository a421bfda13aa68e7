//! The use of deviations in a check: which differences they accept, and until when.

use super::folder;
use chrono::{DateTime, NaiveDate};
use snapshots::check::{CheckReport, CheckedCase, CheckedService, Finding, Outcome};
use snapshots::comparison::{
    Change, Difference, Evidence, Expected, Folder, Level, Location, ObjectKind, causes,
};
use snapshots::deviations::{DeviationState, Deviations, Statement, accept, add_to_file};
use std::fs;

fn deviations(test: &str, entries: &str) -> Deviations {
    let path = folder(test).join("staging.yaml");
    fs::write(&path, format!("deviations:\n{entries}")).unwrap();
    Deviations::read(&path).unwrap()
}

fn finding(location: Location, change: Change, is: &str) -> Finding {
    let (was, is, evidence) = ("absent".to_owned(), is.to_owned(), Evidence::default());
    let difference = Difference { step: "Found".to_owned(), location, change, was, is, evidence };
    Finding { difference, level: Level::Uncertain, reason: "Because.".to_owned(), deviation: None }
}

/// Every case without a difference, but one with `findings`.
fn cases(folder: Folder, name: &str, findings: &[Finding]) -> Vec<CheckedCase> {
    let all = Folder::ALL
        .into_iter()
        .flat_map(|folder| Expected.names(folder).into_iter().map(move |name| (folder, name)));
    let case = |(of, case): (Folder, &str)| {
        let findings = if (of, case) == (folder, name) { findings.to_vec() } else { Vec::new() };
        CheckedCase { folder: of, name: case.to_owned(), outcome: Outcome::Compared { findings } }
    };
    let cases: Vec<_> = all.map(case).collect();
    assert!(cases.iter().any(|case| case.name == name), "{name}");
    cases
}

fn day(date: &str) -> NaiveDate {
    date.parse().unwrap()
}

/// Returns the numbers of the entries that accept each finding of the case.
fn accepted(
    test: &str,
    entries: &str,
    folder: Folder,
    name: &str,
    findings: &[Finding],
) -> Vec<Option<usize>> {
    let mut cases = cases(folder, name, findings);
    deviations(test, entries).apply(&mut cases, day("2026-11-29"));
    let findings = cases.iter().flat_map(CheckedCase::findings);
    findings
        .map(|finding| finding.deviation.as_ref().filter(|_| finding.is_accepted()).map(|by| by.origin.entry))
        .collect()
}

#[test]
fn a_difference_is_accepted_if_all_conditions_match() {
    let findings = [
        finding(Location::Body("address".to_owned()), Change::Removed, "absent"),
        finding(Location::Body("addr".to_owned()), Change::Added, "a string"),
        finding(Location::Status, Change::Value, "500"),
        finding(Location::Header("allow".to_owned()), Change::Added, "`GET`"),
    ];
    let tables: [(&str, [bool; 4]); 16] = [
        ("path: address", [true, false, false, false]),
        ("path: addr*", [true, true, false, false]),
        ("path: [address, allow]", [true, false, false, true]),
        ("part: body", [true, true, false, false]),
        ("part: status", [false, false, true, false]),
        ("part: header\n    path: allow", [false, false, false, true]),
        ("part: status\n    is: 404", [false, false, false, false]),
        ("part: status\n    is: [404, 5*]", [false, false, true, false]),
        ("part: status\n    was: 204", [false, false, false, false]),
        ("part: status\n    was: [204, abs*]", [false, false, true, false]),
        ("operation: open_session\n    change: added", [false, true, false, true]),
        ("operation: '*_session'", [true, true, true, true]),
        ("operation: get_sessions", [false, false, false, false]),
        ("situation: only_*\n    level: uncertain", [true, true, true, true]),
        ("situation: only_*\n    level: harmless", [false, false, false, false]),
        ("step: F*\n    part: status", [false, false, true, false]),
    ];
    for (conditions, expected) in tables {
        let entries = format!("  - {conditions}\n    reason: Known.\n");
        let accepted =
            is_accepted("conditions", &entries, Folder::Service, "open_session__only_user_id", &findings);
        assert_eq!(accepted, expected, "{conditions}");
    }
}

fn is_accepted(test: &str, entries: &str, folder: Folder, name: &str, findings: &[Finding]) -> Vec<bool> {
    accepted(test, entries, folder, name, findings).iter().map(Option::is_some).collect()
}

#[test]
fn a_path_of_a_session_is_accepted_in_pages_and_shapes() {
    let entries = "  - path: address\n    reason: Known.\n";
    let body = |path: &str| finding(Location::Body(path.to_owned()), Change::Removed, "absent");
    let page =
        [body("data[0].address"), body("data[17].address"), body("data[0].data.address"), body("data")];
    let name = "get_sessions__filters";
    assert_eq!(is_accepted("page", entries, Folder::Service, name, &page), [true, true, false, false]);
    let payload = [body("data[0].address")];
    let name = "open_session__all_arguments";
    assert_eq!(is_accepted("page", entries, Folder::Service, name, &payload), [false]);
    let mut listed = body("data[0].address");
    listed.difference.evidence.object = ObjectKind::Entity;
    "address".clone_into(&mut listed.difference.evidence.key);
    let name = "open_session__two_of_one_user";
    assert_eq!(is_accepted("page", entries, Folder::Service, name, &[listed]), [true]);
    let shape = [finding(Location::Row("data[].address".to_owned()), Change::Removed, "gone")];
    assert_eq!(is_accepted("page", entries, Folder::Shapes, "get_sessions__2xx", &shape), [true]);
    let decoded = [finding(Location::Decoded("data[1].address".to_owned()), Change::Removed, "absent")];
    assert_eq!(is_accepted("page", entries, Folder::Service, "get_sessions__filters", &decoded), [true]);
    let indexed =
        "  - path: data[1].address\n    reason: Known.\n  - path: 'data[].user'\n    reason: Known.\n";
    let page = [body("data[0].address"), body("data[1].address"), body("data[9].user")];
    let name = "get_sessions__filters";
    assert_eq!(accepted("page", indexed, Folder::Service, name, &page), [None, Some(1), Some(2)]);
}

fn report(cases: Vec<CheckedCase>, fail_on: Level) -> CheckReport {
    let mut report = CheckReport::new(CheckedService::default(), DateTime::UNIX_EPOCH, fail_on);
    report.cases = cases;
    report
}

#[test]
fn a_misspelled_condition_of_an_unused_deviation_is_named() {
    let removed = [
        finding(Location::Body("address".to_owned()), Change::Removed, "absent"),
        finding(Location::Body("data[0].address".to_owned()), Change::Removed, "absent"),
        finding(Location::Status, Change::Value, "500"),
    ];
    for (conditions, expected) in [
        (
            "path: addr_ess",
            "with `path: address`, it would match 2 differences: correct or remove it (Known.)",
        ),
        (
            "path: address\n    change: added",
            "with `change: removed`, it would match 2 differences: correct or remove it (Known.)",
        ),
        (
            "path: address\n    is: absnt",
            "with `is: absent`, it would match 2 differences: correct or remove it (Known.)",
        ),
        (
            "path: address\n    step: Fuond",
            "with `step: Found`, it would match 2 differences: correct or remove it (Known.)",
        ),
        (
            "path: address\n    level: harmless",
            "with `level: uncertain`, it would match 2 differences: correct or remove it (Known.)",
        ),
        ("path: open_time", "matches no difference any more: remove it (Known.)"),
        ("part: header", "matches no difference any more: remove it (Known.)"),
        ("path: addr_ess\n    change: added", "matches no difference any more: remove it (Known.)"),
    ] {
        let entries = format!("  - {conditions}\n    reason: Known.\n");
        let mut cases = cases(Folder::Service, "get_sessions__filters", &removed);
        let uses = deviations("near_miss", &entries).apply(&mut cases, day("2026-11-29"));
        let sentence = uses[0].to_string();
        assert!(sentence.ends_with(expected), "{conditions}: {sentence}");
    }
}

#[test]
fn a_deviation_holds_through_its_last_day() {
    let deviations = deviations(
        "expiry",
        "  - part: status\n    reason: A proxy.\n    owner: team-gateway\n    until: 2026-12-31\n",
    );
    let status = [finding(Location::Status, Change::Value, "500")];
    for (today, passes) in [("2026-12-31", true), ("2027-01-01", false)] {
        let mut report =
            report(cases(Folder::Service, "open_session__only_user_id", &status), Level::Breaking);
        report.deviations = deviations.apply(&mut report.cases, day(today));
        // An expired deviation fails even if the level of the difference does not.
        assert_eq!(report.passes(), passes, "{today}");
        let sentence = report.deviations[0].to_string();
        let (_, sentence) = sentence.split_once("staging.yaml, deviation 1: ").unwrap();
        let expected = if passes {
            "accepts 1 difference: A proxy. (team-gateway, until 2026-12-31)"
        } else {
            "expired after 2026-12-31 and no longer accepts 1 difference: A proxy. (team-gateway)"
        };
        assert_eq!(sentence, expected);
        assert_eq!(report.open_findings().count(), usize::from(!passes));
    }
}

#[test]
fn a_valid_deviation_replaces_an_expired_one() {
    let entries =
        "  - part: status\n    reason: Old.\n    until: 2025-01-01\n  - part: status\n    reason: New.\n";
    let mut report = report(
        cases(
            Folder::Service,
            "open_session__only_user_id",
            &[finding(Location::Status, Change::Value, "500")],
        ),
        Level::Harmless,
    );
    report.deviations = deviations("renewed", entries).apply(&mut report.cases, day("2026-11-29"));
    let states: Vec<_> = report.deviations.iter().map(|used| used.state).collect();
    assert_eq!(states, [DeviationState::Unused, DeviationState::Used]);
    let sentence = report.deviations[0].to_string();
    let file = &report.deviations[0].deviation.origin.file;
    let expected = format!(
        "{file}, deviation 1: expired after 2025-01-01, and {file}, deviation 2 replaces it: remove it (Old.)"
    );
    assert_eq!(sentence, expected);
    assert!(report.passes());
}

#[test]
fn a_deviation_that_nothing_needs_is_unused() {
    let entries = "  - part: status\n    reason: Known.\n  - operation: get_*\n    reason: Known.\n";
    let mut report = report(cases(Folder::Service, "open_session__only_user_id", &[]), Level::Harmless);
    report.deviations = deviations("unused", entries).apply(&mut report.cases, day("2026-11-29"));
    assert!(report.deviations.iter().all(|used| used.state == DeviationState::Unused));
    assert!(report.passes());
    report.fail_on_unused = true;
    assert!(!report.passes());
}

#[test]
fn a_deviation_of_cases_that_did_not_run_is_not_unused() {
    let entries = "  - operation: get_sessions\n    reason: Known.\n  - part: status\n    reason: Known.\n  \
                   - operation: open_session\n    reason: Known.\n  - operation: close_expired_sessions\n    reason: Known.\n";
    let deviations = deviations("not-run", entries);
    let states = |cases: &mut Vec<CheckedCase>| {
        let uses = deviations.apply(cases, day("2026-11-29"));
        uses.into_iter().map(|used| used.state).collect::<Vec<_>>()
    };
    let (unused, not_checked) = (DeviationState::Unused, DeviationState::NotChecked);
    let all = || cases(Folder::Service, "open_session__only_user_id", &[]);
    let mut selected = all();
    selected.retain(|case| case.operation() == "open_session");
    assert_eq!(states(&mut selected), [not_checked, not_checked, unused, not_checked]);
    let mut aborted = all();
    for case in aborted.iter_mut().filter(|case| case.operation() == "get_sessions") {
        case.outcome = Outcome::NotReached;
    }
    assert_eq!(states(&mut aborted), [not_checked, not_checked, unused, unused]);
    let mut shared = all();
    for case in shared.iter_mut().filter(|case| case.operation() == "close_expired_sessions") {
        case.outcome = Outcome::Skipped { reason: "needs a service without other users".to_owned() };
    }
    assert_eq!(states(&mut shared), [unused, unused, unused, not_checked]);
}

#[test]
fn accepted_differences_are_counted_without_those_below_the_gate() {
    let gone = |level| {
        let location = Location::Body("address".to_owned());
        vec![Finding { level, ..finding(location, Change::Removed, "absent") }]
    };
    let mut cases = cases(Folder::Service, "open_session__only_user_id", &gone(Level::Breaking));
    let others = cases.iter_mut().filter(|case| case.operation() == "get_session_by_id");
    for case in others {
        case.outcome = Outcome::Compared { findings: gone(Level::Harmless) };
    }
    let statement = Statement { reason: "Known.".to_owned(), owner: None, until: None };
    let changes = accept(&report(cases, Level::Breaking), &statement);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert!(changes[0].change.ends_with(": 1 snapshot"), "{changes:?}");
}

#[test]
fn differences_with_several_causes_are_accepted_by_one_entry() {
    let gone = |key: &str, evidence: ObjectKind| {
        let mut gone = finding(Location::Body(key.to_owned()), Change::Removed, "absent");
        gone.difference.evidence.object = evidence;
        "address".clone_into(&mut gone.difference.evidence.key);
        gone
    };
    let findings = [gone("address", ObjectKind::Entity), gone("address", ObjectKind::Error)];
    let cases = cases(Folder::Service, "open_session__only_user_id", &findings);
    let statement = Statement { reason: "Known.".to_owned(), owner: None, until: None };
    let report = report(cases, Level::Harmless);
    assert_eq!(causes(&report).len(), 2);
    let changes = accept(&report, &statement);
    assert_eq!(changes.iter().map(|change| change.deviations.len()).sum::<usize>(), 1, "{changes:?}");
}

#[test]
fn an_accepted_status_accepts_no_other_one() {
    let status = |was: &str, situations: &[&str]| {
        let mut finding = finding(Location::Status, Change::Value, "200");
        was.clone_into(&mut finding.difference.was);
        let mut cases = cases(Folder::Service, "close_session__unknown", &[]);
        for case in &mut cases {
            if situations.iter().any(|situation| case.name == format!("close_session__{situation}")) {
                case.outcome = Outcome::Compared { findings: vec![finding.clone()] };
            }
        }
        cases
    };
    let names = Expected.names(Folder::Service);
    let situations: Vec<&str> =
        names.iter().filter_map(|name| name.strip_prefix("close_session__")).collect();
    let (other, accepted) = situations.split_last().unwrap();
    assert!(accepted.len() > 5, "{situations:?}");
    let file = folder("status").join("accepted.yaml");
    let statement = Statement { reason: "Known.".to_owned(), owner: None, until: None };
    add_to_file(&file, &accept(&report(status("204", accepted), Level::Harmless), &statement)).unwrap();
    let deviations = Deviations::read(&file).unwrap();
    for (was, situations, passes) in [
        ("204", accepted, true),
        ("400", accepted, false),
        ("404", &accepted[..1], false),
        // The same status in a situation that was not accepted.
        ("204", &[*other], false),
    ] {
        let mut report = report(status(was, situations), Level::Harmless);
        report.deviations = deviations.apply(&mut report.cases, day("2026-11-29"));
        assert_eq!(report.passes(), passes, "{was} in {situations:?}");
    }
}
