//! What is written about the crate is what runs.

#[test]
fn the_readme_shows_the_quickstart_as_it_is() {
    let readme = include_str!("../../README.md");
    let (_, example) = include_str!("../examples/quickstart.rs").split_once("\n\n").unwrap();
    assert!(readme.contains(&format!("```rust\n{example}```")), "copy examples/quickstart.rs into README.md");
}
