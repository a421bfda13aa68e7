//! The contract tests: offline from a recording, or live with `SETTINGS_URL`.

use contract_tests::harness::ContractTests;
use settings_example::cases::{SettingsContract, cases};
use std::process::ExitCode;

fn main() -> ExitCode {
    ContractTests::new("SETTINGS", SettingsContract, cases(), env!("CARGO_MANIFEST_DIR")).main()
}
