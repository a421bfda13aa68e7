//! Settings in YAML, JSON and TOML files.

use super::message;
use sessions_client::{ClientConfig, ConfigParams, Result};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// A file with `text` in it, in a directory of the test's own.
fn file(case: &str, name: &str, text: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("config").join(case);
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn build(path: &PathBuf) -> Result<ClientConfig> {
    ConfigParams::new().with_file(path)?.build()
}

/// The message without the place of the file.
fn refused(case: &str, name: &str, text: &str) -> String {
    let path = file(case, name, text);
    message(build(&path)).replace(&path.display().to_string(), name)
}

#[test]
fn the_three_formats_say_the_same() {
    for (name, text) in [
        ("a.yaml", "connection:\n  host: h\n  port: 81\noptions:\n  timeout: 5000\n  debug: true\n"),
        ("a.yml", "connection: {host: h, port: '81'}\noptions.timeout: 5000\n"),
        (
            "a.json",
            r#"{"connection": {"host": "h", "port": 81}, "options": {"timeout": 5000, "debug": false}}"#,
        ),
        ("a.toml", "options.timeout = 5000\n[connection]\nhost = 'h'\nport = 81\n"),
        ("b.YAML", "connection: {host: h, port: 81}\noptions: {timeout: 5000}\n"),
    ] {
        let config = build(&file("formats", name, text)).unwrap();
        assert_eq!(config.base_url(), Some("http://h:81"), "{name}");
        assert_eq!(config.timeout(), Duration::from_secs(5), "{name}");
    }
}

#[test]
fn the_first_of_several_connections_is_the_first_in_the_file() {
    for (name, text) in [
        ("a.yaml", "connections:\n  zebra: {host: first}\n  ape: {host: second}\n"),
        ("a.json", r#"{"connections": {"zebra": {"host": "first"}, "ape": {"host": "second"}}}"#),
        ("a.toml", "[connections.zebra]\nhost = 'first'\n[connections.ape]\nhost = 'second'\n"),
    ] {
        let config = build(&file("order", name, text)).unwrap();
        assert_eq!(config.base_url(), Some("http://first:3000"), "{name}");
    }
}

#[test]
fn a_wrong_value_names_the_key_and_the_file() {
    for (name, text, why) in [
        (
            "a.yaml",
            "connection: {host: h, port: secret}",
            "`connection.port` (a.yaml) must be a whole number from 1 to 65535",
        ),
        (
            "b.yaml",
            "connection: {host: h}\noptions: {retries: [1]}",
            "`options.retries` (b.yaml) is a list: give a single value",
        ),
        (
            "c.yaml",
            "connection: {host: h}\noptions: {retries: }",
            "`options.retries` (c.yaml) is empty: give a value, or leave the key out",
        ),
        (
            "d.json",
            r#"{"connection": {"host": null}}"#,
            "`connection.host` (d.json) is empty: give a value, or leave the key out",
        ),
        (
            "e.toml",
            "options.timeout = 2.5\nconnection.host = 'h'",
            "`options.timeout` (e.toml) must be a whole number of milliseconds above 0",
        ),
        (
            "dates.toml",
            "[options]\ntimeout = 2026-11-24\n",
            "`options.timeout` (dates.toml) is a date: give a text or a number",
        ),
        (
            "f.json",
            r#"{"connection.host": "a", "connection": {"host": "b"}}"#,
            "`connection.host` (f.json) is given twice",
        ),
    ] {
        assert_eq!(refused("values", name, text), why);
    }
    assert!(
        refused("values", "g.toml", "connection.hots = 'h'")
            .starts_with("`connection.hots` (g.toml) is not a known key: did you mean `connection.host`?")
    );
}

#[test]
fn a_file_that_cannot_be_understood_is_named_with_the_place_and_not_quoted() {
    for (name, text, why) in [
        ("a.yaml", "connection:\n  uri: 'secret", "is no valid YAML at line 2, column "),
        ("b.json", "{\n  \"secret\": secret}", "is no valid JSON at line 2, column "),
        ("c.toml", "a = 1\n'secret' = secret", "is no valid TOML at line 2, column "),
        ("d.yaml", "- descriptor: secret", "must be a table of keys such as `connection` and `options`"),
        ("e.yaml", "", "must be a table of keys such as `connection` and `options`"),
    ] {
        let said = refused("syntax", name, text);
        assert!(said.starts_with(&format!("the configuration file {name} {why}")), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn a_file_without_a_known_extension_or_that_is_not_there_is_refused() {
    assert_eq!(
        refused("extension", "sessions.ini", ""),
        "the configuration file sessions.ini has no extension that tells its format: `.yaml`, `.yml`, `.json` or `.toml`"
    );
    let said = message(ConfigParams::new().with_file("nowhere/sessions.yaml"));
    assert!(said.starts_with("the configuration file nowhere/sessions.yaml cannot be read: "), "{said}");
}

#[test]
fn variables_go_over_a_file() {
    let path =
        file("layers", "sessions.yaml", "connection:\n  host: h\n  port: 81\noptions:\n  timeout: 5000\n");
    let with = |variables: [(&str, &str); 1]| {
        ConfigParams::new().with_file(&path).unwrap().with_environment("SESSIONS", variables).unwrap().build()
    };
    let config = with([("SESSIONS_URL", "http://above")]).unwrap();
    assert_eq!(config.base_url(), Some("http://above"));
    assert_eq!(config.timeout(), Duration::from_secs(5));
    let said = message(with([("SESSIONS_CONNECTION_PORT", "0")]));
    assert_eq!(said, "`connection.port` (SESSIONS_CONNECTION_PORT) must be a whole number from 1 to 65535");
}
