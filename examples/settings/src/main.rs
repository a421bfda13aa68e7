//! The load test: `settings-example --host http://localhost:8080`.

use settings_example::scenarios::load_test;
use std::process::ExitCode;

fn main() -> ExitCode {
    load_test().main()
}
