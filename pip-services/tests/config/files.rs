//! Settings in YAML, JSON and TOML files.

use super::message;
use pip_services::{ClientKind, ConfigParams};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use wiretrait::{ClientConfig, Result};

/// Writes a file with this content into the directory `case`.
pub(crate) fn file(case: &str, name: &str, content: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("config").join(case);
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path
}

fn build(path: &PathBuf) -> Result<ClientConfig> {
    ConfigParams::new().with_file(path)?.build()
}

/// Returns the message about a file with this content, with `name` for its path.
fn error(case: &str, name: &str, content: &str) -> String {
    let path = file(case, name, content);
    message(build(&path)).replace(&path.display().to_string(), name)
}

#[test]
fn all_formats_have_the_same_meaning() {
    for (name, content) in [
        ("a.yaml", "connection:\n  host: h\n  port: 81\noptions:\n  timeout: 5000\n  debug: true\n"),
        ("a.yml", "connection: {host: h, port: '81'}\noptions.timeout: 5000\n"),
        (
            "a.json",
            r#"{"connection": {"host": "h", "port": 81}, "options": {"timeout": 5000, "debug": false}}"#,
        ),
        ("a.toml", "options.timeout = 5000\n[connection]\nhost = 'h'\nport = 81\n"),
        ("b.YAML", "connection: {host: h, port: 81}\noptions: {timeout: 5000}\n"),
    ] {
        let config = build(&file("formats", name, content)).unwrap();
        assert_eq!(config.base_url(), Some("http://h:81"), "{name}");
        assert_eq!(config.timeout(), Duration::from_secs(5), "{name}");
    }
}

