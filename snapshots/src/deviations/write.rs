//! Adds deviations to the file of a user, which otherwise stays unchanged.

use super::Pattern;
use super::accept::Accepted;
use super::entry::{Deviation, DeviationError};
use super::file::{BYTE_ORDER_MARK, Format, KEY, format, parse, table};
use crate::comparison::{Change, Level, Part};
use crate::output::{printable_json, printable_line};
use contract_tests::Value;
use programs::files;
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};
use wiretrait::is_displayed;

/// Returns the content of a new file, without deviations.
fn new_file(format: Format) -> &'static str {
    match format {
        Format::Yaml | Format::Toml => {
            "# Accepted deviations of a service from the contract of the sessions service.\n"
        }
        Format::Json => "{}",
    }
}

/// Adds deviations to the file at `path`, which is created if it is missing. Everything in it stays unchanged, also
/// its comments.
///
/// # Errors
///
/// If the file cannot be read or written, or its deviations are written such that none can be added.
pub fn add_to_file(path: &Path, accepted: &[Accepted]) -> Result<(), DeviationError> {
    let file = path.display().to_string();
    let error = |why: String| DeviationError { file: file.clone(), entry: None, why };
    let format = format(path).map_err(error)?;
    let old = match fs::read_to_string(path) {
        Ok(content) => content,
        Err(why) if why.kind() == io::ErrorKind::NotFound => new_file(format).to_owned(),
        Err(why) => return Err(error(format!("cannot be read: {why}"))),
    };
    let new = with_deviations(format, &old, accepted).map_err(error)?;
    files::replace(path, new.as_bytes()).map_err(|why| error(format!("cannot be written: {why}")))
}

/// Checks, before a check runs, that deviations can be added to the file at `path`.
///
/// # Errors
///
/// If its extension is unknown, or it cannot be written.
pub fn check_writable(path: &Path) -> Result<(), DeviationError> {
    let error = |why: String| DeviationError { file: path.display().to_string(), entry: None, why };
    format(path).map_err(error)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Without its folder, the path is probably wrong.
    let is_writable = fs::metadata(folder).and_then(|_| files::check_writable(path));
    is_writable.map_err(|why| error(format!("cannot be written: {why}")))
}

/// Returns the content of a file with more deviations.
fn with_deviations(format: Format, old: &str, accepted: &[Accepted]) -> Result<String, String> {
    let line_end = if old.contains("\r\n") { "\r\n" } else { "\n" };
    let (mark, content) = match old.strip_prefix(BYTE_ORDER_MARK) {
        Some(content) => (BYTE_ORDER_MARK.to_string(), content),
        None => (String::new(), old),
    };
    let before = content.replace("\r\n", "\n");
    let new = match format {
        Format::Yaml => in_yaml(&before, accepted),
        Format::Toml => in_toml(&before, accepted),
        Format::Json => in_json(&before, accepted)?,
    };
    // Whatever form the file has: nothing is lost, and what was added is read as it was meant.
    let deviations = |content: &str| parse("", format, content, true).map_err(|error| error.to_string());
    let rest = |content: &str| {
        let mut table = table(format, content)?;
        table.shift_remove(KEY);
        Ok::<_, String>(table)
    };
    let is_kept = || {
        let added = accepted.iter().flat_map(|accepted| &accepted.deviations);
        let (old, new_deviations) = (deviations(&before)?, deviations(&new)?);
        let is_same = |(one, other): (&Deviation, &Deviation)| {
            Deviation { origin: other.origin.clone(), ..one.clone() } == *other
        };
        let expected: Vec<&Deviation> = old.all.iter().chain(added).collect();
        let is_added = expected.len() == new_deviations.all.len()
            && expected.into_iter().zip(&new_deviations.all).all(is_same);
        Ok::<_, String>(is_added && rest(&before)? == rest(&new)?)
    };
    if is_kept() != Ok(true) {
        let added = yaml(accepted, "  ");
        return Err(format!(
            "has `{KEY}` in a form that cannot be added to. Add by hand:\n\n{KEY}:\n{added}"
        ));
    }
    Ok(mark + &new.replace('\n', line_end))
}

