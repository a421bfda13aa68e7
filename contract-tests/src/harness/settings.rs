//! The settings of a test program, from variables.

use pip_services::{ClientKind, ConfigParams, Setting};
use std::ffi::OsString;
use std::path::PathBuf;
use wiretrait::ClientConfig;

/// The settings of a test program.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// The service; `None` for the recording.
    pub(super) service: Option<ClientConfig>,
    /// `true` if nothing else uses the service.
    pub(super) is_exclusive: bool,
    /// `true` to replace the recording.
    pub(super) records: bool,
}

impl Settings {
    /// Reads the variables whose names begin with `name`, and the file that describes the service.
    ///
    /// # Errors
    ///
    /// With the variable or the key, as a sentence.
    pub(super) fn read(name: &str, variables: &[(OsString, OsString)]) -> Result<Self, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(other, value)| other == name && !value.is_empty());
            found.map(|(_, value)| value.clone())
        };
        let is_confirmed = |end: &str| match variable(&format!("{name}_{end}")) {
            None => Ok(false),
            Some(value) if value == "yes" => Ok(true),
            Some(value) if value == "no" => Ok(false),
            Some(value) => {
                Err(format!("{name}_{end} must be `yes` or `no`, not {:?}", value.to_string_lossy()))
            }
        };
        let mut params = ConfigParams::new();
        let file = variable(&format!("{name}_CONFIG"));
        if let Some(file) = &file {
            // Cargo runs tests in the folder of their crate, but paths are relative to that of the shell.
            let folder = variable("PWD").map(PathBuf::from).unwrap_or_default();
            params = params.with_file(folder.join(file)).map_err(|error| error.to_string())?;
        }
        let variables = variables.iter().cloned();
        let params = params.with_environment(name, variables).map_err(|error| error.to_string())?;
        let has_address = params.settings().iter().map(Setting::key).any(|key| key.starts_with("connection"));
        let service = (file.is_some() || has_address).then(|| service(&params)).transpose()?;
        let (is_exclusive, records) = (is_confirmed("EXCLUSIVE")?, is_confirmed("RECORD")?);
        if records && service.is_none() {
            return Err(format!("{name}_RECORD=yes needs a service: set {name}_URL or {name}_CONFIG"));
        }
        Ok(Self { service, is_exclusive, records })
    }
}

/// Returns the settings of the client, which calls the service over HTTP.
fn service(params: &ConfigParams) -> Result<ClientConfig, String> {
    let config = params.build().map_err(|error| error.to_string())?;
    match ClientKind::of(&config) {
        // A retry would hide a failure.
        ClientKind::Http => Ok(config.with_retries(0)),
        kind => Err(format!("the kind of client is {kind}, but contract tests need `http`")),
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use std::ffi::OsString;
    use std::fs;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let variables: Vec<(OsString, OsString)> =
            variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Settings::read("NOTES", &variables)
    }

    #[test]
    fn without_an_address_there_is_no_service() {
        let settings = read(&[("NOTES_URL", ""), ("ORDERS_URL", "http://orders")]).unwrap();
        assert!(settings.service.is_none() && !settings.is_exclusive && !settings.records, "{settings:?}");
    }

    #[test]
    fn a_run_is_exclusive_only_on_demand() {
        let url = ("NOTES_URL", "http://notes:8080");
        assert!(!read(&[url]).unwrap().is_exclusive);
        assert!(!read(&[url, ("NOTES_EXCLUSIVE", "no")]).unwrap().is_exclusive);
        assert!(read(&[url, ("NOTES_EXCLUSIVE", "yes")]).unwrap().is_exclusive);
        assert!(read(&[url, ("NOTES_RECORD", "yes")]).unwrap().records);
    }

    #[test]
    fn the_file_describes_the_service_and_variables_replace_its_keys() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("staging.yaml"),
            "connection: {uri: 'http://notes'}\nheaders: {x-api-key: '${KEY}'}\noptions: {timeout: 1000}\n",
        )
        .unwrap();
        let settings = read(&[
            ("PWD", folder.path().to_str().unwrap()),
            ("NOTES_CONFIG", "staging.yaml"),
            ("NOTES_OPTIONS_TIMEOUT", "2000"),
            ("KEY", "s3cr3t"),
        ]);
        let service = settings.unwrap().service.unwrap();
        assert_eq!(service.base_url(), Some("http://notes"));
        assert_eq!(service.headers()["x-api-key"], "s3cr3t");
        assert_eq!(service.timeout().as_secs(), 2);
    }

    #[test]
    fn invalid_settings_are_named() {
        let url = ("NOTES_URL", "http://notes");
        for (variables, why) in [
            (&[url, ("NOTES_EXCLUSIVE", "true")][..], "NOTES_EXCLUSIVE must be `yes` or `no`, not \"true\""),
            (&[url, ("NOTES_RECORD", "1")], "NOTES_RECORD must be `yes` or `no`, not \"1\""),
            (&[("NOTES_RECORD", "yes")], "NOTES_RECORD=yes needs a service: set NOTES_URL or NOTES_CONFIG"),
            (&[url, ("NOTES_OPTIONS_TIMEOUT", "soon")], "`options.timeout` (NOTES_OPTIONS_TIMEOUT) must be"),
            (&[url, ("NOTES_KIND", "null")], "the kind of client is null, but contract tests need `http`"),
            (&[("NOTES_CONFIG", "/nowhere.yaml")], "the configuration file /nowhere.yaml cannot be read"),
        ] {
            let error = read(variables).unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
