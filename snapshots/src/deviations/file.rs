//! Files of deviations, in YAML, TOML or JSON.

use super::entry::{Deviation, DeviationError, Origin, one_of};
use super::{Deviations, known_file, known_names};
use contract_tests::{Map, Value};
use serde::Deserialize as _;
use std::fs;
use std::path::Path;

/// The key of the deviations in a file.
pub(super) const KEY: &str = "deviations";

/// The byte order mark, which some editors write.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// The formats of files, each with its extensions.
const FORMATS: [(Format, &[&str]); 3] =
    [(Format::Yaml, &["yaml", "yml"]), (Format::Toml, &["toml"]), (Format::Json, &["json"])];

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Toml,
    Json,
}

impl Deviations {
    /// Reads the deviations of `name`: the path of a file, or a known implementation such as `old`.
    ///
    /// # Errors
    ///
    /// If there is neither such a file nor such an implementation, or if a deviation is not valid.
    pub fn named(name: &str) -> Result<Self, DeviationError> {
        if let Some(content) = known_file(name) {
            return parse(name, Format::Yaml, content, false);
        }
        let path = Path::new(name);
        if path.extension().is_some() || path.exists() {
            return Self::read(path);
        }
        let why = one_of("implementation", name, known_names()).err().unwrap_or_default();
        let why = format!("is not a file with deviations: {why}");
        Err(DeviationError { file: name.to_owned(), entry: None, why })
    }

    /// Reads a file with deviations only.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, has other keys, or if a deviation is not valid.
    pub fn read(path: &Path) -> Result<Self, DeviationError> {
        read(path, false)
    }

    /// Reads the deviations in the description of a deployment, which has other keys too.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or if a deviation is not valid.
    pub fn in_description(path: &Path) -> Result<Self, DeviationError> {
        read(path, true)
    }
}

fn read(path: &Path, is_description: bool) -> Result<Deviations, DeviationError> {
    let file = path.display().to_string();
    let error = |why: String| DeviationError { file: file.clone(), entry: None, why };
    let format = format(path).map_err(error)?;
    let content = fs::read_to_string(path).map_err(|why| error(format!("cannot be read: {why}")))?;
    parse(&file, format, &content, is_description)
}

/// Returns the format of the file at `path`, which its extension determines.
pub(super) fn format(path: &Path) -> Result<Format, String> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let extension = extension.to_ascii_lowercase();
    let format = FORMATS.into_iter().find(|(_, extensions)| extensions.contains(&&*extension));
    let why = || "must have the extension `.yaml`, `.yml`, `.toml` or `.json`".to_owned();
    format.map(|(format, _)| format).ok_or_else(why)
}

/// Returns the deviations in the content of a file.
pub(super) fn parse(
    file: &str,
    format: Format,
    content: &str,
    is_description: bool,
) -> Result<Deviations, DeviationError> {
    let error = |why: String| DeviationError { file: file.to_owned(), entry: None, why };
    let mut table = table(format, content).map_err(error)?;
    if !is_description {
        for key in table.keys() {
            one_of("key in a file of deviations", key, [KEY])
                .map_err(|why| error(format!("is not valid: {why}")))?;
        }
    }
    let entries = match table.shift_remove(KEY) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(error(format!("is not valid: `{KEY}` must be a list"))),
    };
    let read =
        |(entry, value): (usize, &Value)| Deviation::read(Origin { file: file.to_owned(), entry }, value);
    let all = (1..).zip(&entries).map(read).collect::<Result<_, _>>()?;
    Ok(Deviations { all })
}

/// Returns the keys of a file. An error does not quote the file, which may contain a password.
pub(super) fn table(format: Format, content: &str) -> Result<Map, String> {
    let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
    let at = |format: &str, line: usize, column: usize| {
        format!("is not valid {format} at line {line}, column {column}")
    };
    let value = match format {
        Format::Yaml => {
            let yaml: Result<yaml_serde::Value, _> = yaml_serde::from_str(content);
            yaml.and_then(Value::deserialize).map_err(|error| match error.location() {
                Some(location) => format!(
                    "{}; a value that begins with `*`, or contains `: ` or ` #`, must be in quotes",
                    at("YAML", location.line(), location.column())
                ),
                None => "is not valid YAML: a key is given twice, or is not a string".to_owned(),
            })?
        }
        Format::Toml => ::toml::from_str(content).map_err(|error| {
            let before = error.span().and_then(|span| content.get(..span.start)).unwrap_or_default();
            let line = before.rsplit('\n').next().unwrap_or_default();
            at("TOML", before.matches('\n').count() + 1, line.chars().count() + 1)
        })?,
        Format::Json => {
            serde_json::from_str(content).map_err(|error| at("JSON", error.line(), error.column()))?
        }
    };
    match value {
        Value::Object(table) => Ok(table),
        // An empty YAML file.
        Value::Null => Ok(Map::new()),
        _ => Err(format!("must be a table with the key `{KEY}`")),
    }
}
