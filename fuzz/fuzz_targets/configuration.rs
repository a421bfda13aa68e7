//! Configuration: files in YAML, JSON and TOML, and variables of the environment, with their references.
//!
//! The first byte selects the source. No file or command that a reference names is used.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pip_services::{ConfigParams, Setting, read_section};
use sessions_fuzz::{assert_one_line, file};
use std::fs;
use wiretrait::Result;

fuzz_target!(|input: &[u8]| {
    let Some((&selector, content)) = input.split_first() else { return };
    let params = match ["yaml", "json", "toml"].get(usize::from(selector % 4)) {
        Some(extension) => {
            let path = file(extension, content);
            check(read_section(&path, "loadtest", &["tag", "test-run-id"]));
            let params = ConfigParams::new().with_file(&path);
            let _ = fs::remove_file(path);
            params
        }
        None => ConfigParams::new().with_environment("S", variables(content)),
    };
    let Some(params) = check(params) else { return };
    assert!(!format!("{params:?}").is_empty());
    for setting in params.settings() {
        assert!(!Setting::to_string(&setting).is_empty());
    }
    let mentions = |reference: &[u8]| content.windows(reference.len()).any(|window| window == reference);
    // Without variables of the process.
    if !mentions(b"file:")
        && !mentions(b"command")
        && !mentions(b"\\")
        && !mentions(b"_FILE")
        && !mentions(b"_file")
        && let Some(params) = check(params.with_environment("S", [("NONE", "")]))
        && let Some(config) = check(params.build())
    {
        assert!(!format!("{config:?}").is_empty());
    }
});

/// Returns a variable for each line.
fn variables(content: &[u8]) -> Vec<(String, String)> {
    let content = String::from_utf8_lossy(content);
    let lines = content.lines().map(|line| line.split_once('=').unwrap_or((line, "")));
    lines.map(|(name, value)| (format!("S_{name}"), value.to_owned())).collect()
}

fn check<T>(result: Result<T>) -> Option<T> {
    result.inspect_err(|error| assert_one_line(error)).ok()
}
