//! The command `contract list`.

use super::Exit;
use super::selection::SelectionArgs;
use crate::cases::cases;
use crate::contract::SessionsContract;
use crate::environment::log;
use clap::Args;
use std::fmt::Write as _;
use std::io::Write as _;

/// List the cases of the contract: operation and situation, as `contract check` selects them
#[derive(Args, Debug)]
pub(super) struct ListCommand {
    #[command(flatten)]
    selection: SelectionArgs,
}

impl ListCommand {
    pub(super) fn run(&self) -> Exit {
        let cases = match self.selection.selection().select(cases()) {
            Ok(cases) => cases,
            Err(error) => {
                log(&format!("error: {error}"));
                return Exit::CouldNotRun;
            }
        };
        let width = cases.iter().map(|case| case.operation().len()).max().unwrap_or_default();
        let mut list = String::new();
        for case in &cases {
            let note = if case.needs_exclusive_service(&SessionsContract) {
                "  (only with --close-expired)"
            } else {
                ""
            };
            let _ = writeln!(list, "{:<width$}  {}{note}", case.operation(), case.situation());
        }
        // A closed standard output does not change the result.
        let _ = std::io::stdout().write_all(list.as_bytes());
        Exit::Passed
    }
}
