//! The deviations of the implementations that the project knows, which are part of the program.

use include_dir::{Dir, include_dir};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/deviations");

/// Returns the names of the known implementations, in order.
#[must_use]
pub fn known_names() -> Vec<&'static str> {
    let paths = FILES.files().filter_map(|file| file.path().to_str());
    let mut names: Vec<_> = paths.filter_map(|path| path.strip_suffix(".yaml")).collect();
    names.sort_unstable();
    names
}

/// Returns the content of the file of a known implementation.
pub(crate) fn known_file(name: &str) -> Option<&'static str> {
    FILES.get_file(format!("{name}.yaml"))?.contents_utf8()
}