#[test]
fn connections_keep_the_order_of_the_file() {
    for (name, content) in [
        ("a.yaml", "connections:\n  zebra: {host: first}\n  ape: {host: second}\n"),
        ("a.json", r#"{"connections": {"zebra": {"host": "first"}, "ape": {"host": "second"}}}"#),
        ("a.toml", "[connections.zebra]\nhost = 'first'\n[connections.ape]\nhost = 'second'\n"),
    ] {
        let config = build(&file("order", name, content)).unwrap();
        assert_eq!(config.base_url(), Some("http://first:3000"), "{name}");
    }
}

#[test]
fn an_invalid_value_names_the_key_and_the_file() {
    for (name, content, why) in [
        (
            "a.yaml",
            "connection: {host: h, port: secret}",
            "`connection.port` (a.yaml) must be a whole number from 1 to 65535",
        ),
        (
            "b.yaml",
            "connection: {host: h}\noptions: {retries: [1]}",
            "`options.retries` (b.yaml) must be a single value, not a list",
        ),
        (
            "c.yaml",
            "connection: {host: h}\noptions: {retries: }",
            "`options.retries` (c.yaml) has no value; set one, or remove the key",
        ),
        (
            "d.json",
            r#"{"connection": {"host": null}}"#,
            "`connection.host` (d.json) has no value; set one, or remove the key",
        ),
        (
            "e.toml",
            "options.timeout = 2.5\nconnection.host = 'h'",
            "`options.timeout` (e.toml) must be a whole number of milliseconds above 0",
        ),
        (
            "dates.toml",
            "[options]\ntimeout = 2026-11-24\n",
            "`options.timeout` (dates.toml) must be a string or a number, not a date",
        ),
        (
            "f.json",
            r#"{"connection.host": "a", "connection": {"host": "b"}}"#,
            "`connection.host` (f.json) is given twice",
        ),
    ] {
        assert_eq!(error("values", name, content), why);
    }
    assert!(
        error("values", "g.toml", "connection.hots = 'h'")
            .starts_with("`connection.hots` (g.toml) is not a known key: did you mean `connection.host`?")
    );
}

#[test]
fn a_syntax_error_has_the_position_but_no_content() {
    for (name, content, expected) in [
        ("a.yaml", "connection:\n  uri: 'secret", "is not valid YAML at line 2, column "),
        ("b.json", "{\n  \"secret\": secret}", "is not valid JSON at line 2, column "),
        ("c.toml", "a = 1\n'secret' = secret", "is not valid TOML at line 2, column "),
        ("d.yaml", "- descriptor: secret", "must be a table of keys such as `connection` and `options`"),
        ("e.yaml", "", "must be a table of keys such as `connection` and `options`"),
        ("f.yaml", "a: 1\n---\nb: secret", "has several YAML documents; remove all but one"),
    ] {
        let why = error("syntax", name, content);
        assert!(why.starts_with(&format!("the configuration file {name} {expected}")), "{why}");
        assert!(!why.contains("secret"), "{why}");
    }
}

#[test]
fn files_of_other_editors_are_read() {
    for (name, content) in [
        ("bom.yaml", "\u{feff}connection:\n  uri: http://orders\n"),
        ("bom_crlf.yaml", "\u{feff}connection:\r\n  uri: http://orders\r\n"),
        ("bom.json", "\u{feff}{\r\n  \"connection\": {\"uri\": \"http://orders\"}\r\n}"),
        ("bom.toml", "\u{feff}[connection]\r\nuri = \"http://orders\"\r\n"),
    ] {
        let config = ConfigParams::new().with_file(file("editors", name, content)).unwrap().build().unwrap();
        assert_eq!(config.base_url(), Some("http://orders"), "{name}");
    }
    let path = file("editors", "utf16.yaml", "");
    fs::write(&path, [0xff, 0xfe, b'a', 0, b':', 0]).unwrap();
    let why = message(ConfigParams::new().with_file(path));
    assert!(why.ends_with("utf16.yaml is not text in UTF-8; save it in that encoding"), "{why}");
}

#[test]
fn a_text_that_looks_like_a_number_is_sent_as_it_is_written_or_refused() {
    let why =
        |key: &str, name: &str| format!("`{key}` ({name}) is not kept as it is written; write it in quotes");
    for written in
        ["0x1f", "1.10", "12e5", "1E3", "0o17", ".5", "1.", "+5", "1_000", "1e400", "-0.0", ".inf", "TRUE"]
    {
        let content = format!(
            "connection: {{uri: http://orders}}\noptions: {{timeout: 1000}}\nheaders:\n  x-version: {written}\n  \
             x-other: '31 1.1 1200000 1000 15 0.5 1 5 -0 inf true'\n"
        );
        match build(&file("texts", "a.yaml", &content)) {
            Ok(config) => assert_eq!(config.headers()["x-version"], written),
            Err(_) => assert_eq!(
                error("texts", "a.yaml", &content),
                why("headers.x-version", "a.yaml"),
                "{written}"
            ),
        }
    }
    for written in [
        "0",
        "7",
        "007",
        "42",
        "-5",
        "1.1",
        "0.5",
        "2026-11-24",
        "1.2.3",
        "true",
        "yes",
        "'1.10'",
        "\"0x1f\"",
    ] {
        let content = format!("connection: {{uri: http://orders}}\nheaders: {{x-version: {written}}} # 10\n");
        let config =
            ConfigParams::new().with_file(file("texts", "b.yaml", &content)).unwrap().build().unwrap();
        assert_eq!(config.headers()["x-version"], written.trim_matches(['\'', '"']));
    }
    for (name, content) in [
        ("c.json", r#"{"credential": {"password": 1.10}}"#),
        ("c.json", r#"{"credential": {"password": 1.10}, "headers": {"x-password": 1.1}}"#),
        ("c.yaml", "credential: {password: 0x1F90}\nconnection: {uri: http://orders:8080} # password: 8080"),
        ("c.json", r#"{"credential": {"password": 1E3}}"#),
        ("c.toml", "credential.password = 0x1f"),
        ("c.toml", "credential.password = 1_000"),
        ("c.toml", "credential.password = +99"),
        ("c.json", r#"{"credential": {"password": 12345678901234567890123}}"#),
    ] {
        assert_eq!(error("texts", name, content), why("credential.password", name), "{content}");
    }
    for (key, content) in [
        ("base_route", "base_route: 1.0"),
        ("connection.host", "connection: {host: 10.0, port: 80}"),
        ("connections.first.host", "connections: {first: {host: 10.0, port: 80}}"),
        ("credential.token_file", "credential: {token_file: 1e3}"),
        ("proxy.no_proxy", "proxy: {no_proxy: 10.0}"),
    ] {
        assert_eq!(error("texts", "e.yaml", content), why(key, "e.yaml"), "{content}");
    }
    // A number that is used as one may have any form.
    let path = file("texts", "d.toml", "connection.uri = \"http://orders\"\noptions.timeout = 1_000\n");
    let config = ConfigParams::new().with_file(path).unwrap().build().unwrap();
    assert_eq!(config.timeout(), Duration::from_secs(1));
}

#[test]
fn strings_of_a_section_are_kept_verbatim_or_rejected() {
    for (content, expected) in [
        ("loadtest: {tag: {build: 1.10}}", Err("loadtest.tag.build")),
        ("loadtest: {test_run_id: 0x10, users: 16}", Err("loadtest.test_run_id")),
        ("loadtest: {tag: {build: 4711}, test-run-id: 12}", Ok(vec!["build=4711", "12"])),
        ("loadtest: {scenario: {lifecycle: 3.0, browse: 0x2}}", Ok(vec!["lifecycle=3", "browse=2"])),
        ("loadtest: {max-error-rate: 1.0}", Ok(vec!["1"])),
    ] {
        let path = file("loadtest_texts", "a.yaml", content);
        match (pip_services::read_section(&path, "loadtest", &["tag", "test-run-id"]), expected) {
            (Ok(section), Ok(expected)) => {
                let values: Vec<_> = section.unwrap().into_iter().flat_map(|(_, values)| values).collect();
                assert_eq!(values, expected, "{content}");
            }
            (Err(error), Err(key)) => {
                let why = error.to_string();
                assert!(
                    why.starts_with(&format!("`{key}` (")) && why.ends_with("write it in quotes"),
                    "{why}"
                );
            }
            (section, _) => panic!("{content}: {section:?}"),
        }
    }
}

#[test]
fn a_value_or_a_list_in_place_of_a_group_is_named() {
    for (content, group, example) in [
        ("connection: http://orders", "connection", "connection.uri"),
        ("connection: [http://orders]", "connection", "connection.uri"),
        ("connections: [{uri: http://orders}]", "connections", "connections.first.uri"),
        ("headers: [{x-a: b}]", "headers", "headers.x-api-key"),
        ("headers: x-a", "headers", "headers.x-api-key"),
        ("credential: secret", "credential", "credential.token_file"),
        ("options: 5", "options", "options.timeout"),
        ("proxy: http://proxy", "proxy", "proxy.url"),
    ] {
        let expected = format!("`{group}` (a.yaml) must be a table of keys, such as `{example}`");
        assert_eq!(error("groups", "a.yaml", content), expected);
    }
}

#[test]
fn a_key_in_another_case_or_number_is_recognized() {
    for (content, key, meant) in [
        ("Connection: {uri: http://orders}", "Connection.uri", "connection.uri"),
        ("connection: {URI: http://orders}", "connection.URI", "connection.uri"),
        ("OPTIONS: {TIMEOUT: 5}", "OPTIONS.TIMEOUT", "options.timeout"),
        ("header: {x-tenant: acme}", "header.x-tenant", "headers.x-tenant"),
        ("Headers: {x-tenant: acme}", "Headers.x-tenant", "headers.x-tenant"),
    ] {
        let why = error("cases", "a.yaml", content);
        let expected = format!("`{key}` (a.yaml) is not a known key: did you mean `{meant}`?");
        assert!(why.starts_with(&expected), "{why}");
    }
}

#[test]
fn an_error_about_a_key_with_control_characters_is_one_line() {
    for content in [
        r#"{"conn\u001b[31m": 1}"#,
        r#"{"connection": {"a\nb": 1}}"#,
        r#"{"connection": {"host": {"a\nb": 1}}}"#,
        r#"{"headers": {"a\tb": "c"}, "connection": {"host": "h"}}"#,
        r#"{"options": {"a\u0007": [1]}}"#,
    ] {
        let error = error("control", "orders.json", content);
        assert!(!error.contains(char::is_control), "{error:?}");
    }
}

#[test]
fn an_unknown_extension_and_a_missing_file_are_errors() {
    assert_eq!(
        error("extension", "orders.ini", ""),
        "the configuration file orders.ini must have the extension `.yaml`, `.yml`, `.json` or `.toml`"
    );
    let why = message(ConfigParams::new().with_file("nowhere/orders.yaml"));
    assert!(why.starts_with("the configuration file nowhere/orders.yaml cannot be read: "), "{why}");
}

#[test]
fn variables_replace_keys_of_a_file() {
    let path =
        file("layers", "orders.yaml", "connection:\n  host: h\n  port: 81\noptions:\n  timeout: 5000\n");
    let with = |variables: [(&str, &str); 1]| {
        ConfigParams::new().with_file(&path).unwrap().with_environment("ORDERS", variables).unwrap().build()
    };
    let config = with([("ORDERS_URL", "http://later")]).unwrap();
    assert_eq!(config.base_url(), Some("http://later"));
    assert_eq!(config.timeout(), Duration::from_secs(5));
    let why = message(with([("ORDERS_CONNECTION_PORT", "0")]));
    assert_eq!(why, "`connection.port` (ORDERS_CONNECTION_PORT) must be a whole number from 1 to 65535");
}

#[test]
fn the_kind_null_without_quotes_is_an_error_that_names_the_remedy() {
    for (name, content) in [("a.yaml", "kind: null\n"), ("a.json", r#"{"kind": null}"#)] {
        let error = error("null_kind", name, content);
        assert!(error.ends_with("for the kind without data, write `\"null\"` in quotes"), "{error}");
    }
    let path = file("null_kind", "b.yaml", "kind: 'null'\n");
    let kind = ConfigParams::new().with_file(path).unwrap().kind(&[]).unwrap();
    assert_eq!(kind, ClientKind::Null);
}

#[test]
fn the_settings_of_a_load_test_are_ignored() {
    let content = "connection: {uri: http://orders}\nloadtest: {users: 50, threshold: [p95<1s], scenario: {browse: 1}}\n";
    let path = file("files", "loadtest.yaml", content);
    assert_eq!(
        ConfigParams::new()
            .with_file(&path)
            .unwrap()
            .settings()
            .iter()
            .filter(|setting| setting.origin().contains("loadtest"))
            .count(),
        1
    );
    let section = pip_services::read_section(&path, "loadtest", &[]).unwrap().unwrap();
    let values: Vec<_> = section.iter().map(|(key, values)| format!("{key} {}", values.join(" "))).collect();
    assert_eq!(values, ["users 50", "threshold p95<1s", "scenario browse=1"]);
}

#[test]
fn the_deviations_of_contract_tests_are_ignored() {
    let yaml =
        "connection: {uri: http://orders}\ndeviations:\n  - {path: address, reason: x, until: 2027-03-31}\n";
    let toml = "connection = {uri = 'http://orders'}\n[[deviations]]\nreason = 'x'\nuntil = 2027-03-31\n";
    for (name, content) in [("deviations.yaml", yaml), ("deviations.toml", toml)] {
        let params = ConfigParams::new().with_file(file("files", name, content)).unwrap();
        assert_eq!(params.build().unwrap().base_url(), Some("http://orders"));
        assert!(params.settings().iter().all(|setting| !setting.key().contains("deviations")));
    }
}

#[test]
fn a_file_without_a_section_has_no_settings_of_it() {
    let path = file("files", "client.yaml", "connection: {uri: http://orders}\n");
    assert!(pip_services::read_section(&path, "loadtest", &[]).unwrap().is_none());
}
