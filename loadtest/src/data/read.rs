//! Reads the rows of a file: JSON lines, or CSV with a header row.

use super::{DataFile, DataRow};
use csv::{Position, ReaderBuilder};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// The maximum size of a file, which is kept in memory up to three times.
const MAX_BYTES: u64 = 100_000_000;

/// The maximum number of rows.
const MAX_ROWS: usize = 1_000_000;

/// The format of a file, by its extension.
#[derive(Clone, Copy)]
enum Format {
    JsonLines,
    Csv,
}

impl DataFile {
    /// Reads a file. With `of_sessions`, its rows are also the data of sessions.
    ///
    /// # Errors
    ///
    /// With the name of the file, and the line at fault.
    pub(crate) fn read(path: &Path, of_sessions: bool) -> Result<Self, String> {
        let error = |reason: String| format!("--data-file {}: {reason}", path.display());
        let format = format_of(path).map_err(error)?;
        let text = read_text(path, MAX_BYTES).map_err(error)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let rows = match format {
            Format::JsonLines => json_lines(text, of_sessions, MAX_ROWS),
            Format::Csv => csv_rows(text, of_sessions, MAX_ROWS),
        };
        let rows = rows.map_err(|reason| format!("--data-file {}, {reason}", path.display()))?;
        if rows.is_empty() {
            return Err(error("has no rows".to_owned()));
        }
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { name, rows })
    }
}

fn format_of(path: &Path) -> Result<Format, String> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "jsonl" | "ndjson" | "json" => Ok(Format::JsonLines),
        "csv" => Ok(Format::Csv),
        _ => Err("the file must end in .jsonl or .ndjson (JSON lines) or .csv".to_owned()),
    }
}

fn read_text(path: &Path, max_bytes: u64) -> Result<String, String> {
    let cannot_read = |error: std::io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(cannot_read)?;
    let mut bytes = Vec::new();
    file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(cannot_read)?;
    if bytes.len() as u64 > max_bytes {
        return Err(format!("is larger than {} MB: use a part of it", max_bytes / 1_000_000));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|byte| *byte == b'\n').count();
        format!("line {line} is not valid UTF-8")
    })
}

fn json_lines(text: &str, of_sessions: bool, max_rows: usize) -> Result<Vec<Arc<DataRow>>, String> {
    let mut rows = Vec::new();
    for (line, number) in text.lines().zip(1_u64..) {
        if line.trim().is_empty() {
            continue;
        }
        let row = DataRow::parse(line, of_sessions).map_err(|reason| format!("line {number}: {reason}"))?;
        add(&mut rows, row, number, max_rows)?;
    }
    Ok(rows)
}

fn csv_rows(text: &str, of_sessions: bool, max_rows: usize) -> Result<Vec<Arc<DataRow>>, String> {
    if let Some(line) = unclosed_quote(text) {
        return Err(format!("line {line}: a quote is not closed"));
    }
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let names: Vec<String> = match reader.headers() {
        Ok(names) => names.iter().map(|name| name.trim().to_owned()).collect(),
        Err(error) => return Err(format!("line 1: {error}")),
    };
    if let [name] = &*names
        && name.contains([';', '\t'])
    {
        return Err(format!("line 1: `{}` is one column: separate columns by commas", name.escape_debug()));
    }
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(format!("line 1: column {} of the header row has no name", index + 1));
        }
        if names[..index].contains(name) {
            return Err(format!("line 1: two columns of the header row are `{name}`"));
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, Position::line);
            format!("line {line}: {error}")
        })?;
        let line = record.position().map_or(0, Position::line);
        if record.len() != names.len() {
            return Err(format!(
                "line {line}: has {} values, but the header row has {} columns",
                record.len(),
                names.len()
            ));
        }
        let columns = names.iter().zip(&record).filter(|(_, value)| !value.is_empty());
        let columns: Map<String, Value> =
            columns.map(|(name, value)| (name.clone(), cell(name, value, of_sessions))).collect();
        let row =
            DataRow::of_columns(columns, of_sessions).map_err(|reason| format!("line {line}: {reason}"))?;
        add(&mut rows, row, line, max_rows)?;
    }
    Ok(rows)
}

/// Returns the line of a quote that is not closed. The parser would take the rest of the file for its value.
fn unclosed_quote(text: &str) -> Option<u64> {
    enum At {
        Start,
        Unquoted,
        Quoted { since: u64 },
        SecondQuote { since: u64 },
    }
    let (mut at, mut line) = (At::Start, 1);
    for byte in text.bytes() {
        at = match (at, byte) {
            (At::Start, b'"') => At::Quoted { since: line },
            (At::Quoted { since }, b'"') => At::SecondQuote { since },
            (At::Quoted { since }, _) | (At::SecondQuote { since }, b'"') => At::Quoted { since },
            (_, b',' | b'\r' | b'\n') => At::Start,
            _ => At::Unquoted,
        };
        line += u64::from(byte == b'\n');
    }
    match at {
        At::Quoted { since } => Some(since),
        _ => None,
    }
}

/// A value of CSV: a string, but the payloads of sessions may be objects of JSON.
fn cell(name: &str, value: &str, of_sessions: bool) -> Value {
    let is_payload = of_sessions && matches!(name, "user" | "data");
    let object = is_payload.then(|| serde_json::from_str(value).ok()).flatten();
    object.filter(Value::is_object).unwrap_or_else(|| value.into())
}