/// Adds items after the last one under the key, or the key at the end.
fn in_yaml(old: &str, accepted: &[Accepted]) -> String {
    let mut lines: Vec<&str> = old.lines().collect();
    let is_key = |line: &&str| {
        let value = line.strip_prefix(KEY).and_then(|rest| rest.strip_prefix(':'));
        value.is_some_and(|value| matches!(value.split('#').next().unwrap_or_default().trim(), "" | "[]"))
    };
    let Some(key) = lines.iter().position(is_key) else {
        let gap = if old.ends_with('\n') { "\n" } else { "\n\n" };
        return format!("{old}{gap}{KEY}:\n{}", yaml(accepted, "  "));
    };
    let emptied = lines[key].replacen("[]", "", 1);
    lines[key] = emptied.trim_end();
    let is_inside = |line: &&str| line.starts_with([' ', '-', '#']) || line.trim().is_empty();
    let block = lines[key + 1..].iter().take_while(|line| is_inside(line) && !line.starts_with("---"));
    let content =
        block.enumerate().filter(|(_, line)| line.starts_with([' ', '-']) && !line.trim().is_empty());
    let end = content.last().map_or(key + 1, |(index, _)| key + index + 2);
    let item = lines[key + 1..end].iter().find(|line| line.trim_start().starts_with("- "));
    let indent = item.map_or("  ", |line| &line[..line.len() - line.trim_start().len()]);
    let gap = if item.is_some() { "\n" } else { "" };
    let (before, after) = (lines[..end].join("\n"), lines[end..].join("\n"));
    let after = if after.is_empty() { after } else { after + "\n" };
    format!("{before}\n{gap}{}{after}", yaml(accepted, indent))
}

fn yaml(accepted: &[Accepted], indent: &str) -> String {
    let groups = accepted.iter().map(|accepted| {
        let mut group = format!("{indent}# {}\n", one_line(&accepted.change));
        for deviation in &accepted.deviations {
            for (index, (key, value)) in keys(deviation).into_iter().enumerate() {
                let start = if index == 0 { "- " } else { "  " };
                let value = match value {
                    Value::Array(items) => {
                        format!("[{}]", items.iter().map(yaml_scalar).collect::<Vec<_>>().join(", "))
                    }
                    value => yaml_scalar(&value),
                };
                let _ = writeln!(group, "{indent}{start}{key}: {value}");
            }
        }
        group
    });
    groups.collect::<Vec<_>>().join("\n")
}

/// Writes a string, in quotes unless it is a plain word or sentence.
fn yaml_scalar(value: &Value) -> String {
    let string = value.as_str().unwrap_or_default();
    let is_plain = string.starts_with(|first: char| first.is_ascii_alphabetic())
        && string.chars().all(|character| character.is_ascii_alphanumeric() || " _-./".contains(character))
        && !string.ends_with(' ')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&&*string.to_ascii_lowercase());
    let is_date = super::entry::parse_date(string).is_ok();
    if is_plain || is_date { string.to_owned() } else { quoted(value) }
}

/// Writes a value such that YAML and TOML read it, with escapes for characters that are not displayed.
fn quoted(value: &Value) -> String {
    let json = value.to_string();
    let mut quoted = String::with_capacity(json.len());
    for character in json.chars() {
        let _ = match u32::from(character) {
            _ if is_displayed(character) => write!(quoted, "{character}"),
            code @ ..=0xffff => write!(quoted, "\\u{code:04x}"),
            code => write!(quoted, "\\U{code:08x}"),
        };
    }
    quoted
}

fn in_toml(old: &str, accepted: &[Accepted]) -> String {
    let mut new = old.to_owned();
    for accepted in accepted {
        if !new.is_empty() {
            new.push_str(if new.ends_with('\n') { "\n" } else { "\n\n" });
        }
        let _ = writeln!(new, "# {}", one_line(&accepted.change));
        for deviation in &accepted.deviations {
            let _ = writeln!(new, "[[{KEY}]]");
            for (key, value) in keys(deviation) {
                let is_date = key == "until";
                let _ = match &value {
                    Value::String(date) if is_date => writeln!(new, "{key} = {date}"),
                    value => writeln!(new, "{key} = {}", quoted(value)),
                };
            }
        }
    }
    new
}

