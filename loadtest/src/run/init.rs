//! `loadtest init`: the commented file with all settings.

use crate::error::LoadTestError;
use crate::status;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// Writes a new file, and returns the message about it.
pub(super) fn write(path: &Path, text: &str) -> Result<String, LoadTestError> {
    let error = |reason: String| LoadTestError::Option(format!("{}: {reason}", path.display()));
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if !matches!(extension, "yaml" | "yml") {
        return Err(error("the file must have the extension .yaml or .yml".to_owned()));
    }
    let written = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => Ok(format!(
            "{path} has all settings with their defaults; use it with: {program} --config {path}\n",
            path = path.display(),
            program = status::program(),
        )),
        Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(error("the file exists, and is not changed: name another one".to_owned()))
        }
        Err(why) => Err(error(format!("cannot be written: {why}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_not_changed() {
        let path = std::env::temp_dir().join(format!("loadtest-init-{}.yaml", std::process::id()));
        write(&path, "first").unwrap();
        let error = write(&path, "second").unwrap_err().to_string();
        assert!(error.contains("the file exists, and is not changed"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_with_another_extension_is_an_error() {
        let error = write(Path::new("loadtest.ini"), "").unwrap_err().to_string();
        assert_eq!(error, "loadtest.ini: the file must have the extension .yaml or .yml");
    }
}
