//! What has to be pinned for each route of a contract, and what of it is missing.
//!
//! The route table is generated from the contract, the cases are written by hand. Walking the one against the
//! other turns an operation that nobody pinned into a failure with its name, on the day that it appears.

use sessions_client::Route;
use std::collections::BTreeSet;
use std::fmt;

/// What the success of an operation holds, which decides what its answers can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Always a value.
    Value,
    /// A value, or 204 for none.
    Maybe,
    /// Nothing: 204 always.
    Nothing,
}

/// What a case pins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What the client sends.
    Request,
    /// An answer with what was asked for.
    Success,
    /// An answer that says that there is nothing.
    None,
    /// The refusal of a command, in the shape of the service's framework.
    Refusal,
    /// The failure of a command, in the same shape.
    Failure,
    /// The refusal of what did not reach a command, in the short shape.
    Unreached,
    /// An answer that nobody planned: a proxy's, a broken one, one of another service.
    Odd,
}

impl Kind {
    /// What an operation that keeps `promise` must have a case of. Odd answers are nobody's duty.
    fn demanded(promise: Promise) -> &'static [Self] {
        match promise {
            Promise::Value => &[Self::Request, Self::Success, Self::Refusal, Self::Failure, Self::Unreached],
            Promise::Maybe => {
                &[Self::Request, Self::Success, Self::None, Self::Refusal, Self::Failure, Self::Unreached]
            }
            Promise::Nothing => &[Self::Request, Self::None, Self::Failure, Self::Unreached],
        }
    }

    /// What to write to have such a case.
    fn remedy(self) -> &'static str {
        match self {
            Self::Request => "a request",
            Self::Success => "a success",
            Self::None => "a 204",
            Self::Refusal => "a refusal by the command (400, a body with a `category`)",
            Self::Failure => "a command that failed (500, a body with a `category` and a `cause`)",
            Self::Unreached => "an answer from before the command (404 with `code` and `message` alone)",
            Self::Odd => "an odd answer",
        }
    }
}

/// In a file name.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Success => "success",
            Self::None => "none",
            Self::Refusal => "refusal",
            Self::Failure => "failure",
            Self::Unreached => "unreached",
            Self::Odd => "odd",
        })
    }
}

/// An operation and the kinds of its cases.
#[derive(Clone, Debug)]
pub struct Pinned<'c> {
    /// The name of the operation, as its route has it.
    pub operation: &'c str,
    /// What its success holds.
    pub promise: Promise,
    /// The kinds of which it has a case.
    pub kinds: BTreeSet<Kind>,
}

/// What is missing, one sentence for each gap, each with the name of the operation and what to write.
///
/// `table` is where the cases are, for the reader of a sentence.
#[must_use]
pub fn gaps(routes: &[&Route], pinned: &[Pinned<'_>], table: &str) -> Vec<String> {
    let mut gaps = Vec::new();
    for route in routes {
        let mut entries = pinned.iter().filter(|entry| entry.operation == route.name);
        let Some(entry) = entries.next() else {
            gaps.push(format!("`{}` ({route}) has no cases: add an entry for it to {table}", route.name));
            continue;
        };
        if entries.next().is_some() {
            gaps.push(format!("`{}` has two entries in {table}: make one of them", route.name));
        }
        for kind in Kind::demanded(entry.promise) {
            if !entry.kinds.contains(kind) {
                let remedy = kind.remedy();
                gaps.push(format!("`{}` has no case of {remedy}: add one to {table}", route.name));
            }
        }
    }
    for entry in pinned {
        if !routes.iter().any(|route| route.name == entry.operation) {
            let name = entry.operation;
            gaps.push(format!("`{name}` has cases in {table} but no route: was it renamed or removed?"));
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::{Kind, Pinned, Promise, gaps};
    use sessions_client::Route;
    use std::collections::BTreeSet;

    const TABLE: &str = "the table";

    fn route(name: &'static str) -> Route {
        Route {
            name,
            doc: "",
            method: http::Method::POST,
            path: "/v1/sessions/…",
            prefix: "/v1/sessions",
            idempotent: false,
            timeout: None,
            has_body: true,
            params: &[],
        }
    }

    fn complete(operation: &str, promise: Promise) -> Pinned<'_> {
        Pinned { operation, promise, kinds: Kind::demanded(promise).iter().copied().collect() }
    }

    #[test]
    fn a_contract_with_a_case_of_everything_has_no_gaps() {
        let routes = [&route("open"), &route("find"), &route("sweep")];
        let pinned = [
            complete("sweep", Promise::Nothing),
            complete("find", Promise::Maybe),
            complete("open", Promise::Value),
        ];
        assert_eq!(gaps(&routes, &pinned, TABLE), Vec::<String>::new());
    }

    #[test]
    fn a_route_that_nobody_pinned_is_named() {
        let routes = [&route("open"), &route("extend_session")];
        let gaps = gaps(&routes, &[complete("open", Promise::Value)], TABLE);
        let expected =
            "`extend_session` (POST /v1/sessions/…) has no cases: add an entry for it to the table"
                .to_owned();
        assert_eq!(gaps, [expected]);
    }

    #[test]
    fn a_case_for_no_route_is_named() {
        let gaps = gaps(&[], &[complete("open", Promise::Value)], TABLE);
        assert_eq!(gaps.len(), 1);
        assert!(gaps[0].starts_with("`open` has cases in the table but no route"), "{gaps:?}");
    }

    #[test]
    fn every_kind_that_is_missing_is_named_with_its_operation() {
        let nothing = Pinned { operation: "find", promise: Promise::Maybe, kinds: BTreeSet::new() };
        let gaps = gaps(&[&route("find")], &[nothing], TABLE);
        assert_eq!(gaps.len(), 6, "{gaps:?}");
        let kinds =
            ["a request", "a success", "a 204", "a refusal", "a command that failed", "an answer from"];
        for (gap, what) in gaps.iter().zip(kinds) {
            assert!(gap.starts_with(&format!("`find` has no case of {what}")), "{gap}");
        }
    }

    #[test]
    fn an_operation_is_not_asked_for_answers_that_it_cannot_have() {
        let asks = |promise, kind| Kind::demanded(promise).contains(&kind);
        assert!(!asks(Promise::Value, Kind::None));
        assert!(!asks(Promise::Nothing, Kind::Success));
        assert!(!asks(Promise::Maybe, Kind::Odd));
    }

    #[test]
    fn an_operation_with_two_entries_is_named() {
        let twice = [complete("open", Promise::Value), complete("open", Promise::Value)];
        let gaps = gaps(&[&route("open")], &twice, TABLE);
        assert_eq!(gaps, ["`open` has two entries in the table: make one of them"]);
    }
}
