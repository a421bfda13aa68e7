//! The variables `LOADTEST_…`.

use super::{Origin, Setting, names, setting};
use crate::contract::Contract;
use clap::ArgAction;
use clap::builder::Command;
use std::ffi::OsString;

const PREFIX: &str = "LOADTEST_";

/// Variables without an option.
const OTHERS: [&str; 1] = ["ALLOWED_HOSTS"];

/// The separator of the values of a list.
const SEPARATOR: char = ';';

/// Reads the settings among variables. Empty ones count as not set.
pub(super) fn read(
    command: &Command,
    contract: &Contract,
    variables: &[(OsString, OsString)],
) -> Result<Vec<Setting>, String> {
    let mut settings: Vec<Setting> = Vec::new();
    for (name, value) in variables {
        let Some(name) = name.to_str() else { continue };
        let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| !OTHERS.contains(rest)) else { continue };
        if value.is_empty() {
            continue;
        }
        let Some(arg) = names::find(command, &option(rest)) else {
            match mistake(command, rest) {
                Some(near) => {
                    return Err(format!("`{name}` is not a known variable: did you mean `{PREFIX}{near}`?"));
                }
                None => continue,
            }
        };
        let prefix = contract.variable_prefix();
        let instead = match arg.get_id().as_str() {
            "token" => Some("CREDENTIAL_TOKEN"),
            "header" => Some("HEADERS_<NAME>"),
            _ => None,
        };
        if let Some(instead) = instead {
            return Err(format!("`{name}` is not a known variable: use `{prefix}_{instead}`"));
        }
        let origin = Origin::Variable(name.to_owned());
        let value = value.to_str().ok_or_else(|| format!("{origin} must be valid Unicode"))?;
        let values: Vec<String> = match arg.get_action() {
            ArgAction::Append => value
                .split(SEPARATOR)
                .map(str::trim)
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
                .collect(),
            _ => vec![value.trim().to_owned()],
        };
        let setting = setting(arg, &values, origin)?;
        if let Some(other) = settings.iter().find(|other| other.id == setting.id) {
            return Err(format!("{} sets the same as {}: remove one of them", setting.origin, other.origin));
        }
        settings.push(setting);
    }
    Ok(settings)
}

/// The name of the option of a variable.
fn option(rest: &str) -> String {
    // Names of variables are in upper case; another one is a variable of another program.
    if rest.chars().any(|c| c.is_ascii_lowercase()) {
        String::new()
    } else {
        rest.to_ascii_lowercase().replace('_', "-")
    }
}

/// Returns the variable that is probably meant by an unknown one; `None` if it belongs to another program.
fn mistake(command: &Command, rest: &str) -> Option<String> {
    // Kubernetes sets such variables for a service whose name begins with `loadtest`.
    let is_of_kubernetes = rest == "PORT"
        || rest.starts_with("PORT_")
        || ["_PORT", "_SERVICE_HOST", "_SERVICE_PORT"].iter().any(|end| rest.ends_with(end))
        || ["_PORT_", "SERVICE_HOST", "SERVICE_PORT"].iter().any(|part| rest.contains(part));
    if is_of_kubernetes {
        return None;
    }
    let name = option(rest);
    let near = names::nearest(&name, names::all(command, true));
    near.map(|near| near.replace('-', "_").to_ascii_uppercase())
}