fn in_json(old: &str, accepted: &[Accepted]) -> Result<String, String> {
    let mut file = table(Format::Json, old)?;
    let added = accepted.iter().flat_map(|accepted| &accepted.deviations);
    let added = added.map(|deviation| {
        keys(deviation).into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>()
    });
    if let Value::Array(entries) = file.entry(KEY.to_owned()).or_insert(Value::Array(Vec::new())) {
        entries.extend(added);
    }
    Ok(printable_json(&format!("{:#}\n", Value::Object(file))))
}

/// Returns the keys of a deviation that have a value, in order.
fn keys(deviation: &Deviation) -> Vec<(&'static str, Value)> {
    let patterns = |patterns: &[Pattern]| match patterns {
        [] => None,
        [one] => Some(Value::from(one.as_str())),
        several => {
            Some(several.iter().map(|pattern| Value::from(pattern.as_str())).collect::<Vec<_>>().into())
        }
    };
    let keys = [
        ("operation", patterns(&deviation.operation)),
        ("situation", patterns(&deviation.situation)),
        ("step", patterns(&deviation.step)),
        ("part", deviation.part.map(Part::name).map(Value::from)),
        ("path", patterns(&deviation.path)),
        ("change", deviation.change.map(Change::name).map(Value::from)),
        ("was", patterns(&deviation.was)),
        ("is", patterns(&deviation.is)),
        ("level", deviation.level.map(Level::name).map(Value::from)),
        ("reason", Some(Value::from(&*deviation.reason))),
        ("owner", deviation.owner.as_deref().map(Value::from)),
        ("until", deviation.until.map(|until| Value::from(until.to_string()))),
    ];
    keys.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// Returns the start of a sentence for a comment.
fn one_line(sentence: &str) -> String {
    const LONGEST: usize = 110;
    let mut line = printable_line(&sentence.replace(char::is_control, " "));
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::accept::Accepted;
    use super::super::file::{Format, parse};
    use super::with_deviations;

    /// A change that is accepted for the reason `New.`, with characters that need quotes in a condition.
    fn accepted() -> Vec<Accepted> {
        let yaml = r"{deviations: [{part: row, path: 'a: \* #', reason: New., until: 2027-03-31}]}";
        let deviations = parse("new", Format::Yaml, yaml, false).unwrap().all;
        vec![Accepted { change: "A change:\n1 snapshot".to_owned(), deviations }]
    }

    const YAML: &str = r#"# A change: 1 snapshot
- part: row
  path: "a: \\* #"
  reason: New.
  until: 2027-03-31
"#;

    fn indented(yaml: &str, indent: &str) -> String {
        yaml.split_inclusive('\n').flat_map(|line| [indent, line]).collect()
    }

    #[test]
    fn yaml_is_added_after_the_last_deviation() {
        let new = indented(YAML, "  ");
        let one = "deviations:\n  - {part: status, reason: Old.} # x\n";
        let cases = [
            ("a: 1".to_owned(), format!("a: 1\n\ndeviations:\n{new}")),
            ("a: 1\n".to_owned(), format!("a: 1\n\ndeviations:\n{new}")),
            ("deviations:".to_owned(), format!("deviations:\n{new}")),
            ("deviations: [] # none\na: 1\n".to_owned(), format!("deviations:  # none\n{new}a: 1\n")),
            (one.to_owned(), format!("{one}\n{new}")),
            (format!("---\n{one}\n# about a\na: 1\n"), format!("---\n{one}\n{new}\n# about a\na: 1\n")),
            (
                format!("{one}    # inside\n\n\nb: {{c: '#'}}\n\n"),
                format!("{one}    # inside\n\n{new}\n\nb: {{c: '#'}}\n\n"),
            ),
            (
                "deviations:\n- part: status\n  reason: |\n    Old\n\n    one.\nb: 1\n".to_owned(),
                format!("deviations:\n- part: status\n  reason: |\n    Old\n\n    one.\n\n{YAML}b: 1\n"),
            ),
        ];
        for (old, expected) in cases {
            let written = with_deviations(Format::Yaml, &old, &accepted()).unwrap();
            assert_eq!(written, expected, "{old}");
            let crlf = with_deviations(Format::Yaml, &old.replace('\n', "\r\n"), &accepted()).unwrap();
            if old.contains('\n') {
                assert_eq!(crlf, expected.replace('\n', "\r\n"));
            }
        }
    }

    #[test]
    fn toml_and_json_keep_their_other_keys() {
        let new = "# A change: 1 snapshot\n[[deviations]]\npart = \"row\"\npath = \"a: \\\\* #\"\nreason = \"New.\"\n\
                   until = 2027-03-31\n";
        for (old, expected) in [
            ("", new.to_owned()),
            ("[connection]\nhost = 'a' # b", format!("[connection]\nhost = 'a' # b\n\n{new}")),
            (
                "[[deviations]]\npart = \"status\"\nreason = \"Old.\"\n[a]\n",
                format!("[[deviations]]\npart = \"status\"\nreason = \"Old.\"\n[a]\n\n{new}"),
            ),
        ] {
            assert_eq!(with_deviations(Format::Toml, old, &accepted()).unwrap(), expected);
        }
        let json =
            with_deviations(Format::Json, r#"{"z": 1, "deviations": [], "a": 1.50}"#, &accepted()).unwrap();
        assert!(
            json.starts_with("{\n  \"z\": 1,\n  \"deviations\": [\n    {\n      \"part\": \"row\","),
            "{json}"
        );
        assert!(json.ends_with("  \"a\": 1.5\n}\n"), "{json}");
        assert!(
            with_deviations(Format::Json, "{}", &accepted()).unwrap().starts_with("{\n  \"deviations\": [")
        );
    }

    #[test]
    fn a_byte_order_mark_is_kept() {
        for (format, old) in [
            (Format::Yaml, "deviations:\r\n- {part: status, reason: Old.}\r\n"),
            (Format::Toml, "[connection]\nhost = 'a'\n"),
            (Format::Json, r#"{"deviations": []}"#),
        ] {
            let expected = with_deviations(format, old, &accepted()).unwrap();
            let written = with_deviations(format, &format!("\u{feff}{old}"), &accepted()).unwrap();
            assert_eq!(written, format!("\u{feff}{expected}"));
        }
    }

    #[test]
    fn hidden_characters_of_a_service_are_not_written() {
        let hidden = "a\u{202e}b\u{2028}c\u{7f}d\u{e0041}\u{fe0f}e";
        let deviation = serde_json::json!({ "part": "row", "was": hidden, "is": [hidden], "reason": hidden });
        let json = serde_json::json!({ "deviations": [deviation] });
        let deviations = parse("new", Format::Json, &json.to_string(), false).unwrap().all;
        let accepted = [Accepted { change: hidden.to_owned(), deviations }];
        for format in [Format::Yaml, Format::Toml] {
            // This is an error if the file has other deviations.
            let written = with_deviations(format, "", &accepted).unwrap();
            assert!(written.contains("# a\u{fffd}b\u{fffd}c d\u{fffd}\u{fffd}e\n"), "{written}");
            assert!(written.contains(r"a\u202eb\u2028c\u007fd\U000e0041\ufe0fe"), "{written}");
            assert!(written.lines().all(|line| line.chars().all(wiretrait::is_displayed)), "{written}");
        }
        let written = with_deviations(Format::Json, "{}", &accepted).unwrap();
        assert!(written.contains(r"a\u202eb\u2028c\u007fd\udb40\udc41\ufe0fe"), "{written}");
        assert!(written.lines().all(|line| line.chars().all(wiretrait::is_displayed)), "{written}");
    }

    #[test]
    fn a_file_that_cannot_be_added_to_is_an_error_with_the_entries() {
        for (format, old) in [
            (Format::Yaml, "deviations: [{part: status, reason: Old.}]\n"),
            (Format::Yaml, "{a: 1, deviations: []}\n"),
            (Format::Toml, "deviations = [{part = 'status', reason = 'Old.'}]\n"),
        ] {
            let error = with_deviations(format, old, &accepted()).unwrap_err();
            let expected = format!(
                "has `deviations` in a form that cannot be added to. Add by hand:\n\ndeviations:\n{}",
                indented(YAML, "  ")
            );
            assert_eq!(error, expected, "{old}");
        }
        let error = with_deviations(Format::Yaml, "a: [", &accepted()).unwrap_err();
        assert!(error.contains("cannot be added to"), "{error}");
    }
}
