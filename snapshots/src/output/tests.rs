//! Reports of runs with every kind of outcome, also from a malicious service.

use super::*;
use crate::check::{CheckedCase, CheckedService, Finding, Outcome};
use crate::comparison::{Change, Difference, Evidence, Folder, Level, Location};
use crate::deviations::{DeviationState, Deviations};
use chrono::{DateTime, NaiveDate};
use serde_json::{Value, json};
use std::time::Duration;

/// A report of a passing check, with few snapshots.
fn passing() -> CheckReport {
    let service = CheckedService {
        address: "https://sessions.staging.example".to_owned(),
        name: Some("service-sessions".to_owned()),
        version: Some("1.2.0".to_owned()),
    };
    let started = DateTime::parse_from_rfc3339("2026-03-01T12:00:00Z").unwrap().to_utc();
    let mut report = CheckReport::new(service, started, Level::Breaking);
    "0.1.0".clone_into(&mut report.program_version);
    report.contract_hash = format!("sha256:{}", "0123456789abcdef".repeat(4));
    report.duration = Duration::from_millis(1_500);
    let cases = [
        (Folder::Service, "close_session__open"),
        (Folder::Service, "get_session_by_id__missing"),
        (Folder::Service, "open_session__all_arguments"),
        (Folder::Service, "open_session__only_user_id"),
        (Folder::Shapes, "open_session__2xx"),
    ];
    report.cases = cases
        .map(|(folder, name)| CheckedCase {
            folder,
            name: name.to_owned(),
            outcome: Outcome::Compared { findings: vec![] },
        })
        .to_vec();
    report
}

fn finding(level: Level, location: Location, change: Change, was: &str, is: &str) -> Finding {
    let (step, was, is) = ("Opened".to_owned(), was.to_owned(), is.to_owned());
    let difference = Difference { step, location, change, was, is, evidence: Evidence::default() };
    Finding { difference, level, reason: format!("This is why it is {level}."), deviation: None }
}

/// A service with a renamed key, an additional one, and another status.
fn failing() -> CheckReport {
    let mut report = passing();
    let is = |name: &str| Location::Body(name.to_owned());
    let gone = || finding(Level::Breaking, is("address"), Change::Removed, "a string", "absent");
    let added = || finding(Level::Harmless, is("region"), Change::Added, "absent", "a string");
    let status = finding(Level::Breaking, Location::Status, Change::Value, "200", "204");
    let findings = [vec![added()], vec![status], vec![gone(), added()], vec![gone()], vec![]];
    for (case, findings) in report.cases.iter_mut().zip(findings) {
        case.outcome = Outcome::Compared { findings };
    }
    report
}

/// A service that only adds a key, and a case that was skipped.
fn harmless() -> CheckReport {
    let mut report = passing();
    let added =
        finding(Level::Harmless, Location::Body("region".to_owned()), Change::Added, "absent", "a string");
    report.cases[0].outcome = Outcome::Compared { findings: vec![added] };
    report.cases[1].outcome =
        Outcome::Skipped { reason: "only with --close-expired, at a service without other users".to_owned() };
    report
}

/// The same service as in [`failing`], with deviations: one in use, one that has expired, one that is unused.
fn deviating() -> CheckReport {
    let mut report = failing();
    apply(
        &mut report,
        r#"{"deviations": [
        {"path": "region", "reason": "Regions are new.", "owner": "team-a"},
        {"path": "address", "reason": "Addresses are hidden.", "until": "2026-02-28"},
        {"path": "open_time", "reason": "Times are hidden."}
    ]}"#,
    );
    // The few cases of this report are not all that it names.
    report.deviations[2].state = DeviationState::Unused;
    report.fail_on_unused = true;
    report
}

/// The same service as in [`harmless`], with a deviation that has expired: only that fails the check.
fn expired() -> CheckReport {
    let mut report = harmless();
    apply(
        &mut report,
        r#"{"deviations": [{"path": "region", "reason": "Regions are new.", "until": "2026-02-28"}]}"#,
    );
    report
}

