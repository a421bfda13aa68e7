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
/// - E0599 (unknown method) points to a type of the fixture.
///
/// A counterexample is E0107 (wrong number of generic arguments) for `Result`: with the component it has the
/// note "enum defined here", without it there is no note. Before adding a code, check the fixture with and
/// without `rust-src`.
#[test]
fn expected_errors_do_not_depend_on_the_rust_src_component() {
    const INDEPENDENT_CODES: [&str; 3] = ["E0277", "E0405", "E0599"];

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

/// Fixtures with several errors: those with several mistakes, those whose type lacks two traits, and incomplete code,
/// whose syntax error is also reported by the compiler.
const SEVERAL_ERRORS: [(&str, usize); 22] = [
    ("argument/type_with_a_lifetime", 4),
    ("codec/bytes_as_field", 3),
    ("codec/bytes_as_response", 2),
    ("codec/bytes_without_codec", 4),
    ("codec/codec_in_quotes", 2),
    ("codec/codec_twice", 2),
    ("codec/none_without_status", 4),
    ("codec/not_a_codec", 2),
    ("contract/all_errors_at_once", 14),
    ("contract/const_parameter", 2),
    ("incomplete/argument_without_type", 2),
    ("incomplete/empty_attribute", 2),
    ("incomplete/missing_return_type", 2),
    ("incomplete/missing_semicolon", 2),
    ("names/operation_named_clone", 4),
    ("names/trait_not_imported", 2),
    ("signature/borrowed_return_type", 2),
    ("signature/provided_method", 7),
    ("signature/visibility", 4),
    ("types/alias_of_another_type", 2),
    ("types/unsupported_type_in_path", 2),
    ("types/unsupported_type_in_query", 2),
];

#[test]
fn each_mistake_causes_one_error() {
    let mut several = Vec::new();
    for folder in fs::read_dir("tests/ui").unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_none_or(|extension| extension != "stderr") {
                continue;
            }
            let errors = fs::read_to_string(&file).unwrap();
            let is_report = |line: &&str| line.starts_with("error") || line.starts_with("warning");
            let count = errors.lines().filter(is_report).count();
            let name = file.with_extension("");
            let name = name.strip_prefix("tests/ui").unwrap().to_str().unwrap().replace('\\', "/");
            if count != 1 {
                several.push((name, count));
            }
        }
    }
    several.sort();
    let expected = SEVERAL_ERRORS.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(several, expected);
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
