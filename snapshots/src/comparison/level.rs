//! Levels of differences, from harmless to breaking: rules, as data with reasons.

use super::difference::{Change, Difference, Evidence, Location, Reading, Source};
use crate::objects::is_payload;
use contract_tests::ObjectKind;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The effect of a difference on the clients of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Clients do not notice the difference.
    Harmless,
    /// Some clients may notice the difference.
    Uncertain,
    /// Clients fail, or return something else.
    Breaking,
}

impl Level {
    /// All levels, the least serious first.
    pub const ALL: [Self; 3] = [Self::Harmless, Self::Uncertain, Self::Breaking];

    /// The name of the level.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Harmless => "harmless",
            Self::Uncertain => "uncertain",
            Self::Breaking => "breaking",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|level| level.name() == name);
        named.ok_or_else(|| format!("{name:?} is not a level: use harmless, uncertain or breaking"))
    }
}

/// A level, with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The level.
    pub level: Level,
    /// The reason, as a sentence.
    pub reason: &'static str,
}

/// A rule, which judges the differences that it matches.
#[derive(Debug)]
pub struct Rule {
    /// The differences that it matches, in words.
    pub what: &'static str,
    /// Its judgement.
    pub judgement: Judgement,
    matches: fn(&Difference) -> bool,
}

const fn rule(
    what: &'static str,
    level: Level,
    reason: &'static str,
    matches: fn(&Difference) -> bool,
) -> Rule {
    Rule { what, judgement: Judgement { level, reason }, matches }
}

