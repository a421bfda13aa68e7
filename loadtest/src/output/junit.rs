//! Every criterion as a test case, for CI pipelines that show tests.

use super::{Report, criteria, messages};
use crate::metrics::Results;
use crate::thresholds::{Criterion, CriterionKind, CriterionResult, Status};
use quick_junit::{NonSuccessKind, Report as JunitReport, TestCase, TestCaseStatus, TestSuite};

pub(super) fn render(report: &Report) -> Result<String, String> {
    let Report { results, verdict, .. } = report;
    let mut junit = JunitReport::new(format!("{} load test", results.contract.name));
    junit.set_time(results.duration());
    for kind in [
        CriterionKind::Consistency,
        CriterionKind::RunHealth,
        CriterionKind::Threshold,
        CriterionKind::Regression,
    ] {
        let of_kind = verdict.criteria.iter().filter(|result| result.criterion.kind() == kind);
        let cases: Vec<_> = of_kind.map(|result| test_case(kind, result, results)).collect();
        if cases.is_empty() {
            continue;
        }
        let mut suite = TestSuite::new(criteria::kind_name(kind));
        suite.set_timestamp(results.started);
        suite.add_property(("service", messages::service(results).as_str()));
        suite.add_property(("test_run_id", results.test_run_id.as_str()));
        for (key, value) in &results.tags {
            suite.add_property((format!("tag.{key}").as_str(), value.as_str()));
        }
        if let Some(delays) = &results.rate_limit {
            suite.add_property(("calls_delayed_by_rate_limit", delays.calls.to_string().as_str()));
            suite.add_property(("rate_limit_delays_s", delays.waited().as_secs_f64().to_string().as_str()));
        }
        suite.add_test_cases(cases);
        junit.add_test_suite(suite);
    }
    let xml = junit.to_string();
    let xml = xml.map_err(|error| format!("the report cannot be written as JUnit XML: {error}"))?;
    Ok(without_skipped(&xml))
}

/// Removes the number of skipped cases of all suites, which the schemas of Ant and Jenkins do not allow.
fn without_skipped(xml: &str) -> String {
    let Some((start, rest)) = xml.split_once("<testsuites ") else { return xml.to_owned() };
    let Some((attributes, rest)) = rest.split_once('>') else { return xml.to_owned() };
    let attributes: Vec<&str> = attributes.split(' ').filter(|part| !part.starts_with("skipped=")).collect();
    format!("{start}<testsuites {}>{rest}", attributes.join(" "))
}

fn test_case(kind: CriterionKind, result: &CriterionResult, results: &Results) -> TestCase {
    let observed = criteria::observed(result);
    let status = match result.status {
        Status::Passed => TestCaseStatus::success(),
        Status::Skipped(_) => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(observed.as_str());
            skipped
        }
        Status::Inconclusive => {
            let mut unknown = TestCaseStatus::non_success(NonSuccessKind::Error);
            unknown.set_message(criteria::failure(&result.criterion)).set_type("inconclusive");
            unknown
        }
        Status::Failed => {
            let mut failed = TestCaseStatus::non_success(NonSuccessKind::Failure);
            failed.set_message(criteria::failure(&result.criterion)).set_type(criteria::kind_name(kind));
            if let Some(example) = example(&result.criterion, results) {
                failed.set_description(example);
            }
            failed
        }
    };
    let mut case = TestCase::new(criteria::name(&result.criterion), status);
    let class = criteria::kind_name(kind).replace(' ', "_");
    case.set_classname(format!("{}.{class}", results.contract.name)).set_system_out(observed);
    case
}

/// The first example of a violation.
fn example(criterion: &Criterion, results: &Results) -> Option<String> {
    let Criterion::NoViolation { kind, .. } = criterion else { return None };
    let violation = results.violations.iter().find(|violation| violation.kind == *kind)?;
    violation.examples.first().map(messages::example)
}
