//! Every check as a test case, for pipelines that show tests.

use super::{CannotWrite, Report, messages as words};
use crate::thresholds::{Check, Group, Outcome};
use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

pub(super) fn text(report: &Report) -> Result<String, CannotWrite> {
    let Report { record, verdict, .. } = report;
    let mut junit = Junit::new("loadtest");
    junit.set_timestamp(record.started).set_time(record.span());
    for (group, name) in [
        (Group::Invariant, "invariants"),
        (Group::Guard, "guards"),
        (Group::Threshold, "thresholds"),
        (Group::Regression, "regressions"),
    ] {
        let checks: Vec<_> = verdict.checks.iter().filter(|check| check.group == group).collect();
        if checks.is_empty() {
            continue;
        }
        let mut suite = TestSuite::new(name);
        suite.set_timestamp(record.started);
        suite.add_property(("service", words::service(record).as_str()));
        suite.add_property(("run", record.run.as_str()));
        suite.add_test_cases(checks.into_iter().map(|check| case(name, check)));
        junit.add_test_suite(suite);
    }
    junit
        .to_string()
        .map_err(|error| CannotWrite(format!("the report cannot be written as JUnit XML: {error}")))
}

fn case(suite: &str, check: &Check) -> TestCase {
    let Check { name, observed, outcome, reason, .. } = check;
    let status = match outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Skipped => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(observed.as_str());
            skipped
        }
        Outcome::Failed => {
            let mut failed = TestCaseStatus::non_success(NonSuccessKind::Failure);
            failed.set_message(reason.as_deref().unwrap_or(observed)).set_type(suite);
            failed
        }
    };
    let mut case = TestCase::new(name.as_str(), status);
    case.set_classname(format!("loadtest.{suite}")).set_system_out(observed.as_str());
    case
}
