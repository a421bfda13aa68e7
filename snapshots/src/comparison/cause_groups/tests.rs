//! Changes of a service that look alike, but have different causes.

use super::*;
use crate::check::Outcome;
use crate::comparison::{Evidence, Folder, causes_of};

/// A case with one difference, which is breaking.
struct Different {
    case: &'static str,
    step: &'static str,
    location: Location,
    change: Change,
    words: (&'static str, &'static str),
    evidence: Evidence,
}

fn status(case: &'static str, was: &'static str, is: &'static str) -> Different {
    let (location, change) = (Location::Status, Change::Value);
    Different { case, step: "Called", location, change, words: (was, is), evidence: Evidence::default() }
}

/// The body of the response with another status.
fn body_of_status(case: &'static str) -> Different {
    let evidence = Evidence { has_other_status: true, ..Evidence::default() };
    Different { evidence, ..body(case, Change::Type, ("an object", "absent")) }
}

fn body(case: &'static str, change: Change, words: (&'static str, &'static str)) -> Different {
    let evidence = Evidence::default();
    Different { case, step: "Called", location: Location::Body(String::new()), change, words, evidence }
}

fn new_key_in_shape(case: &'static str) -> Different {
    let evidence = Evidence { source: Source::Shape, key: "region".to_owned(), ..Evidence::default() };
    let words = ("absent", "a string");
    Different { location: Location::Body("region".to_owned()), evidence, ..body(case, Change::Added, words) }
}

fn not_reached(case: &'static str) -> Different {
    let (location, words) = (Location::Step, ("here", "not reached: it has no id"));
    Different { step: "Deleted", location, ..body(case, Change::Removed, words) }
}

/// Returns the causes of some differences, without a level.
fn causes(different: Vec<Different>) -> Vec<String> {
    let checked = different.into_iter().map(|different| {
        let Different { case, step, location, change, words: (was, is), evidence } = different;
        let (step, was, is) = (step.to_owned(), was.to_owned(), is.to_owned());
        let difference = Difference { step, location, change, was, is, evidence };
        let finding = Finding { difference, level: Level::Breaking, reason: String::new(), deviation: None };
        CheckedCase {
            folder: Folder::Service,
            name: case.to_owned(),
            outcome: Outcome::Compared { findings: vec![finding] },
        }
    });
    let checked: Vec<CheckedCase> = checked.collect();
    let mut causes: Vec<String> = causes_of(&checked).iter().map(ToString::to_string).collect();
    causes.sort();
    causes
}

#[test]
fn one_new_status_of_different_operations_has_several_causes() {
    let found = causes(vec![
        status("close_session__open", "200", "204"),
        body_of_status("close_session__open"),
        status("open_session__invalid", "400", "204"),
        body_of_status("open_session__invalid"),
        status("open_session__broken", "400", "204"),
    ]);
    assert_eq!(
        found,
        [
            "status: was 200, is 204: 1 snapshot, `close_session`",
            "status: was 400, is 204: 2 snapshots, `open_session`"
        ]
    );
}

#[test]
fn one_status_in_place_of_all_of_an_operation_is_one_cause() {
    let found = causes(vec![
        status("open_session__simple", "200", "503"),
        status("open_session__invalid", "400", "503"),
        status("close_session__open", "200", "503"),
    ]);
    assert_eq!(found, ["status: was 200 or 400, is 503: 3 snapshots, all operations"]);
}

#[test]
fn a_key_in_the_shape_of_another_operation_is_not_that_of_a_wrapper() {
    let wrapped = || body("close_session__open", Change::Wrapped, ("an object", "`result`"));
    let reported = "bodies are inside of `result` now: 1 snapshot, `close_session`";
    let found = causes(vec![wrapped(), new_key_in_shape("open_session__2xx")]);
    assert_eq!(found, ["`region`: was absent, is a string: 1 snapshot, `open_session`", reported]);
    let found = causes(vec![wrapped(), new_key_in_shape("close_session__2xx")]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_case_that_ended_early_has_the_cause_in_its_differences() {
    let found = causes(vec![
        body("open_session__simple", Change::Type, ("an object", "a list")),
        body("open_session__large", Change::Type, ("an object", "a list")),
        status("close_session__open", "200", "204"),
        not_reached("close_session__open"),
        not_reached("open_session__simple"),
        not_reached("delete_session_by_id__open"),
    ]);
    assert_eq!(
        found,
        [
            "body: was an object, is a list: 3 snapshots, `delete_session_by_id`, `open_session`",
            "status: was 200, is 204: 1 snapshot, `close_session`",
        ]
    );
}
