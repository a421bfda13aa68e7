//! The load test: `roles-example --host http://localhost:8080`.

use roles_example::scenarios::load_test;
use std::process::ExitCode;

fn main() -> ExitCode {
    load_test().main()
}