/// The rules: the first that matches a difference judges it, and the last matches all.
pub const RULES: &[Rule] = &[
    rule(
        "another request of the client",
        Level::Breaking,
        "Services must accept what clients send.",
        |difference| difference.evidence.source == Source::Request,
    ),
    rule(
        "another value decoded from the same response",
        Level::Breaking,
        "The client itself has changed.",
        |difference| difference.evidence.source == Source::Decoded,
    ),
    rule(
        "another order of keys",
        Level::Harmless,
        "The keys of JSON objects have no order for parsers.",
        |difference| matches!(difference.location, Location::KeyOrder(_) | Location::DecodedKeyOrder(_)),
    ),
    rule(
        "another wording of an error",
        Level::Harmless,
        "The message, the cause and the stack trace of an error are for people.",
        |difference| {
            is_key(difference, ObjectKind::Error, &["message", "cause", "stack"])
                && difference.change == Change::Value
        },
    ),
    rule("JSON with spaces between its tokens", Level::Harmless, "Parsers skip spaces.", |difference| {
        difference.location == Location::Format && difference.is == "with spaces"
    }),
    rule(
        "the charset `utf-8` of JSON",
        Level::Harmless,
        "JSON is UTF-8 with and without it.",
        |difference| {
            is_header(difference, &["content-type"]) && is_utf8_added(&difference.was, &difference.is)
        },
    ),
    rule(
        "a header that was added",
        Level::Harmless,
        "Clients ignore headers that they do not know.",
        |difference| {
            matches!(&difference.location, Location::Header(name) if !is_handled(name))
                && difference.change == Change::Added
        },
    ),
    rule(
        "any other difference in the response to a request that no operation has",
        Level::Uncertain,
        "No client of the contract sends a request with this path or method; other programs may.",
        |difference| {
            difference.evidence.is_foreign && !(is_value(difference) && difference.change == Change::Added)
        },
    ),
    rule(
        "another status",
        Level::Breaking,
        "Clients distinguish results, missing sessions and errors by the status.",
        |difference| difference.location == Location::Status,
    ),
    rule(
        "any other difference in a response with a status that the client reads as another one",
        Level::Uncertain,
        "It follows from the status, which is judged separately.",
        |difference| difference.evidence.has_other_status,
    ),
    rule(
        "another code of an error",
        Level::Breaking,
        "Clients distinguish errors by their code.",
        |difference| is_key(difference, ObjectKind::Error, &["code"]),
    ),
    rule(
        "a response that the client cannot read any more",
        Level::Breaking,
        "The client returns an error in place of a value.",
        |difference| matches!(difference.evidence.reading, Reading::Failed(_)) && is_body(difference),
    ),
    rule(
        "JSON in another form, such as with a byte order mark, other escapes or duplicate keys",
        Level::Uncertain,
        "The client reads the same; other parsers may not.",
        |difference| difference.location == Location::Format,
    ),
    rule(
        "a key that was added, with a value that the client reads in place of none",
        Level::Uncertain,
        "The client returns a value that it did not return before.",
        |difference| {
            is_value(difference)
                && difference.change == Change::Added
                && difference.evidence.reading == Reading::Other
                && !is_inside_of_payload(difference)
        },
    ),
    rule(
        "a value that the client reads as another one",
        Level::Breaking,
        "The client returns something else.",
        |difference| difference.evidence.reading == Reading::Other && is_body(difference),
    ),
    rule(
        "a key that was added",
        Level::Harmless,
        "Clients ignore keys that they do not know.",
        |difference| is_value(difference) && difference.change == Change::Added,
    ),
    rule(
        "fewer types of a value, or a key that is always present",
        Level::Harmless,
        "Clients read all of these types already.",
        |difference| difference.change == Change::Narrower,
    ),
    rule(
        "a key that is gone, but that the client reads as before",
        Level::Uncertain,
        "The client reads an absent key like `null`; other clients may not.",
        |difference| {
            is_value(difference)
                && difference.change == Change::Removed
                && difference.evidence.reading == Reading::Same
        },
    ),
    rule(
        "an id in another form",
        Level::Uncertain,
        "Ids are opaque to the client; applications may store or check them.",
        |difference| is_key(difference, ObjectKind::Entity, &["id"]) && difference.change == Change::Form,
    ),
    rule(
        "a time in another form that the client reads as before",
        Level::Uncertain,
        "The client reads the same time; other clients may not.",
        |difference| difference.change == Change::Form,
    ),
    rule(
        "a value of another type that the client reads as before",
        Level::Uncertain,
        "The client reads this type, too; other clients may not.",
        |difference| {
            is_value(difference)
                && difference.change == Change::Type
                && difference.evidence.reading == Reading::Same
        },
    ),
    rule(
        "a type that some response has now, in the shape of all responses",
        Level::Uncertain,
        "A shape does not show the values; the responses that have them are judged separately.",
        |difference| difference.evidence.source == Source::Shape && difference.change == Change::Type,
    ),
    rule(
        "any other difference in a body that the client reads as before",
        Level::Uncertain,
        "The client returns the same; other clients may use the value.",
        |difference| is_body(difference) && difference.evidence.reading == Reading::Same,
    ),
    rule(
        "a response without a key or body that it had, which the client does not read",
        Level::Breaking,
        "Clients may depend on all that the contract states.",
        |difference| is_body(difference) && difference.change == Change::Removed,
    ),
    rule(
        "another value, type or length that the client does not read",
        Level::Breaking,
        "Clients may depend on all that the contract states.",
        is_body,
    ),
    rule(
        "a header about the content, with a body that the client cannot read",
        Level::Breaking,
        "The client returns an error in place of a value.",
        |difference| {
            is_header(difference, &["content-type", "content-encoding"])
                && matches!(difference.evidence.reading, Reading::Failed(_))
        },
    ),
    rule(
        "another media type, charset or content encoding",
        Level::Uncertain,
        "The client does not need the header; other clients select their parser by it.",
        |difference| is_header(difference, &["content-type", "content-encoding"]),
    ),
    rule(
        "a delay that the service requests, or a redirect",
        Level::Uncertain,
        "Clients wait before they retry; redirects are not followed by all.",
        |difference| is_header(difference, &["retry-after", "location"]),
    ),
    rule(
        "headers for browsers and caches",
        Level::Uncertain,
        "The client does not use them; web applications and caches do.",
        |difference| {
            matches!(&difference.location, Location::Header(name)
                if name.starts_with("access-control-") || CACHES.contains(&&**name))
        },
    ),
    rule(
        "any other header",
        Level::Uncertain,
        "The client does not use it; other programs may.",
        |difference| matches!(difference.location, Location::Header(_)),
    ),
    rule(
        "a response with another status than before, in the shape of all responses",
        Level::Uncertain,
        "The responses that have it are judged separately.",
        |difference| difference.location == Location::Step && difference.evidence.source == Source::Shape,
    ),
    rule(
        "a step of a case that was not reached, or is new",
        Level::Breaking,
        "What the contract states about it was not verified.",
        |difference| difference.location == Location::Step,
    ),
    rule(
        "a request or response that is missing or additional, or any other line",
        Level::Breaking,
        "The contract does not state it.",
        |difference| {
            matches!(
                difference.location,
                Location::Message(_) | Location::Request | Location::Row(_) | Location::Line
            )
        },
    ),
];

