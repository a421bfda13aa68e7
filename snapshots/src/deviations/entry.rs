//! One accepted deviation, as it is written in a file.

use super::Pattern;
use crate::comparison::{Change, Expected, Folder, Level, Part};
use crate::output::printable_line;
use chrono::NaiveDate;
use contract_tests::{Map, Value};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// The keys of a deviation.
const KEYS: [&str; 12] = [
    "operation",
    "situation",
    "step",
    "part",
    "path",
    "change",
    "was",
    "is",
    "level",
    "reason",
    "owner",
    "until",
];

/// An accepted deviation of a service from the contract.
///
/// It accepts the differences that all of its conditions match. An empty list of patterns matches everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deviation {
    /// Its file and its number there.
    #[serde(flatten)]
    pub origin: Origin,
    /// The operations.
    pub operation: Vec<Pattern>,
    /// The situations: the second part of the name of a case, or the class of status of a shape, such as `2xx`.
    pub situation: Vec<Pattern>,
    /// The steps of the case, or the labels of its rows.
    pub step: Vec<Pattern>,
    /// The part of the exchange.
    pub part: Option<Part>,
    /// The name within the part: the path of a value, the name of a header, or the label of a row.
    ///
    /// The path `address` is the key of a session, also in a page. Indices may be omitted: `data[].address`.
    pub path: Vec<Pattern>,
    /// The kind of change.
    pub change: Option<Change>,
    /// The expected values, in the words of the report.
    pub was: Vec<Pattern>,
    /// The observed values, in the words of the report.
    pub is: Vec<Pattern>,
    /// The most serious level that is accepted; `None` for all levels.
    pub level: Option<Level>,
    /// The reason why the difference is accepted.
    pub reason: String,
    /// The person or team that is responsible for it.
    pub owner: Option<String>,
    /// The last day on which it holds, in UTC.
    pub until: Option<NaiveDate>,
}

/// The origin of a deviation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The path of its file, or the name of a known implementation.
    pub file: String,
    /// Its number in the file, from 1.
    pub entry: usize,
}

/// The reason why a file of deviations cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviationError {
    /// The path of the file, or the name that is not known.
    pub file: String,
    /// The number of the deviation in the file, from 1, if the reason is in one.
    pub entry: Option<usize>,
    /// The reason with its remedy, as the rest of a sentence.
    pub why: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, deviation {}", self.file, self.entry)
    }
}

impl fmt::Display for DeviationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, entry, why } = self;
        match entry {
            Some(entry) => write!(f, "{file}, deviation {entry}: {why}"),
            None => write!(f, "{file} {why}"),
        }
    }
}

impl std::error::Error for DeviationError {}

impl Deviation {
    /// Reads a deviation from its value in a file.
    pub(super) fn read(origin: Origin, value: &Value) -> Result<Self, DeviationError> {
        let (file, entry) = (origin.file.clone(), origin.entry);
        Self::parse(origin, value).map_err(|why| DeviationError { file, entry: Some(entry), why })
    }

    fn parse(origin: Origin, value: &Value) -> Result<Self, String> {
        let Value::Object(table) = value else {
            return Err(format!("must be a table with the keys {}", list(KEYS)));
        };
        for key in table.keys() {
            one_of("key", key, KEYS)?;
        }
        let deviation = Self {
            origin,
            operation: patterns(table, "operation")?,
            situation: patterns(table, "situation")?,
            step: patterns(table, "step")?,
            part: named(table, "part", Part::ALL, Part::name)?,
            path: patterns(table, "path")?,
            change: named(table, "change", Change::ALL, Change::name)?,
            was: patterns(table, "was")?,
            is: patterns(table, "is")?,
            level: named(table, "level", Level::ALL, Level::name)?,
            reason: string(table, "reason")?
                .ok_or("`reason` is missing: state why the difference is accepted")?,
            owner: string(table, "owner")?,
            until: date(table)?,
        };
        let Self { operation, situation, part, path, .. } = &deviation;
        if operation.is_empty() && situation.is_empty() && part.is_none() && path.is_empty() {
            return Err(
                "accepts everything: add an `operation`, a `situation`, a `part` or a `path`".to_owned()
            );
        }
        deviation.check_names()?;
        Ok(deviation)
    }

