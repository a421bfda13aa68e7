//! The contract test cases.
//!
//! The service cannot delete users, so that a run needs a dedicated one.

use crate::contract::{RolesClient, roles_v1};
use contract_tests::suite::{Case, Step, unreached};
use contract_tests::{Entity, ServiceContract};
use wiretrait::{Call, Error, Incoming, Response, Route, Transport};

/// The contract under test.
#[derive(Clone, Copy, Debug)]
pub struct RolesContract;

impl ServiceContract for RolesContract {
    fn routes(&self) -> &'static [&'static Route] {
        roles_v1::ROUTES
    }

    fn entity(&self) -> &'static Entity {
        &Entity {
            name: "user",
            plural: "users",
            keys: &["id", "roles", "update_time"],
            distinctive_key: "update_time",
            enough_keys: 2,
            string_keys: &["id"],
            payload_keys: &[],
            owner: "<user>",
            owner_key: None,
            shown_keys: &["roles"],
            has_assigned_ids: false,
            two_readings: None,
        }
    }

    async fn call<T: Transport + Clone + 'static>(
        &self,
        transport: T,
        call: Call,
    ) -> Result<Response, Error> {
        Ok(roles_v1::dispatch(&RolesClient::new(transport), Incoming::from(call.request)).await)
    }
}

/// Returns all cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let themes = [setting(), granting(), revoking(), authorizing(), reading(), listing()];
    let generated = roles_v1::ROUTES.iter().map(|route| unreached(route, r#"{"user_id":"#));
    themes.into_iter().flatten().chain(generated).collect()
}

const USER: &str = r#"{"user_id":"<user>"}"#;

const NO_ROLES: &str = r#"{"user_id":"<user>","roles":[]}"#;

const LISTED: &str = r#"{"filter":{"ids":"<user>"}}"#;

/// A user with two roles.
fn given(operation: &str, situation: &str) -> Case {
    Case::new(operation, situation).given("set_roles", r#"{"user_id":"<user>","roles":["reader","editor"]}"#)
}

fn invalid(operation: &str) -> Case {
    let rows = [
        "{}",
        USER,
        r#"{"roles":["reader"]}"#,
        r#"{"user_id":1,"roles":[]}"#,
        r#"{"user_id":"<user>","roles":"reader"}"#,
        r#"{"user_id":"<user>","roles":[1,null]}"#,
    ];
    let case = Case::new(operation, "invalid_arguments").raw("No values", r#"{"user_id":null,"roles":{}}"#);
    rows.iter().fold(case, |case, body| case.row(body))
}

fn setting() -> Vec<Case> {
    let set = |situation: &str| Case::new("set_roles", situation);
    vec![
        set("new")
            .call("The roles of a new user", r#"{"user_id":"<user>","roles":["reader","editor"]}"#)
            .then("They are stored", "get_roles_by_filter", LISTED),
        given("set_roles", "again")
            .then("The user", "get_roles_by_filter", LISTED)
            .call("They are replaced", r#"{"user_id":"<user>","roles":["owner"]}"#)
            .then("They are changed", "get_roles_by_filter", LISTED),
        set("duplicates").call("They stay", r#"{"user_id":"<user>","roles":["reader","reader",""]}"#),
        given("set_roles", "none").call("No roles", NO_ROLES).then("The user stays", "get_roles_by_id", USER),
        invalid("set_roles"),
    ]
}

fn granting() -> Vec<Case> {
    let roles = r#"{"user_id":"<user>","roles":["owner","reader","owner"]}"#;
    vec![
        given("grant_roles", "more").call("Granted roles are last, each once", roles).then(
            "They are stored",
            "get_roles_by_id",
            USER,
        ),
        Case::new("grant_roles", "new").call("A new user", roles),
        given("grant_roles", "none").call("Nothing changes", NO_ROLES).then(
            "The roles",
            "get_roles_by_id",
            USER,
        ),
        invalid("grant_roles"),
    ]
}

fn revoking() -> Vec<Case> {
    let roles = r#"{"user_id":"<user>","roles":["reader","owner"]}"#;
    vec![
        given("revoke_roles", "some").call("The others stay", roles).then(
            "The roles",
            "get_roles_by_id",
            USER,
        ),
        Case::new("revoke_roles", "new").call("An unknown user has no roles", roles).then(
            "It is stored",
            "get_roles_by_id",
            USER,
        ),
        given("revoke_roles", "none").call("Nothing changes", NO_ROLES),
        invalid("revoke_roles"),
    ]
}

fn authorizing() -> Vec<Case> {
    vec![
        given("authorize", "known")
            .call("A role of the user", r#"{"user_id":"<user>","roles":["editor"]}"#)
            .call("One of two", r#"{"user_id":"<user>","roles":["reader","owner"]}"#)
            .call("No role", NO_ROLES),
        Case::new("authorize", "unknown")
            .call("It fails for an unknown user", r#"{"user_id":"<user>","roles":["reader"]}"#)
            .call("No role", NO_ROLES),
        invalid("authorize"),
    ]
}

fn reading() -> Vec<Case> {
    let read = |situation: &str| Case::new("get_roles_by_id", situation);
    vec![
        given("get_roles_by_id", "known").call("Roles", USER).row(r#"{"user_id":"<user> "}"#),
        read("unknown").call("An unknown user", USER),
        read("correlation_id").step(
            Step::call("It has no effect", "get_roles_by_id", USER).target("?correlation_id=contract%20test"),
        ),
        read("invalid_arguments")
            .raw("Without a user", "{}")
            .row(r#"{"user_id":1}"#)
            .row(r#"{"user_id":null}"#),
    ]
}

fn listing() -> Vec<Case> {
    let users =
        ["a", "b", "c"].iter().fold(Case::new("get_roles_by_filter", "filters_and_paging"), |case, end| {
            case.given(
                "set_roles",
                &format!(r#"{{"user_id":"<user>/{end}","roles":["<user>-role","{end}"]}}"#),
            )
        });
    // All filters have a role of the case, or its ids.
    let filters = [
        r#""id":"<user>/b""#,
        r#""id":"<user>""#,
        r#""ids":"<user>/a,<user>/c""#,
        r#""ids":["<user>/a","<user>/c"]"#,
        r#""roles":"<user>-role""#,
        r#""roles":["<user>-role"],"except_ids":"<user>/a""#,
        r#""roles":"<user>-role","except_roles":"b,c""#,
        r#""ids":"<user>/a","roles":"b""#,
    ];
    let filters = filters.iter().map(|filter| format!(r#"{{"filter":{{{filter}}}}}"#));
    let pages = [r#"{"skip":1,"take":1,"total":true}"#, r#"{"skip":3}"#, r#"{"take":0}"#, r#"{"take":"x"}"#];
    let pages = pages.iter().map(|page| format!(r#"{{"filter":{{"roles":"<user>-role"}},"paging":{page}}}"#));
    let all = r#"{"filter":{"roles":"<user>-role"},"paging":{"total":true}}"#;
    vec![
        filters.chain(pages).fold(users.call("All of them", all), |case, body| case.row(&body)),
        Case::new("get_roles_by_filter", "none").call("No user matches", LISTED),
        Case::new("get_roles_by_filter", "invalid_arguments")
            .row(r#"{"filter":1}"#)
            .row(r#"{"filter":{"id":"<user>"},"paging":[]}"#),
    ]
}
