//! The code of `docs/own-contract-tests.md` is that of this package.

use contract_tests::suite::{Case, Step};

/// The lines of a piece of code without their indentation.
fn lines(code: &str) -> Vec<&str> {
    code.lines().map(str::trim_start).filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_code_of_the_guide_is_compiled() {
    let sources = [include_str!("../src/cases.rs"), include_str!("settings.rs"), include_str!("guide.rs")];
    let guide = include_str!("../../../docs/own-contract-tests.md").replace("\r\n", "\n");
    let snippets: Vec<&str> =
        guide.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!snippets.is_empty());
    for snippet in snippets {
        let snippet = lines(snippet);
        let contains = |source: &&str| lines(source).windows(snippet.len()).any(|lines| lines == snippet);
        assert!(sources.iter().any(contains), "{snippet:#?}");
    }
}

#[test]
fn the_cases_of_the_guide_have_their_names() {
    let names = [again(), existing()].map(|case| case.name());
    assert_eq!(names, ["set_section__again", "set_note__existing"]);
}

fn again() -> Case {
    Case::new("set_section", "again")
        .given("set_section", r#"{"id":"<section>","parameters":{"a":"1","b":"2"}}"#)
        .then("The section", "get_sections", r#"{"filter":{"id_starts":"<section>"}}"#)
        .call("All parameters are replaced", r#"{"id":"<section>","parameters":{"b":"3"}}"#)
        .then("It is changed", "get_sections", r#"{"filter":{"id_starts":"<section>"}}"#)
}

/// A case of a service whose paths have placeholders.
fn existing() -> Case {
    Case::new("set_note", "existing")
        .given("place_order", r#"{"customer":"<customer>"}"#)
        .step(Step::call("The note", "set_note", r#""call first""#).at("/shop/orders/<id:1>/note"))
        .step(Step::call("All orders", "list_orders", "").target("?customer=<customer>"))
}