    /// Checks that there are cases of the operation and the situation.
    fn check_names(&self) -> Result<(), String> {
        let names: Vec<(&str, &str)> = Folder::ALL
            .into_iter()
            .flat_map(|folder| Expected.names(folder))
            .filter_map(|name| name.split_once("__"))
            .collect();
        let operations: BTreeSet<&str> = names.iter().map(|(operation, _)| *operation).collect();
        for pattern in &self.operation {
            if !operations.iter().any(|operation| pattern.matches(operation)) {
                one_of("operation", pattern.as_str(), operations.iter().copied())?;
            }
        }
        let is_named = |operation: &str| {
            self.operation.is_empty() || self.operation.iter().any(|pattern| pattern.matches(operation))
        };
        let mut situations: BTreeSet<&str> = names
            .iter()
            .filter(|(operation, _)| is_named(operation))
            .map(|(_, situation)| *situation)
            .collect();
        // A service may use other classes than the contract.
        situations.extend(["1xx", "2xx", "3xx", "4xx", "5xx"]);
        for pattern in &self.situation {
            if !situations.iter().any(|situation| pattern.matches(situation)) {
                one_of("situation of these operations", pattern.as_str(), situations.iter().copied())?;
            }
        }
        Ok(())
    }
}

/// Returns the string of a scalar.
fn scalar(key: &str, value: &Value) -> Result<String, String> {
    let string = match value {
        Value::String(string) => string.trim().to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Null => return Err(format!("`{key}` has no value: set one, or remove the key")),
        Value::Array(_) | Value::Object(_) => return Err(format!("`{key}` must be a string")),
    };
    Ok(string)
}

fn string(table: &Map, key: &str) -> Result<Option<String>, String> {
    let Some(value) = table.get(key) else { return Ok(None) };
    let string = scalar(key, value)?;
    if string.is_empty() {
        return Err(format!("`{key}` is empty: set a value, or remove the key"));
    }
    Ok(Some(string))
}

/// Returns the patterns of a key: one, or a list of them.
fn patterns(table: &Map, key: &str) -> Result<Vec<Pattern>, String> {
    let pattern = |value: &Value| Ok(Pattern::new(&scalar(key, value)?));
    match table.get(key) {
        None => Ok(Vec::new()),
        // No pattern at all would match everything.
        Some(Value::Array(items)) if items.is_empty() => {
            Err(format!("`{key}` is an empty list: remove the key to accept all"))
        }
        Some(Value::Array(items)) => items.iter().map(pattern).collect(),
        Some(value) => Ok(vec![pattern(value)?]),
    }
}

/// Returns the value whose name a key has.
fn named<T: Copy, const N: usize>(
    table: &Map,
    key: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<Option<T>, String> {
    let Some(written) = string(table, key)? else { return Ok(None) };
    let named = all.into_iter().find(|value| name(*value) == written);
    if named.is_none() {
        one_of(key, &written, all.into_iter().map(name))?;
    }
    Ok(named)
}

fn date(table: &Map) -> Result<Option<NaiveDate>, String> {
    let Some(value) = table.get("until") else { return Ok(None) };
    // The TOML parser passes a date as a table with a single key.
    let written = match value {
        Value::Object(date) if date.len() == 1 => date.values().next().unwrap_or(value),
        value => value,
    };
    let written = scalar("until", written)?;
    parse_date(&written).map(Some).map_err(|why| format!("`until` {why}"))
}

/// Parses a date such as `2027-03-31`. An error is the rest of a sentence.
pub(crate) fn parse_date(written: &str) -> Result<NaiveDate, String> {
    let is_complete = written.len() == 10;
    let date = NaiveDate::parse_from_str(written, "%Y-%m-%d").ok().filter(|_| is_complete);
    date.ok_or_else(|| format!("must be a date such as 2027-03-31, not `{}`", printable_line(written)))
}

/// Returns whether `name` may be `known` misspelled.
pub(super) fn is_near(name: &str, known: &str) -> bool {
    strsim::osa_distance(name, known) <= 1 + known.len() / 3
}

/// Returns an error if `name` is not one of `known`.
pub(super) fn one_of<'k>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Result<(), String> {
    let known: Vec<&str> = known.into_iter().collect();
    if known.contains(&name) {
        return Ok(());
    }
    let distance = |known: &str| strsim::osa_distance(name, known);
    // Of equally near names, the one with the same letters: `paht` is `path`, not `part`.
    let letters = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let near = known.iter().copied().min_by_key(|known| (distance(known), letters(known) != letters(name)));
    let near = near.filter(|near| is_near(name, near));
    let name = printable_line(name);
    Err(match near {
        Some(near) => format!("`{name}` is not a known {what}: did you mean `{near}`?"),
        None => format!("`{name}` is not a known {what}. Known: {}", list(known)),
    })
}

fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
