//! The program: `shop-loadtest --host http://localhost:8080`.

use shop_loadtest::scenarios::load_test;
use std::process::ExitCode;

fn main() -> ExitCode {
    load_test().main()
}
