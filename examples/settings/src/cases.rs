//! The contract test cases.
//!
//! The service cannot delete sections, so that a run needs a dedicated one.

use crate::contract::{SettingsClient, settings_v1};
use contract_tests::suite::{Case, Step, unreached};
use contract_tests::{Entity, ServiceContract};
use wiretrait::{Call, Error, Incoming, Response, Route, Transport};

/// The contract under test.
#[derive(Clone, Copy, Debug)]
pub struct SettingsContract;

impl ServiceContract for SettingsContract {
    fn routes(&self) -> &'static [&'static Route] {
        settings_v1::ROUTES
    }

    fn entity(&self) -> &'static Entity {
        &Entity {
            name: "section",
            plural: "sections",
            keys: &["id", "parameters", "update_time"],
            distinctive_key: "update_time",
            enough_keys: 2,
            string_keys: &["id"],
            payload_keys: &["parameters"],
            owner: "<section>",
            owner_key: None,
            shown_keys: &["parameters"],
            has_assigned_ids: false,
            two_readings: None,
        }
    }

    async fn call<T: Transport + Clone + 'static>(
        &self,
        transport: T,
        call: Call,
    ) -> Result<Response, Error> {
        Ok(settings_v1::dispatch(&SettingsClient::new(transport), Incoming::from(call.request)).await)
    }
}

/// Returns all cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let themes = [setting(), modifying(), reading(), listing()];
    let generated = settings_v1::ROUTES.iter().map(|route| unreached(route, r#"{"id":"#));
    themes.into_iter().flatten().chain(generated).collect()
}

const SECTION: &str = r#"{"id":"<section>"}"#;

const THIS: &str = r#"{"filter":{"id_starts":"<section>"},"paging":{"total":true}}"#;

fn setting() -> Vec<Case> {
    let set = |situation: &str| Case::new("set_section", situation);
    vec![
        set("new")
            .call("A new section", r#"{"id":"<section>","parameters":{"host":"a","port":"80","zone":null}}"#)
            .then("It is stored", "get_sections", THIS),
        set("again")
            .given("set_section", r#"{"id":"<section>","parameters":{"a":"1","b":"2"}}"#)
            .then("The section", "get_sections", THIS)
            .call("All parameters are replaced", r#"{"id":"<section>","parameters":{"b":"3"}}"#)
            .then("It is changed", "get_sections", THIS),
        set("no_parameters").call("A section without parameters", r#"{"id":"<section>","parameters":{}}"#),
        set("values").raw(
            "All values are strings, and nested ones have paths",
            r#"{"id":"<section>","parameters":{"n":1.50,"t":true,"o":{"x":{"y":1}},"l":[1,"z"],"e":{},"s":""}}"#,
        ),
        set("unknown_arguments").raw("Others are ignored", r#"{"id":"<section>","parameters":{},"x":1}"#),
        set("invalid_arguments")
            .raw("No value", r#"{"parameters":null}"#)
            .row("{}")
            .row(SECTION)
            .row(r#"{"id":1,"parameters":{}}"#)
            .row(r#"{"id":null,"parameters":{}}"#)
            .row(r#"{"id":"<section>","parameters":"a=1"}"#)
            .row(r#"{"id":"<section>","parameters":[1]}"#),
    ]
}

fn modifying() -> Vec<Case> {
    let modify = |situation: &str| Case::new("modify_section", situation);
    let existing = |situation: &str| {
        modify(situation)
            .given("set_section", r#"{"id":"<section>","parameters":{"a":"1","b":"x","c":"2.9"}}"#)
    };
    vec![
        existing("updates")
            .call("Others stay", r#"{"id":"<section>","update_parameters":{"a":"5","d":"new"}}"#)
            .then("They are stored", "get_section_by_id", SECTION),
        existing("increments").call(
            "Other strings than numbers count as 0, and fractions are rounded",
            r#"{"id":"<section>","increment_parameters":{"a":"5","b":"1","c":"1","d":"-2"}}"#,
        ),
        existing("both").call(
            "Updates come first",
            r#"{"id":"<section>","update_parameters":{"a":"10"},"increment_parameters":{"a":"5"}}"#,
        ),
        existing("neither").call("Nothing changes", SECTION),
        modify("new")
            .call("A new section", r#"{"id":"<section>","increment_parameters":{"visits":"1"}}"#)
            .then("It is stored", "get_sections", THIS),
        modify("invalid_arguments")
            .row("{}")
            .row(r#"{"id":false}"#)
            .row(r#"{"id":"<section>","update_parameters":1}"#)
            .row(r#"{"id":"<section>","increment_parameters":"a"}"#),
    ]
}

fn reading() -> Vec<Case> {
    let read = |situation: &str| Case::new("get_section_by_id", situation);
    vec![
        read("existing")
            .given("set_section", r#"{"id":"<section>","parameters":{"a":"1"}}"#)
            .call("An existing section", SECTION)
            .row(r#"{"id":"<section> "}"#)
            .row(r#"{"id":"<section>","x":1}"#),
        read("unknown").call("An unknown section has no parameters", SECTION),
        read("correlation_id").step(
            Step::call("It has no effect", "get_section_by_id", SECTION)
                .target("?correlation_id=contract%20test"),
        ),
        read("invalid_arguments")
            .raw("Without an id", "{}")
            .row(r#"{"id":1}"#)
            .row(r#"{"id":null}"#)
            .row("[]"),
    ]
}

/// Three sections, whose ids begin with that of the case.
fn listed(operation: &str, situation: &str) -> Case {
    ["a", "b", "c"].iter().fold(Case::new(operation, situation), |case, end| {
        case.given("set_section", &format!(r#"{{"id":"<section>/{end}","parameters":{{"p":"{end}"}}}}"#))
    })
}

fn listing() -> Vec<Case> {
    let rows = |case: Case| {
        let filters = [
            r#"{"id":"<section>/b"}"#,
            r#"{"id":"<section>"}"#,
            r#"{"id":"<section>/b","id_starts":"<section>/c"}"#,
        ];
        let filters = filters.iter().map(|filter| format!(r#"{{"filter":{filter}}}"#));
        let pages = [
            "null",
            r#"{"skip":1,"take":1,"total":true}"#,
            r#"{"skip":3}"#,
            r#"{"take":0}"#,
            r#"{"take":"x"}"#,
        ];
        let pages =
            pages.iter().map(|page| format!(r#"{{"filter":{{"id_starts":"<section>"}},"paging":{page}}}"#));
        filters.chain(pages).fold(case, |case, body| case.row(&body))
    };
    vec![
        rows(listed("get_sections", "filters_and_paging").call("All of them", THIS)),
        rows(listed("get_section_ids", "filters_and_paging").call("All of them", THIS)),
        Case::new("get_sections", "none").call("No section matches", THIS),
        Case::new("get_section_ids", "none").call("No section matches", THIS),
        Case::new("get_sections", "search")
            .given("set_section", r#"{"id":"<section>","parameters":{}}"#)
            .call("A search fails if there is a section", r#"{"filter":{"search":"<section>"}}"#),
        Case::new("get_sections", "invalid_arguments")
            .row(r#"{"filter":1}"#)
            .row(r#"{"filter":{"id":"<section>"},"paging":[]}"#),
    ]
}
