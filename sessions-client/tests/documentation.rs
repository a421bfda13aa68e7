//! The first example of the READMEs and the crate documentation.

/// Returns the code of the first Rust example.
fn first_example(markdown: &str) -> &str {
    let (_, rest) = markdown.split_once("```rust,no_run\n").expect("there is an example");
    let (code, _) = rest.split_once("```").expect("the example ends");
    code
}

#[test]
fn both_readmes_and_the_crate_docs_begin_with_the_same_example() {
    let example = first_example(include_str!("../README.md"));
    assert_eq!(first_example(include_str!("../../README.md")), example, "in README.md of the repository");
    let source = include_str!("../src/lib.rs");
    let docs: Vec<&str> =
        source.lines().filter_map(|line| line.strip_prefix("//!")).map(str::trim_start).collect();
    let example: Vec<&str> = example.lines().map(str::trim_start).collect();
    assert!(docs.windows(example.len()).any(|lines| lines == example), "copy the example into src/lib.rs");
}