const CACHES: [&str; 4] = ["vary", "cache-control", "pragma", "expires"];

/// Returns whether clients act on a header.
fn is_handled(name: &str) -> bool {
    matches!(name, "content-type" | "content-encoding" | "location" | "retry-after")
}

fn is_key(difference: &Difference, object: ObjectKind, keys: &[&str]) -> bool {
    difference.evidence.object == object && keys.contains(&&*difference.evidence.key)
}

/// Returns whether it is in a body, or the form of a body.
fn is_body(difference: &Difference) -> bool {
    matches!(difference.location, Location::Body(_) | Location::Format)
}

/// Returns whether it is a value inside of a body.
fn is_value(difference: &Difference) -> bool {
    matches!(&difference.location, Location::Body(path) if !path.is_empty())
}

/// Returns whether it is a value inside of a payload that a session stores, as `data[0].user.name` is.
fn is_inside_of_payload(difference: &Difference) -> bool {
    let Evidence { object: ObjectKind::Entity, key, .. } = &difference.evidence else { return false };
    let Location::Body(path) = &difference.location else { return false };
    let item = path.strip_prefix("data[").and_then(|item| item.split_once("].")).map(|(_, path)| path);
    is_payload(key) && path != key && item != Some(key)
}

fn is_header(difference: &Difference, names: &[&str]) -> bool {
    matches!(&difference.location, Location::Header(name) if names.contains(&&**name))
}

/// Returns whether the only difference of two media types is the charset `utf-8`.
fn is_utf8_added(was: &str, is: &str) -> bool {
    let plain = |value: &str| {
        let value: String = value.chars().filter(|c| !matches!(c, ' ' | '`' | '"')).collect();
        value.to_ascii_lowercase().replace(";charset=utf-8", "")
    };
    plain(was) == plain(is)
}

/// The judgement of a difference that matches no rule.
const OTHER: Judgement =
    Judgement { level: Level::Breaking, reason: "No rule judges it, so clients may depend on it." };

/// Returns the level of a difference, with its reason.
#[must_use]
pub fn judge(difference: &Difference) -> Judgement {
    rule_for(difference).map_or(OTHER, |rule| rule.judgement)
}

fn rule_for(difference: &Difference) -> Option<&'static Rule> {
    RULES.iter().find(|rule| (rule.matches)(difference))
}

