//! The commented file of `loadtest init`: all settings with their defaults, from the options themselves.

use super::is_setting;
use super::names::key_of_client;
use crate::contract::Contract;
use crate::status;
use clap::builder::Command;
use clap::{Arg, ArgAction};
use std::fmt::Write as _;

/// The width of comments.
const WIDTH: usize = 96;

/// Settings whose default has no effect without another one, so that it is only described.
const NEED_OTHERS: [&str; 2] = ["data_order", "max_regression"];

/// The headings of goose's options that have an effect if they are given at all.
const OF_GOOSE: [&str; 6] = ["Controllers", "Dashboard", "HTTP client", "Logs", "Metrics", "Reports"];

/// The file up to the settings of the load test.
const HEAD: &str = "\
# The description of a service and of its load test, for `loadtest --config FILE`.
#
# Remove the # in front of a setting to change it. `# name: VALUE` is a setting without a default.
# Options replace variables, variables replace this file, and this file replaces the defaults.
# `loadtest --config FILE --print-config` shows what is in effect, and where it comes from.

# The connection to the service, in the keys of the client. Without it, an embedded service is loaded.
# connection:
#   uri: http://localhost:8080
# headers:
#   x-api-key: ${API_KEY}
# credential:
#   token: ${TOKEN}
#   ssl_ca_file: ca.pem
# options:
#   timeout: 10000

# The settings of the load test. Each is an option of the command line and a variable as well:
# run-time is --run-time and LOADTEST_RUN_TIME. A variable with a list separates its values by `;`.
loadtest:
";

/// Returns the commented file.
pub(crate) fn template(command: &Command, contract: &Contract) -> String {
    let mut text = HEAD.to_owned();
    if !contract.is_sessions {
        text = text
            .replace("`loadtest --config", &format!("`{} --config", status::program()))
            .replace(" Without it, an embedded service is loaded.", "");
    }
    let mut heading = None;
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        if !is_setting(arg) || arg.is_hide_set() || key_of_client(id).is_some() || id == "config" {
            continue;
        }
        if arg.get_help_heading() != heading {
            heading = arg.get_help_heading();
            let _ = writeln!(text, "\n  # {}", heading.unwrap_or_default());
        }
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        text.push('\n');
        for line in wrapped(help.lines().next().unwrap_or_default()) {
            let _ = writeln!(text, "  # {line}");
        }
        let long = arg.get_long().unwrap_or_default();
        let _ = match default_of(arg) {
            Some(default) if !NEED_OTHERS.contains(&id) => writeln!(text, "  #{long}: {default}"),
            _ => writeln!(text, "  # {long}: {}", placeholder(arg)),
        };
    }
    text
}

/// Returns the default of an option, from clap or from its help.
pub(super) fn default_of(arg: &Arg) -> Option<String> {
    match arg.get_action() {
        ArgAction::SetTrue => return Some("false".to_owned()),
        ArgAction::Count => return Some("0".to_owned()),
        _ => (),
    }
    if let Some(default) = arg.get_default_values().first() {
        return Some(default.to_string_lossy().into_owned());
    }
    let is_named = matches!(arg.get_id().as_str(), "report_file" | "scenario");
    if !is_named && arg.get_help_heading().is_some_and(|heading| OF_GOOSE.contains(&heading)) {
        return None;
    }
    let help = arg.get_help()?.to_string();
    let default = help.lines().next()?.split_once("[default: ")?.1.split_once(']')?.0;
    // Others describe a value that depends on something.
    let is_value = default.starts_with(|c: char| c.is_ascii_digit()) || is_named;
    let is_value = is_value && !default.contains([' ', ',']);
    is_value.then(|| default.to_owned())
}

/// A value of an option without a default.
fn placeholder(arg: &Arg) -> String {
    let name = arg.get_value_names().and_then(|names| names.first()).map_or("VALUE", |name| name.as_str());
    if matches!(arg.get_action(), ArgAction::Append) { format!("[{name}]") } else { name.to_owned() }
}

/// Breaks a line.
fn wrapped(line: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split_whitespace() {
        match lines.last_mut() {
            Some(last) if last.is_empty() => last.push_str(word),
            Some(last) if last.len() + word.len() < WIDTH => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
