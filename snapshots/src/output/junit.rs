//! The report as `JUnit` XML, for CI pipelines that show tests: one case for each snapshot.

use super::summary::{Summary, explained, not_run};
use crate::check::{CheckedCase, Finding, Outcome};
use crate::comparison::Folder;
use contract_tests::suite::LOST;
use quick_junit::{NonSuccessKind, Report as JunitReport, TestCase, TestCaseStatus, TestSuite};
use wiretrait::is_displayed;

pub(super) fn render(summary: &Summary<'_>) -> Result<String, quick_junit::SerializeError> {
    let report = summary.report;
    let mut junit = JunitReport::new("contract");
    junit.set_time(report.duration);
    let lost = report.aborted.iter().filter(|reason| reason.starts_with(LOST));
    let silent: Vec<String> = report.refused.iter().chain(lost).cloned().collect();
    let mut run = vec![run_case("the service responds", &silent)];
    let mut conditions = vec![
        ("all cases are reached", report.aborted.as_slice()),
        ("no sessions are left behind", &*report.left_behind),
    ];
    let unused = summary.failing_deviations();
    if report.fail_on_unused {
        conditions.push(("all deviations are used", &unused));
    }
    run.extend(conditions.into_iter().map(|(name, problems)| match &report.refused {
        Some(_) => skipped_case(name, "the service was not checked"),
        None => run_case(name, problems),
    }));
    junit.add_test_suite(suite(summary, "run", run));
    for folder in Folder::ALL {
        let cases = report.cases.iter().filter(|case| case.folder == folder);
        let suite = suite(summary, folder.name(), cases.map(|case| test_case(summary, case)));
        junit.add_test_suite(suite);
    }
    let xml = junit.to_string()?;
    let xml = xml.replace(|char| char != '\n' && !is_displayed(char), "\u{fffd}");
    Ok(without_skipped(&xml))
}

/// Removes the number of skipped cases of all suites, which the schemas of Ant and Jenkins do not allow.
fn without_skipped(xml: &str) -> String {
    let Some((start, rest)) = xml.split_once("<testsuites ") else { return xml.to_owned() };
    let Some((attributes, rest)) = rest.split_once('>') else { return xml.to_owned() };
    let attributes: Vec<&str> = attributes.split(' ').filter(|part| !part.starts_with("skipped=")).collect();
    format!("{start}<testsuites {}>{rest}", attributes.join(" "))
}

/// A suite with the properties of the check: readers show those of a suite, but not those of all suites.
fn suite(summary: &Summary<'_>, name: &str, cases: impl IntoIterator<Item = TestCase>) -> TestSuite {
    let report = summary.report;
    let mut suite = TestSuite::new(name);
    suite.set_timestamp(report.started);
    let service = &report.service;
    let properties = [
        ("service", Some(&service.address)),
        ("service_name", service.name.as_ref()),
        ("service_version", service.version.as_ref()),
        ("contract", Some(&report.contract_hash)),
        ("program_version", Some(&report.program_version)),
    ];
    for (name, value) in properties {
        if let Some(value) = value {
            suite.add_property((name, value.as_str()));
        }
    }
    suite.add_property(("fail_on", report.fail_on.name()));
    suite.add_test_cases(cases);
    suite
}

/// A condition of the run itself, and what is wrong with it.
fn run_case(name: &str, problems: &[String]) -> TestCase {
    let status = match problems {
        [] => TestCaseStatus::success(),
        [first, ..] => {
            let mut error = TestCaseStatus::non_success(NonSuccessKind::Error);
            error.set_type("run").set_message(one_line(first)).set_description(problems.join("\n"));
            error
        }
    };
    let mut case = TestCase::new(name, status);
    case.set_classname("contract.run");
    case
}

/// A condition of a run that did not take place.
fn skipped_case(name: &str, why: &str) -> TestCase {
    let mut skipped = TestCaseStatus::skipped();
    skipped.set_message(why);
    let mut case = TestCase::new(name, skipped);
    case.set_classname("contract.run");
    case
}

fn test_case(summary: &Summary<'_>, case: &CheckedCase) -> TestCase {
    let (failing, others): (Vec<_>, Vec<_>) =
        case.findings().iter().partition(|finding| summary.report.fails_on(finding));
    let worst = failing.iter().max_by_key(|finding| finding.level);
    let status = match (&case.outcome, not_run(case), worst) {
        (Outcome::Failed { reason }, ..) => {
            let mut error = TestCaseStatus::non_success(NonSuccessKind::Error);
            error.set_type("failed").set_message(one_line(reason)).set_description(reason.as_str());
            error
        }
        (_, Some(reason), _) => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(reason);
            skipped
        }
        (_, None, Some(worst)) => {
            let mut failure = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let message = match failing.len() {
                1 => worst.difference.to_string(),
                count => format!("{count} differences, such as: {}", worst.difference),
            };
            failure
                .set_type(worst.level.name())
                .set_message(one_line(&message))
                .set_description(lines(&failing));
            failure
        }
        (_, None, None) => TestCaseStatus::success(),
    };
    let name = match case.situation() {
        "" => case.operation(),
        situation => situation,
    };
    let mut test = TestCase::new(name, status);
    test.set_classname(format!("contract.{}.{}", case.folder, case.operation()));
    if !others.is_empty() {
        test.set_system_out(lines(&others));
    }
    test
}

/// A message for an attribute, in which readers of XML replace line ends.
fn one_line(message: &str) -> String {
    message.replace(|char| !is_displayed(char), " ")
}

/// One line for each difference.
fn lines(findings: &[&Finding]) -> String {
    findings.iter().map(|finding| explained(finding)).collect::<Vec<_>>().join("\n")
}
