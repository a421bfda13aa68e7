//! The results and their verdict as JSON. Readers of results ignore the verdict.

use super::{Report, criteria};
use crate::metrics::Results;
use crate::thresholds::{Comparison, CriterionKind, CriterionResult, Status};
use serde::Serialize;

#[derive(Serialize)]
struct JsonReport<'r> {
    #[serde(flatten)]
    results: &'r Results,
    verdict: JsonVerdict<'r>,
}

#[derive(Serialize)]
struct JsonVerdict<'r> {
    exit_code: u8,
    word: &'static str,
    line: String,
    criteria: Vec<JsonCriterion>,
    comparison: Option<&'r Comparison>,
}

#[derive(Serialize)]
struct JsonCriterion {
    kind: CriterionKind,
    name: String,
    observed: String,
    status: &'static str,
}

impl From<&CriterionResult> for JsonCriterion {
    fn from(result: &CriterionResult) -> Self {
        Self {
            kind: result.criterion.kind(),
            name: criteria::name(&result.criterion),
            observed: criteria::observed(result),
            status: match result.status {
                Status::Passed => "passed",
                Status::Failed => "failed",
                Status::Skipped(_) => "skipped",
            },
        }
    }
}

pub(super) fn render(report: &Report) -> Result<String, String> {
    let Report { results, verdict, .. } = report;
    let json = JsonReport {
        results,
        verdict: JsonVerdict {
            exit_code: verdict.exit_code.code(),
            word: criteria::verdict_word(verdict),
            line: criteria::verdict_line(results, verdict),
            criteria: verdict.criteria.iter().map(JsonCriterion::from).collect(),
            comparison: verdict.comparison.as_ref(),
        },
    };
    serde_json::to_string(&json)
        .map(|text| text + "\n")
        .map_err(|error| format!("the results cannot be written as JSON: {error}"))
}
