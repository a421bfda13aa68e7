//! Status messages on standard error.

use std::fmt::Display;
use std::io::{Write, stderr};

/// Prints a status message. A closed standard error, as after `2> >(head -1)`, is ignored: it must not end a
/// run.
pub(crate) fn log(message: impl Display) {
    let _ = writeln!(stderr(), "loadtest: {message}");
}
