//! The settings of a load test in a file and in variables, as options before those of the command line.
//!
//! Options replace variables, variables replace the file, and the file replaces the defaults. All of them are read
//! by the one parser of the command line, so that each option of this crate and of goose is a setting, with the
//! same values and the same checks. Rejected alternative: clap's `env`, because goose's options are not ours, and
//! because a variable would then conflict with an option that should replace it.

mod conflicts;
mod describe;
mod file;
mod names;
mod template;
mod variables;

pub(crate) use describe::describe;
pub(crate) use template::template;

use crate::contract::Contract;
use clap::builder::Command;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};
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
    command.build();
    // A comparison has the options of a load test, and other commands have no settings.
    let is_comparison = args.get(1).is_some_and(|arg| arg == "compare");
    let other = |arg: &OsString| command.get_subcommands().any(|command| *arg == *command.get_name());
    if !is_comparison && args.iter().skip(1).any(other) {
        return Ok((args.to_vec(), Applied::default()));
    }
    let (command, first) = match command.find_subcommand("compare") {
        Some(compare) if is_comparison => (compare, 2),
        _ => (&*command, 1),
    };
    let (before, after) = args.split_at(first.min(args.len()));
    // Errors are those of the whole command line, which is parsed later.
    let typed = [OsString::new()].into_iter().chain(after.iter().cloned());
    let Ok(typed) = command.clone().ignore_errors(true).try_get_matches_from(typed) else {
        return Ok((args.to_vec(), Applied::default()));
    };
    let all = variables;
    let variables = variables::read(command, contract, all)?;
    let path = config_file(&typed, &variables, contract, all);
    let file = path.map(|path| file::read(command, &path)).transpose()?.unwrap_or_default();
    let given: Vec<String> = command
        .get_arguments()
        .map(|arg| arg.get_id().to_string())
        .filter(|id| typed.value_source(id) == Some(ValueSource::CommandLine))
        .collect();
    let variables = conflicts::without_replaced(variables, &given);
    let above = given.into_iter().chain(conflicts::ids(&variables));
    let file = conflicts::without_replaced(file, &above.collect::<Vec<_>>());
    let applied: Vec<Setting> = variables.into_iter().chain(file).collect();
    for setting in &applied {
        check(command, setting)?;
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

/// Checks the values of a setting. The error names its origin, and what is expected.
fn check(command: &Command, setting: &Setting) -> Result<(), String> {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    let args = [""].into_iter().chain(setting.args.iter().map(String::as_str));
    let Err(error) = command.clone().try_get_matches_from(args) else { return Ok(()) };
    if !matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) {
        // It depends on other settings.
        return Ok(());
    }
    let valid = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => {
            Some(format!("expected {}", values.join(", ")))
        }
        _ => None,
    };
    let reason = valid.or_else(|| std::error::Error::source(&error).map(ToString::to_string));
    let value = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) if !names::is_secret(&setting.id) => format!(" `{value}`"),
        _ => String::new(),
    };
    Err(format!("{}: invalid value{value}: {}", setting.origin, reason.unwrap_or_default()))
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
