//! The table `loadtest` of the file of `--config`.

use super::{Origin, Setting, is_setting, names, setting};
use clap::builder::Command;
use pip_services::{Section, read_section};
use sessions_client::{ConfigParams, Result as ClientResult};
use std::path::{Path, PathBuf};

/// Options with files that are read, whose relative paths are relative to the configuration file.
const INPUTS: [&str; 3] = ["against_config", "baseline", "data_file"];

/// The settings whose values are strings.
const STRINGS: [&str; 2] = ["tag", "test-run-id"];

/// Returns whether a file has settings of a load test.
pub(crate) fn has_settings(path: &Path) -> bool {
    matches!(section(path), Ok(Some(_)))
}

fn section(path: &Path) -> ClientResult<Option<Section>> {
    read_section(path, "loadtest", &STRINGS)
}

/// Reads the settings of a file.
pub(super) fn read(command: &Command, path: &Path) -> Result<Vec<Setting>, String> {
    let section = match section(path) {
        Ok(section) => section,
        // The client reports a file that cannot be read at all.
        Err(_) if ConfigParams::new().with_file(path).is_err() => None,
        Err(error) => return Err(error.to_string()),
    };
    let mut settings: Vec<Setting> = Vec::new();
    for (key, mut values) in section.unwrap_or_default() {
        let origin = Origin::File { key: key.clone(), path: path.to_owned() };
        let name = key.replace('_', "-");
        let Some(arg) = names::find(command, &name).filter(|arg| arg.get_id() != "config") else {
            return Err(unknown(command, &name, &origin));
        };
        let id = arg.get_id().as_str();
        if let Some(of_client) = names::key_of_client(id) {
            return Err(format!(
                "{origin} is not a setting of the load test: set the key {of_client} outside of `loadtest`"
            ));
        }
        if let Some(other) = settings.iter().find(|setting| setting.id == id) {
            return Err(format!("{origin} sets the same as {}: remove one of them", other.origin));
        }
        if INPUTS.contains(&id) {
            values = values.iter().map(|value| beside(path, value)).collect();
        }
        settings.push(setting(arg, &values, origin)?);
    }
    Ok(settings)
}

/// Returns a path that is relative to that of the configuration file.
fn beside(file: &Path, path: &str) -> String {
    file.parent().map_or_else(|| PathBuf::from(path), |folder| folder.join(path)).display().to_string()
}

/// Returns the error for an unknown key.
fn unknown(command: &Command, name: &str, origin: &Origin) -> String {
    let is_command = command.get_arguments().any(|arg| arg.get_long() == Some(name) && !is_setting(arg));
    if is_command || name == "config" {
        return format!("{origin} is not a setting: --{name} is only an option of the command line");
    }
    let known = || names::all(command, false).filter(|name| *name != "config");
    if let Some(near) = names::nearest(name, known()) {
        return format!("{origin} is not a known key: did you mean `{near}`?");
    }
    let known: Vec<_> = known().collect();
    format!("{origin} is not a known key. The known keys are {}", known.join(", "))
}
