//! The cases that each route of a contract requires, and those that are missing.
//!
//! The route table is generated from the contract, the cases are written by hand. Comparing the two turns a
//! new operation without cases into a failure with its name.

use std::collections::BTreeSet;
use std::fmt;
use wiretrait::Route;

/// The result type of an operation, which decides the responses that it can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Always a value.
    Value,
    /// An optional value; 204 if it does not exist.
    Maybe,
    /// No value: always 204.
    Nothing,
}

/// The kind of message that a case covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A request of the client.
    Request,
    /// A response with the requested value.
    Success,
    /// A 204, for a value that does not exist.
    None,
    /// The validation error of a command, in the shape of the service's framework.
    Invalid,
    /// The failure of a command, in the same shape.
    Failure,
    /// The error of a request that did not reach a command, in the short shape.
    Unreached,
    /// A response outside the contract: from a proxy, truncated, or from another service.
    Unexpected,
}

impl Kind {
    /// Returns the kinds of which an operation with `promise` must have a case. Unexpected responses are
    /// optional.
    fn demanded(promise: Promise) -> &'static [Self] {
        match promise {
            Promise::Value => &[Self::Request, Self::Success, Self::Invalid, Self::Failure, Self::Unreached],
            Promise::Maybe => {
                &[Self::Request, Self::Success, Self::None, Self::Invalid, Self::Failure, Self::Unreached]
            }
            Promise::Nothing => &[Self::Request, Self::None, Self::Failure, Self::Unreached],
        }
    }

    /// Returns the description of such a case, for a message that asks for one.
    fn remedy(self) -> &'static str {
        match self {
            Self::Request => "a request",
            Self::Success => "a success",
            Self::None => "a 204",
            Self::Invalid => "a validation error of the command (400, a body with a `category`)",
            Self::Failure => "a failed command (500, a body with a `category` and a `cause`)",
            Self::Unreached => "an error before the command (404 with only `code` and `message`)",
            Self::Unexpected => "an unexpected response",
        }
    }
}

/// The kind as part of a file name.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Success => "success",
            Self::None => "none",
            Self::Invalid => "invalid",
            Self::Failure => "failure",
            Self::Unreached => "unreached",
            Self::Unexpected => "unexpected",
        })
    }
}

/// An operation and the kinds of its cases.
#[derive(Clone, Debug)]
pub struct OperationCases<'c> {
    /// The name of the operation, as its route has it.
    pub operation: &'c str,
    /// Its result type.
    pub promise: Promise,
    /// The kinds of its cases.
    pub kinds: BTreeSet<Kind>,
}

/// Returns a sentence for each missing case, with the name of the operation and the case to add.
///
/// `table` is the location of the cases, which each sentence names.
#[must_use]
pub fn gaps(routes: &[&Route], table_entries: &[OperationCases<'_>], table: &str) -> Vec<String> {
    let mut gaps = Vec::new();
    for route in routes {
        let mut entries = table_entries.iter().filter(|entry| entry.operation == route.name);
        let Some(entry) = entries.next() else {
            gaps.push(format!("`{}` ({route}) has no cases: add an entry for it to {table}", route.name));
            continue;
        };
        if entries.next().is_some() {
            gaps.push(format!("`{}` has two entries in {table}: merge them", route.name));
        }
        for kind in Kind::demanded(entry.promise) {
            if !entry.kinds.contains(kind) {
                let remedy = kind.remedy();
                gaps.push(format!("`{}` has no case of {remedy}: add one to {table}", route.name));
            }
        }
    }
    for entry in table_entries {
        if !routes.iter().any(|route| route.name == entry.operation) {
            let name = entry.operation;
            gaps.push(format!("`{name}` has cases in {table} but no route: was it renamed or removed?"));
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::{Kind, OperationCases, Promise, gaps};
    use crate::notes::notes_v1;
    use std::collections::BTreeSet;
    use wiretrait::Route;

    const TABLE: &str = "the table";

    fn route(name: &'static str) -> Route {
        Route {
            contract: notes_v1::CONTRACT,
            name,
            doc: "",
            method: http::Method::POST,
            path: "/v1/notes/…",
            prefix: "/v1/notes",
            idempotent: false,
            timeout: None,
            has_body: true,
            content_type: "application/json",
            accept: "application/json",
            none: &[],
            constants: &[],
            params: &[],
        }
    }

    fn complete(operation: &str, promise: Promise) -> OperationCases<'_> {
        OperationCases { operation, promise, kinds: Kind::demanded(promise).iter().copied().collect() }
    }

    #[test]
    fn a_complete_table_has_no_gaps() {
        let routes = [&route("open"), &route("find"), &route("sweep")];
        let table_entries = [
            complete("sweep", Promise::Nothing),
            complete("find", Promise::Maybe),
            complete("open", Promise::Value),
        ];
        assert_eq!(gaps(&routes, &table_entries, TABLE), Vec::<String>::new());
    }

    #[test]
    fn a_route_without_cases_is_named() {
        let routes = [&route("open"), &route("extend")];
        let gaps = gaps(&routes, &[complete("open", Promise::Value)], TABLE);
        let expected =
            "`extend` (POST /v1/notes/…) has no cases: add an entry for it to the table".to_owned();
        assert_eq!(gaps, [expected]);
    }

    #[test]
    fn a_case_without_a_route_is_named() {
        let gaps = gaps(&[], &[complete("open", Promise::Value)], TABLE);
        assert_eq!(gaps.len(), 1);
        assert!(gaps[0].starts_with("`open` has cases in the table but no route"), "{gaps:?}");
    }

    #[test]
    fn every_missing_kind_is_named_with_its_operation() {
        let nothing = OperationCases { operation: "find", promise: Promise::Maybe, kinds: BTreeSet::new() };
        let gaps = gaps(&[&route("find")], &[nothing], TABLE);
        assert_eq!(gaps.len(), 6, "{gaps:?}");
        let kinds =
            ["a request", "a success", "a 204", "a validation error", "a failed command", "an error before"];
        for (gap, what) in gaps.iter().zip(kinds) {
            assert!(gap.starts_with(&format!("`find` has no case of {what}")), "{gap}");
        }
    }

    #[test]
    fn impossible_responses_are_not_required() {
        let asks = |promise, kind| Kind::demanded(promise).contains(&kind);
        assert!(!asks(Promise::Value, Kind::None));
        assert!(!asks(Promise::Nothing, Kind::Success));
        assert!(!asks(Promise::Maybe, Kind::Unexpected));
    }

    #[test]
    fn an_operation_with_two_entries_is_named() {
        let twice = [complete("open", Promise::Value), complete("open", Promise::Value)];
        let gaps = gaps(&[&route("open")], &twice, TABLE);
        assert_eq!(gaps, ["`open` has two entries in the table: merge them"]);
    }
}
