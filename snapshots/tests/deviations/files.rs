//! Files of deviations: their formats, and the mistakes in them.

use super::folder;
use snapshots::comparison::{Change, Level, Part};
use snapshots::deviations::{Deviation, Deviations, known_names};
use std::fs;
use std::path::PathBuf;

fn file(test: &str, name: &str, content: &str) -> PathBuf {
    let path = folder(test).join(name);
    fs::write(&path, content).unwrap();
    path
}

/// Returns the error for a YAML file, without the folder.
fn error(test: &str, content: &str) -> String {
    let path = file(test, "staging.yaml", content);
    let error = Deviations::read(&path).unwrap_err().to_string();
    error.replace(&path.display().to_string(), "staging.yaml")
}

const YAML: &str = "deviations:
  - operation: [open_session, 'get_*']
    situation: only_user_id
    step: Found
    part: body
    path: address
    change: removed
    was: [a string, 'null']
    is: 200
    level: breaking
    reason: The gateway removes addresses.
    owner: team-gateway
    until: 2027-03-31
";
const TOML: &str = r#"[[deviations]]
operation = ["open_session", "get_*"]
situation = "only_user_id"
step = "Found"
part = "body"
path = "address"
change = "removed"
was = ["a string", "null"]
is = 200
level = "breaking"
reason = "The gateway removes addresses."
owner = "team-gateway"
until = 2027-03-31
"#;
const JSON: &str = r#"{"deviations": [{"operation": ["open_session", "get_*"], "situation": "only_user_id",
    "step": "Found", "part": "body", "path": "address", "change": "removed",
    "was": ["a string", "null"], "is": 200, "level": "breaking",
    "reason": "The gateway removes addresses.", "owner": "team-gateway", "until": "2027-03-31"}]}"#;

fn strings(patterns: &[snapshots::deviations::Pattern]) -> Vec<&str> {
    patterns.iter().map(snapshots::deviations::Pattern::as_str).collect()
}

#[test]
fn each_format_has_the_same_keys() {
    // Some editors write a byte order mark.
    let marked = [YAML, TOML, JSON].map(|content| format!("\u{feff}{content}"));
    for (name, content) in [
        ("d.yaml", YAML),
        ("d.yml", YAML),
        ("d.toml", TOML),
        ("d.json", JSON),
        ("marked.yaml", &marked[0]),
        ("marked.toml", &marked[1]),
        ("marked.json", &marked[2]),
    ] {
        let path = file("formats", name, content);
        let deviations = Deviations::read(&path).unwrap();
        let [
            Deviation {
                origin,
                operation,
                situation,
                step,
                part,
                path: paths,
                change,
                was,
                is,
                level,
                reason,
                owner,
                until,
            },
        ] = deviations.all()
        else {
            panic!("{deviations:?}");
        };
        assert_eq!((&*origin.file, origin.entry), (&*path.display().to_string(), 1));
        assert_eq!(strings(operation), ["open_session", "get_*"]);
        assert_eq!(strings(situation), ["only_user_id"]);
        assert_eq!(
            (strings(step), strings(paths), strings(is)),
            (vec!["Found"], vec!["address"], vec!["200"])
        );
        assert_eq!(strings(was), ["a string", "null"]);
        assert_eq!((*part, *change), (Some(Part::Body), Some(Change::Removed)));
        assert_eq!((*level, &**reason), (Some(Level::Breaking), "The gateway removes addresses."));
        assert_eq!(owner.as_deref(), Some("team-gateway"));
        assert_eq!(until.unwrap().to_string(), "2027-03-31");
    }
}

#[test]
fn a_description_may_have_other_keys_and_a_file_may_not() {
    let content = format!("connection: {{host: sessions}}\n{YAML}");
    let path = file("description", "staging.yaml", &content);
    assert_eq!(Deviations::in_description(&path).unwrap().all().len(), 1);
    let error = Deviations::read(&path).unwrap_err().to_string();
    assert!(error.contains("`connection` is not a known key in a file of deviations"), "{error}");
    fs::write(&path, "connection: {host: sessions}\n").unwrap();
    assert!(Deviations::in_description(&path).unwrap().all().is_empty());
    sessions_client::ConfigParams::new().with_file(&path).unwrap();
    fs::write(&path, content).unwrap();
    sessions_client::ConfigParams::new().with_file(&path).unwrap().build().unwrap();
}

#[test]
fn a_file_without_entries_accepts_nothing() {
    for content in ["", "# none yet\n", "deviations:\n  # none yet\n", "deviations: []\n"] {
        assert!(Deviations::read(&file("empty", "d.yaml", content)).unwrap().all().is_empty(), "{content:?}");
    }
}

