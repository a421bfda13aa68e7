//! The settings of a load test in a file and in variables, as options before those of the command line.
//!
//! Options replace variables, variables replace the file, and the file replaces the defaults. All of them are read
//! by the one parser of the command line, so that each option of this crate and of goose is a setting, with the
//! same values and the same checks. Rejected alternative: clap's `env`, because goose's options are not ours, and
//! because a variable would then conflict with an option that should replace it.
//!
//! `compare` has the settings of a load test, `doctor` and `cleanup` have those that are among their options, and the
//! other commands have none.

mod conflicts;
mod describe;
mod file;
mod invalid_value;
mod names;
mod template;
mod variables;

pub(crate) use describe::describe;
pub(crate) use file::has_settings;
pub(crate) use template::template;

use crate::contract::Contract;
use clap::builder::Command;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};
use conflicts::Above;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

/// The source of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The key of the table `loadtest` in a file.
    File { key: String, path: PathBuf },
    /// The variable with this name.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { key, path } => write!(f, "`loadtest.{key}` ({})", path.display()),
            Self::Variable(name) => write!(f, "`{name}`"),
        }
    }
}

/// A setting of a file or a variable.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The id of its option.
    id: String,
    /// The name of its option, without hyphens at its begin.
    long: String,
    /// The arguments of the command line with the same meaning; none for an option that is off.
    args: Vec<String>,
    pub(crate) origin: Origin,
}

/// The settings that are in effect besides those of the command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applied(Vec<Setting>);

impl Applied {
    /// Replaces the names of options that are set elsewhere by their keys or variables in an error.
    pub(crate) fn explain(&self, message: &str) -> String {
        self.0.iter().fold(message.to_owned(), |message, setting| {
            let option = format!("--{}", setting.long);
            let is_whole = |(at, _): &(usize, &str)| {
                let next = message[at + option.len()..].chars().next();
                !next.is_some_and(|next| next.is_alphanumeric() || next == '-')
            };
            match message.match_indices(&option).find(is_whole) {
                Some((at, _)) => {
                    format!("{}{}{}", &message[..at], setting.origin, &message[at + option.len()..])
                }
                None => message,
            }
        })
    }

    /// Replaces options by the variables that set them, as the origins of settings of the client.
    pub(crate) fn relabel(&self, lines: &str) -> String {
        self.0.iter().fold(lines.to_owned(), |lines, setting| {
            let origin = setting.origin.to_string().replace('`', "");
            lines.replace(&format!("(--{})", setting.long), &format!("({origin})"))
        })
    }

    /// Returns the error of clap for settings that are valid on their own, in one line.
    pub(crate) fn conflict(&self, command: &Command, error: &clap::Error) -> String {
        let text = error.to_string();
        let reason = text.split("\n\n").next().unwrap_or_default();
        let words: Vec<&str> = reason.trim_start_matches("error: ").split_whitespace().collect();
        let reason = words.join(" ");
        let fails_alone = |setting: &&Setting| {
            invalid_value::parse_alone(command, setting).is_err_and(|alone| alone.kind() == error.kind())
        };
        match self.0.iter().find(fails_alone) {
            Some(setting) => format!("{}: {reason}", setting.origin),
            None => reason,
        }
    }

    /// The names of the options that are set.
    #[cfg(test)]
    fn longs(&self) -> Vec<&str> {
        self.0.iter().map(|setting| &*setting.long).collect()
    }

    /// The setting of an option.
    fn of(&self, id: &str) -> Option<&Setting> {
        self.0.iter().find(|setting| setting.id == id)
    }
}