fn add(rows: &mut Vec<Arc<DataRow>>, row: DataRow, line: u64, max_rows: usize) -> Result<(), String> {
    if rows.len() == max_rows {
        return Err(format!("line {line}: the file has more than {max_rows} rows: use a part of it"));
    }
    rows.push(Arc::new(row));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    fn file(name: &str, content: &[u8]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("loadtest-data-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn read(name: &str, content: &str) -> Result<DataFile, String> {
        DataFile::read(&file(name, content.as_bytes()), true)
    }

    #[track_caller]
    fn assert_error(name: &str, content: &str, expected: &str) {
        let error = read(name, content).unwrap_err();
        assert!(error.contains(&format!("{name}{expected}")), "{error}");
    }

    #[test]
    fn json_lines_are_rows() {
        let file = read("rows.jsonl", "\u{feff}{\"a\":1}\r\n\n{\"a\":2}").unwrap();
        assert_eq!((&*file.name, file.count()), ("rows.jsonl", 2));
        assert_eq!(file.rows[1].get("a"), Some(2.into()));
    }

    #[test]
    fn lines_of_csv_are_rows_of_strings_without_empty_values() {
        let file = read("rows.csv", "\u{feff}id,note\r\n7,\"a, \"\"b\"\"\nc\"\r\n8,\n").unwrap();
        let values = |column| file.rows.iter().map(|row| row.get(column)).collect::<Vec<_>>();
        assert_eq!(values("id"), [Some("7".into()), Some("8".into())]);
        assert_eq!(values("note"), [Some("a, \"b\"\nc".into()), None]);
    }

    #[test]
    fn payloads_in_csv_may_be_objects() {
        let file = read("payloads.csv", "user_name,user,data\nAnn,\"{\"\"age\"\":7}\",text\n").unwrap();
        let row = &file.rows[0];
        assert_eq!(row.user_name(), Some("Ann"));
        assert_eq!(row.user().unwrap().concat(), r#","age":7}"#);
        assert_eq!(row.data().concat(), r#","value":"text"}"#);
    }

    #[test]
    fn bad_lines_are_named_with_file_and_line() {
        assert_error("bad.jsonl", "{\"a\":1}\n\n{\"a\":}\n", ", line 3: is not valid JSON");
        assert_error("list.jsonl", "{}\n[1]\n", ", line 2: must be an object");
        assert_error("few.csv", "a,b\n1,2\n\"3\n3\",4\n5\n", ", line 5: has 1 values");
        assert_error("twice.csv", "a,a\n1,2\n", ", line 1: two columns of the header row are `a`");
        assert_error("unnamed.csv", "a,\n1,2\n", ", line 1: column 2 of the header row has no name");
        let path = file("latin.csv", b"name\nAnn\n\xe4\n");
        assert!(DataFile::read(&path, true).unwrap_err().ends_with("latin.csv: line 3 is not valid UTF-8"));
    }

    #[test]
    fn a_quote_that_is_not_closed_is_an_error() {
        assert_error("quote.csv", "a,b\n1,\"2\n3,4\n", ", line 2: a quote is not closed");
        assert_error("header.csv", "\"a,b\n1,2\n", ", line 1: a quote is not closed");
        assert_error("doubled.csv", "a,b\n1,\"2\"\"\n3,4\"\"", ", line 2: a quote is not closed");
        for closed in ["a,b\n1,\"2\"\"\"", "a,b\n1,2\"\n", "a,b\r\n\"1\n\",\"\"\r\n", "a,b\n\"1\"x,y\"\n"] {
            assert_eq!(read("closed.csv", closed).unwrap().count(), 1, "{closed}");
        }
    }

    #[test]
    fn columns_that_other_characters_separate_are_an_error() {
        let remedy = "is one column: separate columns by commas";
        assert_error(
            "semicolons.csv",
            "user_name;cart\nAnn;7\n",
            &format!(", line 1: `user_name;cart` {remedy}"),
        );
        assert_error("tabs.csv", "a\tb\n1\t2\n", &format!(", line 1: `a\\tb` {remedy}"));
        assert_eq!(read("one.csv", "note\na;b\n").unwrap().count(), 1);
    }

    #[test]
    fn a_file_without_rows_is_an_error() {
        for (name, content) in
            [("empty.jsonl", ""), ("blank.jsonl", "\n \n"), ("empty.csv", ""), ("head.csv", "a,b\n")]
        {
            assert!(read(name, content).unwrap_err().ends_with("has no rows"), "{name}");
        }
    }

    #[test]
    fn files_of_other_kinds_and_missing_files_are_errors() {
        assert_error("rows.txt", "", ": the file must end in .jsonl or .ndjson (JSON lines) or .csv");
        let error = DataFile::read(Path::new("/nowhere/rows.csv"), true).unwrap_err();
        assert!(error.starts_with("--data-file /nowhere/rows.csv: cannot be read: "), "{error}");
    }

    #[test]
    fn size_and_number_of_rows_are_limited() {
        let path = file("large.jsonl", &vec![b'x'; 2_000_001]);
        assert_eq!(read_text(&path, 2_000_000).unwrap_err(), "is larger than 2 MB: use a part of it");
        let error = json_lines("{}\n{}\n{}", true, 2).unwrap_err();
        assert_eq!(error, "line 3: the file has more than 2 rows: use a part of it");
        assert!(csv_rows("a\n1\n2\n3", true, 2).unwrap_err().starts_with("line 4: the file has more than 2"));
    }
}
