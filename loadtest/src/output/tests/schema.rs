//! The published schema of JSON reports.

use super::*;
use crate::output::json::JsonReport;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::{Value, json};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/loadtest-report.schema.json");

/// Allows no keys other than those of the type, and replaces links of rustdoc by what they link to.
fn close(schema: &mut schemars::Schema) {
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = without_links(description);
    }
}

/// Turns "[`a`](b)" and "[`a`]" into "`a`".
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut parts = text.split("[`");
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once("`]").unwrap();
        let rest = rest.strip_prefix('(').and_then(|link| Some(link.split_once(')')?.1)).unwrap_or(rest);
        plain.extend(["`", name, "`", rest]);
    }
    plain
}

fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<JsonReport<'_>>();
    RecursiveTransform(close).transform(&mut schema);
    schema.to_value()
}

fn published() -> Value {
    serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap()
}

fn json_of(report: &Report) -> Value {
    serde_json::from_str(&report.render(ReportFormat::Json).unwrap()).unwrap()
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let schema = schema();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        std::fs::write(FILE, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
    }
    assert!(published() == schema, "update {FILE} with INSTA_UPDATE=always");
}

#[test]
fn every_kind_of_report_is_valid_by_the_published_schema() {
    let validator = jsonschema::validator_for(&published()).unwrap();
    let mut unfinished = passing();
    unfinished.ending = Ending::InProgress;
    let mut failed = sample::results(&[]);
    failed.ending = Ending::Failed { reason: "it panicked".to_owned() };
    let against = Results { against: Some(Box::new(failing())), ..passing() };
    let runs =
        [passing(), failing(), frozen(), stepped(), merged(), breakpoint(), unfinished, failed, against];
    for report in runs.into_iter().map(report).chain([compared()]) {
        let errors: Vec<_> = validator
            .iter_errors(&json_of(&report))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}

#[test]
fn the_schema_rejects_missing_and_unknown_keys_everywhere() {
    let validator = jsonschema::validator_for(&published()).unwrap();
    let valid = json_of(&report(stepped()));
    for pointer in [
        "",
        "/operations/open_session",
        "/statistics/all/latency_ms",
        "/verdict",
        "/steps/1",
        "/load/steps/0",
    ] {
        let mut more = valid.clone();
        more.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert("unknown".to_owned(), json!(1));
        assert!(!validator.is_valid(&more), "unknown key in {pointer:?}");
        let mut less = valid.clone();
        let object = less.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        let first = object.keys().next().unwrap().clone();
        object.remove(&first);
        assert!(!validator.is_valid(&less), "{first} is missing in {pointer:?}");
    }
}

#[expect(clippy::cast_precision_loss)]
fn millis(micros: u64) -> Value {
    json!(micros as f64 / 1e3)
}

#[test]
fn percentiles_in_json_are_those_of_the_histograms() {
    let report = report(stepped());
    let statistics = &json_of(&report)["statistics"];
    let (all, operation) = (&statistics["all"], &statistics["operations"]["open_session"]);
    assert_eq!(all, operation);
    let latency = report.results.latency();
    for (name, percent) in [("p50", 50.0), ("p90", 90.0), ("p95", 95.0), ("p99", 99.0), ("p99.9", 99.9)] {
        let expected = latency.percentile(percent).unwrap();
        assert_eq!(all["latency_ms"][name], millis(expected), "{name}");
    }
    assert_eq!(all["latency_ms"]["mean"], json!(latency.mean().unwrap() / 1e3));
    assert_eq!(all["latency_ms"]["max"], millis(latency.max().unwrap()));
    assert_eq!(
        (&all["calls"], &all["failed"], &all["error_rate_percent"]),
        (&json!(2_000), &json!(0), &json!(0.0))
    );
    assert_eq!(
        (&statistics["steps"][1]["failed"], &statistics["steps"][1]["latency_ms"]["p95"]),
        (&json!(3), &json!(900.0))
    );
    assert_eq!((&statistics["warm_up"]["calls"], &statistics["warm_up"]["failed"]), (&json!(501), &json!(1)));
}
