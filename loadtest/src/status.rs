//! Status messages on standard error.

use crate::sync::{Mutex, lock};
use indicatif::ProgressBar;
use std::fmt::Display;
use std::io::{Write, stderr};
use std::path::Path;
use std::sync::OnceLock;

/// The live view on standard error, which messages are printed above.
static LIVE_VIEW: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// The name of the program, as its file is called.
pub(crate) fn program() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let path = std::env::args_os().next().unwrap_or_default();
        let name = Path::new(&path).file_stem().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| "loadtest".to_owned())
    })
}

/// Sets the live view that is on standard error.
pub(crate) fn set_live_view(view: Option<ProgressBar>) {
    *lock(&LIVE_VIEW) = view;
}

/// Prints a status message. A closed standard error, as after `2> >(head -1)`, is ignored: it must not end a
/// run.
pub(crate) fn log(message: impl Display) {
    let print = || {
        let _ = writeln!(stderr(), "{}: {message}", program());
    };
    let view = lock(&LIVE_VIEW).clone();
    match view {
        Some(view) => view.suspend(print),
        None => print(),
    }
}
