//! The check of the values of a setting, whose error names what is expected.

use super::{Setting, names};
use clap::ArgMatches;
use clap::builder::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error;
use std::net::AddrParseError;
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};

/// Checks the values of a setting. The error names its origin, and what is expected.
pub(super) fn check(command: &Command, setting: &Setting) -> Result<(), String> {
    let Err(error) = parse_alone(command, setting) else { return Ok(()) };
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
    let expected = valid.or_else(|| error.source().map(expectation)).unwrap_or_default();
    let value = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) if !names::is_secret(&setting.id) => format!(" `{value}`"),
        _ => String::new(),
    };
    Err(format!("{}: invalid value{value}: {expected}", setting.origin))
}

/// Parses a setting as if it were the only one.
pub(super) fn parse_alone(command: &Command, setting: &Setting) -> Result<ArgMatches, clap::Error> {
    let args = [""].into_iter().chain(setting.args.iter().map(String::as_str));
    command.clone().try_get_matches_from(args)
}

/// Returns what is expected in place of a value. The errors of the standard library do not name it.
fn expectation(error: &(dyn Error + 'static)) -> String {
    if let Some(error) = error.downcast_ref::<ParseIntError>() {
        return match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "the number is too large",
            _ => "expected a whole number",
        }
        .to_owned();
    }
    if error.is::<ParseFloatError>() {
        return "expected a number".to_owned();
    }
    if error.is::<AddrParseError>() {
        return "expected an IP address and a port, such as 127.0.0.1:9464".to_owned();
    }
    let message = error.to_string();
    match message.split_once(" is not in ").and_then(|(_, range)| range.split_once("..")) {
        Some((min, "")) => format!("expected a number of at least {min}"),
        Some((min, max)) => format!("expected a number from {min} to {}", max.trim_start_matches('=')),
        None => message,
    }
}