/// Marks the differences that deviations accept.
fn apply(report: &mut CheckReport, written: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("staging.json");
    std::fs::write(&file, written).unwrap();
    let in_file = Deviations::read(&file).unwrap();
    let mut deviations = Deviations::default();
    deviations.extend(in_file.all().iter().cloned().map(|mut deviation| {
        "staging.json".clone_into(&mut deviation.origin.file);
        deviation
    }));
    report.deviations = deviations.apply(&mut report.cases, NaiveDate::from_ymd_opt(2026, 3, 1).unwrap());
}

/// A run that a signal stopped, and that left a session behind.
fn stopped() -> CheckReport {
    let mut report = passing();
    report.is_stopped = true;
    report.aborted = Some("it was stopped".to_owned());
    report.left_behind = vec!["6f1c0001".to_owned()];
    report.user = Some("contract-test-ü-1".to_owned());
    report.target = Some(vec!["--config".to_owned(), "staging.yaml".to_owned()]);
    report.cases[2].outcome = Outcome::NotReached;
    report.cases[3].outcome = Outcome::NotReached;
    report
}

/// A service that cannot be reached.
fn refused() -> CheckReport {
    let mut report = passing();
    report.service = CheckedService { name: None, version: None, ..report.service };
    let why = "cannot be tested: connection refused: start it; no session was opened";
    report.refused = Some(format!("{} {why}", report.service.address));
    for case in &mut report.cases {
        case.outcome = Outcome::NotReached;
    }
    report
}

/// A service that fails one of the selected cases.
fn unresponsive() -> CheckReport {
    let mut report = passing();
    report.cases.pop();
    report.unselected = 100;
    let reason = "Opened: no response: open_session: the connection was closed".to_owned();
    report.cases[3].outcome = Outcome::Failed { reason };
    report
}

/// A service that returns markup, commands of CI systems and control characters.
fn malicious() -> CheckReport {
    let mut report = passing();
    report.service.name = Some("<img src=x> @ann ##vso[task.complete]".to_owned());
    let is = "`</summary><script>x</script>|\u{1b}[31m` ]]>\n::error::x\n##teamcity[x]";
    let value = finding(Level::Breaking, Location::Header("x".to_owned()), Change::Value, "`a`", is);
    report.cases[0].outcome = Outcome::Compared { findings: vec![value] };
    report.aborted = Some("see https://x.example/ [x](y)".to_owned());
    report
}

