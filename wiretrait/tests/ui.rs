//! Compile errors of invalid contracts. Each fixture has one kind of mistake and otherwise uses the contract
//! as if it were valid, so that its `.stderr` file contains every error that a user would get.

use std::fs;
use std::path::Path;

/// The compiler determines part of the output, so the comparison needs the version that created the files.
/// Update them with `TRYBUILD=overwrite` and review the difference.
#[rustversion::attr(not(stable(1.95)), ignore = "the expected errors were created with rustc 1.95")]
#[test]
fn invalid_contracts_are_rejected_with_the_expected_errors() {
    trybuild::TestCases::new().compile_fail("tests/ui/*/*.rs");
}

/// If the `rust-src` component is installed, the compiler adds notes and source lines that point into the
/// standard library, and a fixture with such an error passes only with or only without the component. Errors
/// of the macro never have these notes. Errors of the compiler are limited to the codes below:
///
/// - E0277 (unsatisfied bound) refers to a bound of the runtime. It does not point to the standard library.
/// - E0405 (unknown trait) does not point to a definition.
///
/// A counterexample is E0107 (wrong number of generic arguments) for `Result`: with the component it has the
/// note "enum defined here", without it there is no note. Before adding a code, check the fixture with and
/// without `rust-src`.
#[test]
fn expected_errors_do_not_depend_on_the_rust_src_component() {
    const INDEPENDENT_CODES: [&str; 2] = ["E0277", "E0405"];

    let mut checked = 0;
    for folder in fs::read_dir("tests/ui").unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|extension| extension == "stderr") {
                check_independence(&file, &INDEPENDENT_CODES);
                checked += 1;
            }
        }
    }
    assert!(checked > 0, "there are no `.stderr` files in `tests/ui`");
}

fn check_independence(file: &Path, independent_codes: &[&str]) {
    let errors = fs::read_to_string(file).unwrap();
    let name = file.display();
    assert!(!errors.contains("$RUST"), "{name} points into the standard library: change the fixture");
    for code in errors.lines().filter_map(|line| line.strip_prefix("error[")?.split(']').next()) {
        assert!(
            independent_codes.contains(&code),
            "{name} has the compiler error {code}, which may depend on `rust-src`: change the fixture"
        );
    }
}
