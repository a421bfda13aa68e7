//! OpenAPI documents, as `contract diff` compares them.
//!
//! The first byte selects JSON or YAML. A document does not differ from itself, and each difference from the contract of
//! the sessions service is a sentence of one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sessions_fuzz::{assert_one_line, file};
use snapshots::revision::{contract_changes, noted_changes, read_document};
use std::fs;
use std::sync::LazyLock;

static CONTRACT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../snapshots/openapi.json")).expect("the document is valid")
});

fuzz_target!(|input: &[u8]| {
    let Some((&selector, content)) = input.split_first() else { return };
    let path = file(if selector % 2 == 0 { "json" } else { "yaml" }, content);
    let document = read_document(&path.display().to_string());
    let _ = fs::remove_file(path);
    let document = match document {
        Ok(document) => document,
        Err(error) => return assert_one_line(&error),
    };
    assert!(contract_changes(&document, &document).is_empty(), "a document differs from itself");
    for (old, new) in [(&*CONTRACT, &document), (&document, &*CONTRACT)] {
        let changes = contract_changes(old, new);
        for change in &changes {
            assert!(!change.to_string().contains(char::is_control), "a change is not one line");
        }
        let _ = noted_changes(&String::from_utf8_lossy(content), &changes);
    }
});
