//! Files of accepted deviations, in YAML, TOML and JSON.
//!
//! The first byte selects the format. Deviations that were read are written to new files of all formats, and to the same
//! file, as the same deviations.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sessions_fuzz::{assert_one_line, file, unused_file};
use snapshots::deviations::{Accepted, Deviation, Deviations, add_to_file};
use std::fs;
use std::path::Path;

const FORMATS: [&str; 3] = ["yaml", "toml", "json"];

fuzz_target!(|input: &[u8]| {
    let Some((&selector, content)) = input.split_first() else { return };
    let path = file(FORMATS[usize::from(selector) % FORMATS.len()], content);
    match Deviations::read(&path) {
        Ok(deviations) => write(&path, deviations.all()),
        Err(error) => assert_one_line(&error),
    }
    let _ = fs::remove_file(path);
});

fn write(path: &Path, deviations: &[Deviation]) {
    let change = "a change".to_owned();
    let accepted = Accepted { change, deviations: deviations.to_vec() };
    // The file may be written in a form that cannot be added to.
    if add_to_file(path, std::slice::from_ref(&accepted)).is_ok() {
        assert_same(path, &[deviations, deviations].concat());
    }
    for format in FORMATS {
        let path = unused_file(&format!("new.{format}"));
        add_to_file(&path, std::slice::from_ref(&accepted)).expect("deviations can be written");
        assert_same(&path, deviations);
        let _ = fs::remove_file(path);
    }
}

/// Asserts that a file has the deviations, in this order.
fn assert_same(path: &Path, expected: &[Deviation]) {
    let found = Deviations::read(path).expect("the file can be read");
    assert_eq!(found.all().len(), expected.len());
    for (found, expected) in found.all().iter().zip(expected) {
        let expected = Deviation { origin: found.origin.clone(), ..expected.clone() };
        assert!(*found == expected, "a deviation has changed");
    }
}
