//! The contract tests: offline from a recording, or live with `ROLES_URL`.

use contract_tests::harness::ContractTests;
use roles_example::cases::{RolesContract, cases};
use std::process::ExitCode;

fn main() -> ExitCode {
    ContractTests::new("ROLES", RolesContract, cases(), env!("CARGO_MANIFEST_DIR")).main()
}