/// Renders the rules as a Markdown table.
#[must_use]
pub fn rules_table() -> String {
    let rows = RULES.iter().map(|rule| {
        let Judgement { level, reason } = rule.judgement;
        format!("| {} | {level} | {reason} |\n", rule.what)
    });
    ["| difference | level | reason |\n|---|---|---|\n".to_owned()].into_iter().chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::{Level, judge, rule_for, rules_table};
    use crate::comparison::{
        Change, Difference, Evidence, Location, ObjectKind, Reading, Source, differences,
    };

    #[test]
    fn an_additional_key_is_harmless_and_a_missing_one_breaking() {
        let snapshot = |body: &str| format!("# Found\n\nHTTP/1.1 200 OK\n\n{body}\n");
        let level = |was: &str, is: &str| judge(&differences("", &snapshot(was), &snapshot(is))[0]).level;
        assert_eq!(level("{}", r#"{"a":1}"#), Level::Harmless);
        assert_eq!(level(r#"{"a":1}"#, "{}"), Level::Breaking);
    }

    #[test]
    fn a_key_that_was_added_to_a_payload_is_breaking() {
        let levels = |was: &str, is: &str| -> Vec<Level> {
            let snapshot = |body: &str| format!("# Found\n\nHTTP/1.1 200 OK\n\n{body}\n");
            let all = differences("open_session", &snapshot(was), &snapshot(is));
            all.iter().map(|difference| judge(difference).level).collect()
        };
        let session = |more: &str| {
            format!(
                r#"{{"id":"<id:1>","user_id":"u","active":true,"open_time":"<t1>","request_time":"<t1>"{more}}}"#
            )
        };
        for (was, is) in [
            (r#"{"a":1}"#, r#"{"a":1,"_extra":1}"#),
            (r#"{"a":1}"#, r#"{"a":1,"data":1}"#),
            (r#"{"a":[{}]}"#, r#"{"a":[{"b":null}]}"#),
        ] {
            for key in ["data", "user"] {
                let with = |payload: &str| session(&format!(r#","{key}":{payload}"#));
                assert_eq!(levels(&with(was), &with(is)), [Level::Breaking], "{key}: {is}");
            }
        }
        assert_eq!(levels(&session(""), &session(r#","data":1"#)), [Level::Uncertain]);
        assert_eq!(levels(&session(""), &session(r#","_extra":1"#)), [Level::Harmless]);
        let row = |row: &str| format!("a session  {row}\n");
        let (was, is) = (row(r#"200 data={"a":1}"#), row(r#"200 data={"a":1,"_extra":1}"#));
        assert_eq!(judge(&differences("open_session", &was, &is)[0]).level, Level::Breaking);
    }

    #[test]
    fn every_difference_has_a_rule() {
        let path = || "a".to_owned();
        let locations = [
            Location::Step,
            Location::Message(path()),
            Location::Request,
            Location::RequestBody(path()),
            Location::Status,
            Location::Header(path()),
            Location::Header("content-type".to_owned()),
            Location::Header("vary".to_owned()),
            Location::Format,
            Location::Body(path()),
            Location::Body(String::new()),
            Location::KeyOrder(path()),
            Location::Decoded(path()),
            Location::DecodedKeyOrder(path()),
            Location::Row(path()),
            Location::Line,
        ];
        let readings = [Reading::Same, Reading::Other, Reading::Failed(String::new()), Reading::Unknown];
        for location in locations {
            let source = match location {
                Location::Request | Location::RequestBody(_) => Source::Request,
                Location::Decoded(_) | Location::DecodedKeyOrder(_) => Source::Decoded,
                _ => Source::Response,
            };
            for (change, reading) in
                Change::ALL.into_iter().flat_map(|change| readings.iter().map(move |r| (change, r)))
            {
                let evidence = Evidence {
                    source,
                    object: ObjectKind::Entity,
                    reading: reading.clone(),
                    ..Evidence::default()
                };
                let (location, step) = (location.clone(), String::new());
                let difference =
                    Difference { step, location, change, was: "1".into(), is: "2".into(), evidence };
                assert!(rule_for(&difference).is_some(), "{difference:?}");
            }
        }
    }

    #[test]
    fn the_guide_lists_all_rules() {
        let guide = include_str!("../../../docs/contract-tests.md").replace("\r\n", "\n");
        assert!(
            guide.contains(&rules_table()),
            "docs/contract-tests.md needs this table:\n{}",
            rules_table()
        );
    }
}
