//! The record and its verdict. What reads records reads these, and does not see the verdict.

use super::{CannotWrite, Report};
use crate::metrics::Record;
use crate::thresholds::{Check, Comparison, Verdict};
use serde::Serialize;

#[derive(Serialize)]
struct Judged<'r> {
    #[serde(flatten)]
    record: &'r Record,
    verdict: Summary<'r>,
}

#[derive(Serialize)]
struct Summary<'r> {
    exit_code: u8,
    word: &'static str,
    line: String,
    checks: &'r [Check],
    comparison: Option<&'r Comparison>,
}

pub(super) fn text(report: &Report) -> Result<String, CannotWrite> {
    let Report { record, verdict, .. } = report;
    let Verdict { exit, checks, comparison, .. } = verdict;
    let summary = Summary {
        exit_code: exit.code(),
        word: verdict.word(),
        line: verdict.to_string(),
        checks,
        comparison: comparison.as_ref(),
    };
    let judged = Judged { record, verdict: summary };
    serde_json::to_string(&judged)
        .map(|text| text + "\n")
        .map_err(|error| CannotWrite(format!("the record cannot be written as JSON: {error}")))
}