fn all() -> [(&'static str, CheckReport); 9] {
    [
        ("passing", passing()),
        ("failing", failing()),
        ("harmless", harmless()),
        ("deviating", deviating()),
        ("expired", expired()),
        ("stopped", stopped()),
        ("refused", refused()),
        ("unresponsive", unresponsive()),
        ("malicious", malicious()),
    ]
}

fn console_of(report: &CheckReport) -> String {
    let rendered = console::render(&Summary::of(report), &["report.xml".to_owned()]);
    anstream::adapter::strip_str(&rendered).to_string()
}

fn json_of(report: &CheckReport) -> Value {
    serde_json::from_str(&json::render(&Summary::of(report)).unwrap()).unwrap()
}

/// Reports of a kind, one after another.
fn rendered(render: impl Fn(&CheckReport) -> String) -> String {
    all().map(|(name, report)| format!("=== {name}\n{}", render(&report))).join("\n")
}

#[test]
fn the_console_begins_with_the_causes_and_ends_with_the_verdict() {
    insta::assert_snapshot!(rendered(console_of));
}

#[test]
fn the_page_of_a_job_contains_no_markup_of_the_service() {
    insta::assert_snapshot!(rendered(|report| markdown::render(&Summary::of(report))));
}

#[test]
fn every_snapshot_is_a_test_case() {
    insta::assert_snapshot!(rendered(|report| junit::render(&Summary::of(report)).unwrap()));
}

#[test]
fn every_cause_is_an_annotation() {
    let page = [CiSystem::Github, CiSystem::Azure, CiSystem::Teamcity].map(|system| {
        let annotations = rendered(|report| system.annotations(&Summary::of(report), Some("staging.yaml")));
        format!("{system:?}\n\n{annotations}")
    });
    insta::assert_snapshot!(page.join("\n"));
}

#[test]
fn every_cause_is_an_issue_of_code_quality() {
    insta::assert_snapshot!(rendered(|report| {
        code_quality::render(&Summary::of(report), "staging.yaml").unwrap()
    }));
}

#[test]
fn json_has_no_hidden_characters_of_the_service() {
    let mut report = passing();
    let name = "x-\u{202e}a\u{2028}b\u{200b}".to_owned();
    let finding = finding(Level::Breaking, Location::Header(name), Change::Removed, "a", "absent");
    report.cases[0].outcome = Outcome::Compared { findings: vec![finding] };
    report.aborted = Some("refused\u{2066}\u{fe01}".to_owned());
    let quality = code_quality::render(&Summary::of(&report), "staging.yaml").unwrap();
    assert!(quality.contains("x-�a�b�") && quality.contains("refused��"), "{quality}");
    let report = json::render(&Summary::of(&report)).unwrap();
    assert!(
        report.contains(r"x-\u202ea\u2028b\u200b") && report.contains(r"refused\u2066\ufe01"),
        "{report}"
    );
    for json in [quality, report] {
        assert!(json.chars().all(|c| c == '\n' || wiretrait::is_displayed(c)), "{json}");
    }
}

#[test]
fn json_has_all_differences_and_a_line_of_the_history_the_verdict() {
    insta::assert_snapshot!(rendered(|report| {
        let summary = Summary::of(report);
        json::line(&summary).unwrap() + &json::render(&summary).unwrap()
    }));
}

#[test]
fn colors_are_the_only_control_characters_on_the_console() {
    for (name, report) in all() {
        let console = console_of(&report);
        assert!(!console.chars().any(|char| char.is_control() && char != '\n'), "{name}: {console}");
        assert!(!console.contains("##"), "{name}: {console}");
    }
}

#[test]
fn many_causes_are_ten_lines_and_a_page_fits_in_a_comment() {
    let mut report = passing();
    let findings = (0..2_000).map(|number| {
        let location = Location::Header(format!("x-{number}"));
        finding(Level::Uncertain, location, Change::Added, "absent", &"`x`".repeat(1_000))
    });
    report.cases[0].outcome = Outcome::Compared { findings: findings.collect() };
    let console = console_of(&report);
    let first: Vec<&str> = console.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!((first.len(), *first.last().unwrap()), (10, "and 1992 other causes"));
    assert!(console.lines().last().unwrap().starts_with("PASS: "), "{console}");
    let page = markdown::render(&Summary::of(&report));
    assert!(page.len() < 65_536, "{}", page.len());
    assert!(page.trim_end().ends_with("are in the other reports."), "{page}");
    let annotations = CiSystem::Github.annotations(&Summary::of(&report), None);
    assert_eq!(annotations.lines().count(), 10);
}

#[test]
fn every_report_names_an_expired_deviation_as_the_reason_of_a_failure() {
    let report = expired();
    let summary = Summary::of(&report);
    let deviation = "staging.json, deviation 1: expired after 2026-02-28";
    let console = console_of(&report);
    assert!(console.lines().nth(1).unwrap().contains(deviation), "{console}");
    let last = console.lines().last().unwrap();
    assert!(last.starts_with("FAIL: ") && last.ends_with(", 1 deviation has expired"), "{console}");
    let page = markdown::render(&summary);
    let row = page.lines().find(|line| line.starts_with("| 🔴 **expired** | ")).unwrap();
    assert!(row.contains("deviation 1: expired after"), "{page}");
    let annotations = CiSystem::Github.annotations(&summary, None);
    let errors: Vec<&str> = annotations.lines().filter(|line| line.starts_with("::error")).collect();
    assert!(errors.len() == 1 && errors[0].contains(deviation), "{annotations}");
    let quality = code_quality::render(&summary, "staging.yaml").unwrap();
    assert!(quality.contains(deviation), "{quality}");
}

#[test]
fn a_lost_service_fails_its_test_and_few_of_many_sessions_are_shown() {
    let mut report = passing();
    report.aborted = Some("the service no longer responds: a case: connection refused".to_owned());
    report.left_behind = (0..140).map(|number| format!("session-{number}")).collect();
    for shown in [console_of(&report), markdown::render(&Summary::of(&report))] {
        assert_eq!(shown.matches("session-").count(), 5, "{shown}");
        assert!(shown.contains("and 135 more"), "{shown}");
    }
    assert_eq!(json_of(&report)["left_behind"].as_array().unwrap().len(), 140);
    let junit = junit::render(&Summary::of(&report)).unwrap();
    let (_, responds) = junit.split_once("\"the service responds\"").unwrap();
    assert!(responds.split_once("</testcase>").unwrap().0.contains("connection refused"), "{junit}");
}

#[test]
fn the_cleanup_command_is_quoted_and_names_sessions_without_a_user() {
    let mut report = stopped();
    report.left_behind.push("6f1c; rm -r *".to_owned());
    report.left_unowned = ["6f1c; rm -r *", "-6f1c"].map(str::to_owned).to_vec();
    report.target = Some(["--config", "my staging.yaml"].map(str::to_owned).to_vec());
    let console = console_of(&report);
    let command = console.lines().find(|line| line.starts_with("delete them with")).unwrap();
    assert_eq!(
        command,
        "delete them with: contract cleanup --user contract-test-ü-1 --session='6f1c; rm -r *' --session=-6f1c \
         --config 'my staging.yaml'"
    );
}

#[test]
fn a_report_file_has_the_format_of_its_name() {
    let format = |name: &str| name.parse::<ReportFile>().map(|file| file.format);
    for (name, expected) in [
        ("a/contract.json", Format::Json),
        ("contract.XML", Format::Junit),
        ("contract.md", Format::Markdown),
        ("gl-code-quality-report.json", Format::CodeQuality),
        ("codequality.json", Format::CodeQuality),
    ] {
        assert_eq!(format(name), Ok(expected), "{name}");
    }
    for name in ["", "contract", "contract.html", "a.json/b", ".json.gz"] {
        format(name).unwrap_err();
    }
}

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/contract-report.schema.json");

/// Allows no keys other than those of the type.
fn close(schema: &mut schemars::Schema) {
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
}

#[test]
fn every_report_is_valid_by_the_published_schema_of_its_type() {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<json::JsonReport<'_>>();
    schemars::transform::Transform::transform(
        &mut schemars::transform::RecursiveTransform(close),
        &mut schema,
    );
    let schema = schema.to_value();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        std::fs::write(SCHEMA, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
    }
    let published: Value = serde_json::from_str(&std::fs::read_to_string(SCHEMA).unwrap()).unwrap();
    assert!(published == schema, "update {SCHEMA} with INSTA_UPDATE=always");
    let validator = jsonschema::validator_for(&published).unwrap();
    for (name, report) in all() {
        let errors: Vec<_> =
            validator.iter_errors(&json_of(&report)).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
    }
    let valid = json_of(&failing());
    for pointer in ["", "/service", "/counts", "/causes/0", "/snapshots/0", "/snapshots/0/differences/0"] {
        let mut more = valid.clone();
        more.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert("unknown".to_owned(), json!(1));
        assert!(!validator.is_valid(&more), "unknown key in {pointer:?}");
    }
}
