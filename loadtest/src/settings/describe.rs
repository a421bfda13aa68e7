//! The settings of a load test as `--print-config` shows them: each with its origin, without secrets.

use super::names::{is_secret, key_of_client};
use super::template::default_of;
use super::{Applied, is_setting};
use crate::run::origin;
use clap::builder::Command;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};
use std::fmt::Write as _;

/// Returns a line for each setting that was given or has a default.
pub(crate) fn describe(command: &Command, matches: &ArgMatches, applied: &Applied) -> String {
    let mut lines = String::new();
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        if !is_setting(arg) || arg.is_hide_set() || key_of_client(id).is_some() || id == "config" {
            continue;
        }
        let long = arg.get_long().unwrap_or_default();
        let is_given = matches.value_source(id) == Some(ValueSource::CommandLine);
        let (value, origin) = match applied.of(id) {
            // `off` is not on the command line.
            Some(setting) if setting.args.is_empty() => ("false".to_owned(), setting.origin.to_string()),
            _ if !is_given => match default_of(arg) {
                Some(default) => (default, "default".to_owned()),
                None => continue,
            },
            Some(setting) => (value(arg, matches), setting.origin.to_string()),
            None => (value(arg, matches), format!("--{long}")),
        };
        let origin = origin.replace('`', "");
        let origin = origin
            .strip_prefix(&format!("loadtest.{long} ("))
            .map_or(&*origin, |path| path.strip_suffix(')').unwrap_or(path));
        let _ = writeln!(lines, "loadtest.{long} = {value} ({origin})");
    }
    lines
}

/// The value of an option that was given.
fn value(arg: &Arg, matches: &ArgMatches) -> String {
    let id = arg.get_id().as_str();
    match arg.get_action() {
        ArgAction::SetTrue => return "true".to_owned(),
        ArgAction::Count => return matches.get_count(id).to_string(),
        _ if is_secret(id) => return "***".to_owned(),
        _ => (),
    }
    let values = matches.get_raw(id).into_iter().flatten();
    let shown: Vec<_> = values
        .map(|value| {
            let value = value.to_string_lossy();
            // The credentials and the query of a URL may be secrets.
            if value.contains("://") { origin(&value) } else { value.into_owned() }
        })
        .collect();
    shown.join(", ")
}
