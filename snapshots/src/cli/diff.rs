//! The command `contract diff`.

use super::Exit;
use crate::comparison::Level;
use crate::environment::log;
use crate::output::{printable_json, printable_line};
use crate::revision::{ContractChange, contract_changes, noted_changes, read_document};
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::{error, fs};

/// Compare two revisions of the contract, and report what the changes mean for its clients
///
/// A revision is a git revision of this repository, such as `main`, `HEAD~1` or a tag, or the file of an OpenAPI 3
/// document in JSON or YAML. Descriptions and examples are not compared.
#[derive(Args, Debug)]
pub(super) struct DiffCommand {
    /// The old revision
    old: String,

    /// The new revision
    new: String,

    /// Lowest level of a change that fails the comparison: harmless, uncertain or breaking
    #[arg(long, value_name = "LEVEL", default_value_t = Level::Breaking)]
    fail_on: Level,

    /// Changelog, in whose first version a heading "Breaking" notes breaking changes, each with its operation and field,
    /// which then do not fail the comparison
    #[arg(long, value_name = "FILE")]
    changelog: Option<PathBuf>,

    /// Print the changes as JSON
    #[arg(long)]
    json: bool,
}

impl DiffCommand {
    pub(super) fn run(&self) -> Exit {
        match self.try_run() {
            Ok(exit) => exit,
            Err(error) => {
                log(&format!("error: {error}"));
                Exit::CouldNotRun
            }
        }
    }

    fn try_run(&self) -> Result<Exit, Box<dyn error::Error>> {
        let changes = contract_changes(&read_document(&self.old)?, &read_document(&self.new)?);
        let changelog = match &self.changelog {
            Some(path) => fs::read_to_string(path)
                .map_err(|error| format!("{} cannot be read: {error}", path.display()))?,
            None => String::new(),
        };
        let noted = noted_changes(&changelog, &changes);
        let passes = changes.iter().all(|change| change.level < self.fail_on || noted.contains(&change));
        let report = if self.json {
            let changes = changes.iter().map(|change| JsonChange { change, noted: noted.contains(&change) });
            let verdict = if passes { "passed" } else { "failed" };
            let json = serde_json::to_string_pretty(&JsonReport { verdict, changes: changes.collect() })?;
            printable_json(&json) + "\n"
        } else {
            render(&changes, &noted, passes)
        };
        // A closed standard output does not change the result.
        let _ = write!(io::stdout(), "{report}");
        Ok(if passes { Exit::Passed } else { Exit::Failed })
    }
}

/// The report as JSON.
#[derive(Serialize)]
struct JsonReport<'c> {
    verdict: &'static str,
    changes: Vec<JsonChange<'c>>,
}

#[derive(Serialize)]
struct JsonChange<'c> {
    #[serde(flatten)]
    change: &'c ContractChange,
    /// `true` if the changelog notes it.
    noted: bool,
}

/// Renders a line for each change, with its reason. The same change of several operations has one line.
fn render(changes: &[ContractChange], noted: &[&ContractChange], passes: bool) -> String {
    let mut out = String::new();
    let is_same = |a: &ContractChange, b: &ContractChange| {
        (a.kind, &a.part, &a.was, &a.is) == (b.kind, &b.part, &b.was, &b.is)
            && noted.contains(&a) == noted.contains(&b)
            && !a.part.is_empty()
    };
    for (index, change) in changes.iter().enumerate() {
        if changes[..index].iter().any(|earlier| is_same(earlier, change)) {
            continue;
        }
        let others: Vec<&str> = changes[index + 1..]
            .iter()
            .filter(|other| is_same(change, other))
            .map(|other| &*other.operation)
            .collect();
        let also = if others.is_empty() {
            String::new()
        } else {
            printable_line(&format!("; also of {}", others.join(", ")))
        };
        let note = if noted.contains(&change) { " (noted in the changelog)" } else { "" };
        let _ = writeln!(out, "{:<9}  {change}{also}{note}\n           {}", change.level, change.reason);
    }
    let count = |level| changes.iter().filter(|change| change.level == level).count();
    let counts: Vec<_> =
        Level::ALL.into_iter().rev().map(|level| format!("{} {level}", count(level))).collect();
    let verdict = if passes { "PASS" } else { "FAIL" };
    let s = if changes.len() == 1 { "" } else { "s" };
    let _ = writeln!(out, "{verdict}: {} change{s}: {}", changes.len(), counts.join(", "));
    out
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::revision::contract_changes;
    use serde_json::json;

    #[test]
    fn the_same_change_of_several_operations_is_reported_once() {
        let document = |kind: &str| {
            let body = json!({"content": {"x/y": {"schema": {"type": "object", "properties": {"id": {"type": kind}}}}}});
            let operation = |name: &str| json!({"get": {"operationId": name, "responses": {"200": body}}});
            json!({"openapi": "3.1.0", "paths": {"/a": operation("a"), "/b": operation("b"), "/c": operation("c")}})
        };
        let changes = contract_changes(&document("string"), &document("integer"));
        assert_eq!(
            render(&changes, &[&changes[1]], false),
            "breaking   a, response 200, field `id`: was string, is integer; also of c\n           \
             Clients cannot decode the new type.\n\
             breaking   b, response 200, field `id`: was string, is integer (noted in the changelog)\n           \
             Clients cannot decode the new type.\n\
             FAIL: 3 changes: 3 breaking, 0 uncertain, 0 harmless\n"
        );
    }
}
