//! The snapshots of the real service, which are part of the program.

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};
use std::fmt;

static SERVICE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/tests/snapshots/service");
static SHAPES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/tests/snapshots/shapes");

/// A folder of snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Folder {
    /// Requests and responses, one file for each case.
    Service,
    /// Keys and types of all responses, one file for each operation and class of status.
    Shapes,
}

impl Folder {
    /// All folders.
    pub const ALL: [Self; 2] = [Self::Service, Self::Shapes];

    /// The name of the folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Shapes => "shapes",
        }
    }

    fn files(self) -> &'static Dir<'static> {
        match self {
            Self::Service => &SERVICE,
            Self::Shapes => &SHAPES,
        }
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The snapshots with which a service is compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected;

impl Expected {
    /// Returns a snapshot without its metadata.
    #[must_use]
    pub fn snapshot(self, folder: Folder, name: &str) -> Option<String> {
        content(folder.files().get_file(format!("{name}.snap"))?.contents_utf8()?)
    }

    /// Returns the names of all snapshots in a folder, in order.
    #[must_use]
    pub fn names(self, folder: Folder) -> Vec<&'static str> {
        let paths = folder.files().files().filter_map(|file| file.path().to_str());
        let mut names: Vec<&str> = paths.filter_map(|path| path.strip_suffix(".snap")).collect();
        names.sort_unstable();
        names
    }
}

/// Returns the content of a snapshot file, without its metadata.
pub(crate) fn content(file: &str) -> Option<String> {
    // A checkout on Windows may have CRLF line ends.
    let file = file.replace("\r\n", "\n");
    // The metadata ends with the second line of dashes.
    file.splitn(3, "---\n").nth(2).map(|snapshot| snapshot.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Expected, Folder};

    #[test]
    fn every_snapshot_of_a_service_is_part_of_the_program() {
        for folder in Folder::ALL {
            let on_disk = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
            let files = std::fs::read_dir(on_disk.join(folder.name())).unwrap();
            let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            let snapshots =
                names.filter(|name| std::path::Path::new(name).extension() == Some("snap".as_ref()));
            assert_eq!(Expected.names(folder).len(), snapshots.count(), "{folder}");
        }
        let opened = Expected.snapshot(Folder::Service, "open_session__all_arguments").unwrap();
        assert!(opened.starts_with("# "), "{opened}");
    }
}