#[test]
fn mistakes_are_named_with_their_entry_and_a_remedy() {
    let cases = [
        ("reason: x\n    paht: address", "`paht` is not a known key: did you mean `path`?"),
        ("reson: x", "`reson` is not a known key: did you mean `reason`?"),
        ("reason: x\n    untill: 2027-01-01", "`untill` is not a known key: did you mean `until`?"),
        ("part: status", "`reason` is missing: state why the difference is accepted"),
        ("part: status\n    reason: ' '", "`reason` is empty: set a value, or remove the key"),
        ("part: status\n    reason:", "`reason` has no value: set one, or remove the key"),
        ("part: status\n    reason: [x]", "`reason` must be a string"),
        (
            "part: status\n    reason: x\n    until: 2027-02-30",
            "`until` must be a date such as 2027-03-31, not `2027-02-30`",
        ),
        (
            "part: status\n    reason: x\n    until: soon",
            "`until` must be a date such as 2027-03-31, not `soon`",
        ),
        (
            "part: status\n    reason: x\n    until: 2027-3-1",
            "`until` must be a date such as 2027-03-31, not `2027-3-1`",
        ),
        ("part: staus\n    reason: x", "`staus` is not a known part: did you mean `status`?"),
        ("change: remove\n    reason: x", "`remove` is not a known change: did you mean `removed`?"),
        ("level: braking\n    reason: x", "`braking` is not a known level: did you mean `breaking`?"),
        (
            "operation: open_sesion\n    reason: x",
            "`open_sesion` is not a known operation: did you mean `open_session`?",
        ),
        (
            "operation: openSession*\n    reason: x",
            "`openSession*` is not a known operation: did you mean `open_session`?",
        ),
        (
            "operation: open_session\n    situation: only_user\n    reason: x",
            "`only_user` is not a known situation of these operations: did you mean `only_user_id`?",
        ),
        ("situation: []\n    reason: x", "`situation` is an empty list: remove the key to accept all"),
        ("reason: x", "accepts everything: add an `operation`, a `situation`, a `part` or a `path`"),
        (
            "level: breaking\n    reason: x",
            "accepts everything: add an `operation`, a `situation`, a `part` or a `path`",
        ),
    ];
    for (entry, why) in cases {
        let content = format!("deviations:\n  - part: status\n    reason: fine\n  - {entry}\n");
        assert_eq!(error("mistakes", &content), format!("staging.yaml, deviation 2: {why}"));
    }
    let why = "staging.yaml, deviation 1: must be a table with the keys `operation`, ";
    assert!(error("mistakes", "deviations: [status]").starts_with(why));
}

#[test]
fn mistakes_in_the_form_of_a_file_are_named_with_their_position() {
    let cases = [
        (
            "deviation: []",
            "is not valid: `deviation` is not a known key in a file of deviations: did you mean `deviations`?",
        ),
        ("deviations: {part: status}", "is not valid: `deviations` must be a list"),
        ("- part: status", "must be a table with the key `deviations`"),
        (
            "deviations:\n  - operation: *\n",
            "is not valid YAML at line 2, column 17; a value that begins with `*`, or contains `: ` or ` #`, must be in quotes",
        ),
    ];
    for (content, why) in cases {
        assert_eq!(error("form", content), format!("staging.yaml {why}"));
    }
    let twice = error("form", "deviations:\n  - reason: a\n    reason: b\n");
    assert!(twice.contains("is not valid YAML"), "{twice}");
    for (name, content) in [("d.toml", "a = 1\nb ="), ("d.json", "{\n\"a\" 1}")] {
        let error = Deviations::read(&file("form", name, content)).unwrap_err().to_string();
        assert!(error.contains("at line 2, column "), "{error}");
    }
    let error = Deviations::read(&file("form", "d.txt", "")).unwrap_err().to_string();
    assert!(error.ends_with("must have the extension `.yaml`, `.yml`, `.toml` or `.json`"), "{error}");
    let error = Deviations::read(&folder("form").join("nowhere.yaml")).unwrap_err().to_string();
    assert!(error.contains("nowhere.yaml cannot be read: "), "{error}");
}

#[test]
fn an_error_does_not_quote_a_description() {
    let path =
        file("secrets", "staging.yaml", "credential: {password: s3cret\nheaders: {x: 's3cret'}}: s3cret");
    let error = Deviations::in_description(&path).unwrap_err().to_string();
    assert!(
        !error.contains("s3cret") && error.contains("staging.yaml is not valid YAML at line "),
        "{error}"
    );
}

#[test]
fn the_example_of_the_guide_is_valid() {
    let guide = include_str!("../../../docs/contract-tests.md");
    let example = guide.split("```yaml\n").find(|block| block.contains("deviations:")).unwrap();
    let (example, _) = example.split_once("```").unwrap();
    assert_eq!(Deviations::read(&file("guide", "d.yaml", example)).unwrap().all().len(), 2);
}

#[test]
fn the_known_implementations_have_valid_files() {
    assert!(known_names().contains(&"old"));
    for name in known_names() {
        assert!(!Deviations::named(name).unwrap().all().is_empty(), "{name}");
    }
    let error = Deviations::named("olf").unwrap_err().to_string();
    assert_eq!(
        error,
        "olf is not a file with deviations: `olf` is not a known implementation: did you mean `old`?"
    );
}

#[test]
fn an_error_is_one_line_whatever_a_key_or_a_value_contains() {
    for content in [
        "{\"devi\\nations\": []}",
        "deviations:\n  - {operation: \"a\\e[31m\\nb\", reason: x}\n",
        "deviations:\n  - {part: body, reason: x, until: \"2027\\n\\n03\"}\n",
    ] {
        let error = error("one_line", content);
        assert!(!error.contains(char::is_control), "{error:?}");
        assert!(error.contains('\u{fffd}'), "{error:?}");
    }
}