/// Adds the settings of the file and of the variables to a command line.
///
/// The error names the key or the variable.
pub(crate) fn apply(
    command: &mut Command,
    contract: &Contract,
    args: &[OsString],
    variables: &[(OsString, OsString)],
) -> Result<(Vec<OsString>, Applied), String> {
    // Errors are those of the whole command line, which is parsed later.
    let tolerant = command.clone().ignore_errors(true);
    command.build();
    let without_settings = || Ok((args.to_vec(), Applied::default()));
    let Ok(typed) = tolerant.try_get_matches_from(args) else { return without_settings() };
    // A command is the first argument, because options before it are an error.
    let (name, typed, first) = match typed.subcommand() {
        Some((name, typed)) => (Some(name), typed, 2),
        None => (None, &typed, 1),
    };
    let (before, after) = args.split_at(first.min(args.len()));
    let compare = command.find_subcommand("compare");
    let own = name.and_then(|name| command.find_subcommand(name));
    let (command, known) = match (name, own, compare) {
        (None, ..) => (&*command, &*command),
        (Some("compare"), Some(compare), _) => (compare, compare),
        // A comparison has all settings of a load test, and those of the other service.
        (Some("doctor" | "cleanup"), Some(own), Some(compare)) => (own, compare),
        _ => return without_settings(),
    };
    let all = variables;
    let mut variables = variables::read(known, contract, all)?;
    let path = config_file(typed, &variables, contract, all);
    let mut file = path.map(|path| file::read(known, &path)).transpose()?.unwrap_or_default();
    if matches!(name, Some("doctor" | "cleanup")) {
        // They have no option for the load, and `doctor` rejects a hidden one.
        let has = |setting: &Setting| {
            names::find(command, &setting.long).is_some_and(|option| !option.is_hide_set())
        };
        variables.retain(has);
        file.retain(has);
    }
    let mut above = Above::default();
    let ids = command.get_arguments().map(|arg| arg.get_id().as_str());
    for id in ids.filter(|id| typed.value_source(id) == Some(ValueSource::CommandLine)) {
        let value = typed.get_raw(id).and_then(|mut values| values.next()?.to_str());
        above.add(id, value);
    }
    let applied = conflicts::in_effect(above, variables, file);
    for setting in &applied {
        invalid_value::check(command, setting)?;
    }
    let added = applied.iter().flat_map(|setting| &setting.args).map(OsString::from);
    let args = before.iter().cloned().chain(added).chain(after.iter().cloned()).collect();
    Ok((args, Applied(applied)))
}

/// The file of `--config`, which has also two variables.
fn config_file(
    typed: &ArgMatches,
    variables: &[Setting],
    contract: &Contract,
    all: &[(OsString, OsString)],
) -> Option<PathBuf> {
    let typed = typed.get_one::<PathBuf>("config").cloned();
    let set = || {
        let setting = variables.iter().find(|setting| setting.id == "config")?;
        setting.args.first()?.split_once('=').map(|(_, path)| PathBuf::from(path))
    };
    let of_client = || {
        let path = variable(all, &format!("{}_CONFIG", contract.variable_prefix()))?;
        (!path.is_empty()).then(|| PathBuf::from(path))
    };
    typed.or_else(set).or_else(of_client)
}

/// Creates a setting from its values.
fn setting(arg: &Arg, values: &[String], origin: Origin) -> Result<Setting, String> {
    let long = arg.get_long().unwrap_or_default().to_owned();
    let option = format!("--{long}");
    let args = match arg.get_action() {
        ArgAction::SetTrue => match values {
            [value] if value == "true" => vec![option],
            [value] if value == "false" => Vec::new(),
            _ => return Err(format!("{origin}: expected true or false")),
        },
        ArgAction::Count => match values {
            [value] => {
                let times =
                    value.parse::<u8>().map_err(|_| format!("{origin}: expected a number such as 1"))?;
                vec![option; times.into()]
            }
            _ => return Err(format!("{origin}: expected one number")),
        },
        ArgAction::Append => values.iter().map(|value| format!("{option}={value}")).collect(),
        _ if values.is_empty() => return Err(format!("{origin}: expected a value")),
        // Rates and weights of scenarios are lists in one value.
        _ => vec![format!("{option}={}", values.join(","))],
    };
    Ok(Setting { id: arg.get_id().to_string(), long, args, origin })
}

/// Returns whether the setting of an option may be written to a file or a variable.
fn is_setting(arg: &Arg) -> bool {
    const COMMANDS: [&str; 6] =
        ["help", "version", "list", "print_config", "scenarios_list", "render_report"];
    arg.get_long().is_some() && !COMMANDS.iter().any(|id| arg.get_id() == id)
}

/// Returns the value of a variable.
fn variable<'v>(variables: &'v [(OsString, OsString)], name: &str) -> Option<&'v OsStr> {
    let found = variables.iter().find(|(key, _)| key == name)?;
    Some(&*found.1)
}

#[cfg(test)]
mod tests;
