//! The results of the last check of a service, in a file of the cache.

use super::report::{CheckReport, Outcome};
use crate::comparison::{Folder, Level};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The cases without the expected result in the last check of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCheck {
    cases: BTreeMap<String, LastResult>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LastResult {
    /// `true` if the case failed the check.
    has_failed: bool,
    /// The most serious level of its differences; `None` if it was not sent to its end.
    level: Option<Level>,
}

impl LastCheck {
    /// Adds the results of a check. Those of cases that it did not have are unchanged.
    pub fn add(&mut self, report: &CheckReport) {
        for case in report.cases.iter().filter(|case| case.folder == Folder::Service) {
            let result = match &case.outcome {
                Outcome::Compared { findings } => {
                    let open = findings.iter().filter(|finding| !finding.is_accepted());
                    let level = open.map(|finding| finding.level).max();
                    let has_failed = findings.iter().any(|finding| report.fails_on(finding));
                    level.map(|level| LastResult { has_failed, level: Some(level) })
                }
                Outcome::Failed { .. } | Outcome::NotReached => {
                    Some(LastResult { has_failed: true, level: None })
                }
                Outcome::Skipped { .. } => continue,
            };
            match result {
                Some(result) => drop(self.cases.insert(case.name.clone(), result)),
                None => drop(self.cases.remove(&case.name)),
            }
        }
    }

    /// Returns the names of the cases that failed the check.
    pub fn failed(&self) -> impl Iterator<Item = &String> {
        self.cases.iter().filter(|(_, result)| result.has_failed).map(|(name, _)| name)
    }

    /// Returns the names of the cases with a difference of at least this level, or without a result.
    pub fn with_level(&self, level: Level) -> impl Iterator<Item = &String> {
        let is_serious = move |result: &LastResult| result.level.is_none_or(|found| found >= level);
        self.cases.iter().filter(move |(_, result)| is_serious(result)).map(|(name, _)| name)
    }

    /// Reads the file of the service at `address`; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is not one of this program.
    pub fn read(folder: &Path, address: &str) -> io::Result<Option<Self>> {
        match fs::read(folder.join(file_name(address))) {
            Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the file of the service at `address`, as a whole.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, folder: &Path, address: &str) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.persist(folder.join(file_name(address)))?;
        Ok(())
    }
}

/// Returns the folder of the results: `contract` in `$XDG_CACHE_HOME`, `~/.cache` or the local data of a user on
/// Windows, or else in the folder of temporary files.
#[must_use]
pub fn results_folder() -> PathBuf {
    let variable = |name: &str| env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| variable("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(env::temp_dir);
    cache.join("contract")
}

/// The most characters of an address in the name of its file. Most file systems allow 255 bytes.
const MAX_NAME: usize = 100;

/// Returns a file name for an address without credentials. Addresses that look alike in it have different hashes.
fn file_name(address: &str) -> String {
    let is_usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let name: String = address.chars().take(MAX_NAME).map(|c| if is_usual(c) { c } else { '_' }).collect();
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(address));
    format!("{name}-{:08x}.json", u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::{LastCheck, LastResult};
    use crate::comparison::Level;

    #[test]
    fn results_are_kept_for_each_address() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("cache");
        let result = |has_failed, level| LastResult { has_failed, level };
        let last = LastCheck {
            cases: [
                ("a__harmless".to_owned(), result(false, Some(Level::Harmless))),
                ("a__breaking".to_owned(), result(true, Some(Level::Breaking))),
                ("a__lost".to_owned(), result(true, None)),
            ]
            .into(),
        };
        let address = "https://staging.example:8080/base";
        assert_eq!(LastCheck::read(&folder, address).unwrap(), None);
        last.write(&folder, address).unwrap();
        last.write(&folder, address).unwrap();
        let read = LastCheck::read(&folder, address).unwrap().unwrap();
        assert_eq!(read, last);
        assert_eq!(LastCheck::read(&folder, "https://staging.example:8081/base").unwrap(), None);
        assert_eq!(read.failed().collect::<Vec<_>>(), ["a__breaking", "a__lost"]);
        assert_eq!(read.with_level(Level::Uncertain).collect::<Vec<_>>(), ["a__breaking", "a__lost"]);
        assert_eq!(read.with_level(Level::Harmless).count(), 3);
    }
    #[test]
    fn addresses_that_look_alike_in_a_file_name_have_different_files() {
        let folder = tempfile::tempdir().unwrap();
        let long = |end: &str| format!("https://staging.example/{}{end}", "long/".repeat(100));
        let addresses =
            ["https://h/a/b", "https://h/a_b", "https://h/a b", "https://h/A_b", &long("a"), &long("b")];
        for (index, address) in addresses.iter().enumerate() {
            let result = LastResult { has_failed: true, level: None };
            let last = LastCheck { cases: [(index.to_string(), result)].into() };
            last.write(folder.path(), address).unwrap();
        }
        for (index, address) in addresses.iter().enumerate() {
            let last = LastCheck::read(folder.path(), address).unwrap().unwrap();
            assert_eq!(last.failed().collect::<Vec<_>>(), [&index.to_string()], "{address}");
        }
    }
}
