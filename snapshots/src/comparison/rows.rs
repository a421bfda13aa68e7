//! Compares responses that a snapshot shows as one line: by the values in the line.

use super::difference::Reading;
use super::difference::{Change, Evidence, Location, Source};
use super::json_diff::{JsonDiff, start, type_name, without_form};
use super::reading::Reader;
use super::snapshot_diff::{self, Found};
use crate::json;
use contract_tests::ObjectKind;
use contract_tests::suite::{MISSING, MISSING_LIST, NO_LIST_BUT};
use contract_tests::{Map, Value};

/// A response in one line: its status and the values of its body.
struct Row {
    status: String,
    body: Body,
}

enum Body {
    Nothing,
    Json(ObjectKind, Value),
    Text(String),
}

/// Returns whether a line after its label is that of a response.
pub(super) fn is_row(rest: &str) -> bool {
    let status = rest.trim().split(' ').next().unwrap_or_default();
    status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit())
}

/// Compares two rows of `operation`.
pub(super) fn compare(operation: &str, was: &str, is: &str, evidence: &Evidence, found: &mut Found<'_>) {
    let (was, is) = (without_form(was).0, without_form(is).0);
    let before = found.count();
    let shown = |row: &str| format!("`{}`", start(row));
    let descends = descends(&was) || descends(&is);
    compare_values(operation, &Row::parse(&was, descends), &Row::parse(&is, descends), evidence, found);
    if found.count() == before && was != is {
        found.add_with(Location::Line, Change::Value, &shown(&was), &shown(&is), evidence.clone());
    }
}

fn compare_values(operation: &str, was: &Row, is: &Row, evidence: &Evidence, found: &mut Found<'_>) {
    let status = was.status.parse().unwrap_or_default();
    let sample = match &was.body {
        Body::Json(kind, value) => sample(*kind, value),
        Body::Nothing | Body::Text(_) => Value::Null,
    };
    let mut reader = Reader::new(operation, status, &sample);
    let mut evidence = Evidence { source: Source::Row, ..evidence.clone() };
    let body = match &is.body {
        Body::Nothing => String::new(),
        Body::Json(_, value) => value.to_string(),
        Body::Text(text) => text.clone(),
    };
    snapshot_diff::status((&was.status, &is.status), &body, &mut reader, &mut evidence, found);
    let words = |body: &Body| match body {
        Body::Nothing => "absent".to_owned(),
        Body::Json(..) => "JSON".to_owned(),
        Body::Text(text) => match serde_json::from_str::<Value>(text) {
            Ok(value) => type_name(&value).to_owned(),
            Err(_) => format!("`{}`", start(text)),
        },
    };
    let change = match (&was.body, &is.body) {
        (Body::Json(old, was), Body::Json(new, is)) if old == new => {
            return JsonDiff { reader: reader.as_ref(), found, evidence }.compare(was, is);
        }
        (Body::Nothing, Body::Nothing) => return,
        (Body::Text(was), Body::Text(is)) if was == is => return,
        (Body::Nothing, _) => Change::Added,
        (_, Body::Nothing) => Change::Removed,
        _ => Change::Type,
    };
    evidence.reading = match (&reader, &is.body) {
        (Some(reader), Body::Text(text)) => reader.with_bytes(text.clone()),
        (Some(reader), Body::Nothing) => reader.with_bytes(""),
        _ => Reading::Unknown,
    };
    found.add_with(Location::Body(String::new()), change, &words(&was.body), &words(&is.body), evidence);
}

impl Row {
    /// Parses a line. If `descends`, ids that follow from one end of a list are descending.
    fn parse(line: &str, descends: bool) -> Self {
        let line = line.trim();
        let (status, rest) = line.split_once(' ').unwrap_or((line, ""));
        let body = if rest.is_empty() {
            Body::Nothing
        } else if let Some(page) = rest.strip_prefix("total ").and_then(|rest| page(rest, descends)) {
            Body::Json(ObjectKind::Page, page)
        } else if let Some((code, message)) =
            rest.split_once(": ").filter(|(code, _)| !code.contains(['{', '"']))
        {
            let present = [("code", code), ("message", message)];
            let present = present.into_iter().filter(|(_, value)| *value != MISSING);
            let error = present.map(|(key, value)| (key.to_owned(), value.into())).collect();
            Body::Json(ObjectKind::Error, error)
        } else if let Some(session) = session(rest) {
            Body::Json(ObjectKind::Entity, session)
        } else {
            Body::Text(rest.to_owned())
        };
        Self { status: status.to_owned(), body }
    }
}

/// The most items of a list in one row.
const MOST_ITEMS: usize = 10_000;

/// Parses `5: <id:1> <id:2>`.
fn page(rest: &str, descends: bool) -> Option<Value> {
    let (total, items) = rest.split_once(": ")?;
    let item = |id: &str| match id {
        MISSING => json!({}),
        "null" => Value::Null,
        id => json!({ "id": id }),
    };
    if let Some(value) = items.strip_prefix(NO_LIST_BUT) {
        let data: Value = serde_json::from_str(value).ok()?;
        return Some(with_total(total, Some(data))?.into());
    }
    let items = match items.split_once(" sessions, ") {
        _ if items == MISSING_LIST => None,
        _ if items == "none" => Some(Vec::new()),
        Some((number, ends)) => {
            let (first, last) = ends.split_once(" to ")?;
            // The row may be the body of a service that is not JSON.
            let number = number.parse().ok().filter(|number| (2..=MOST_ITEMS).contains(number))?;
            Some(between(first, last, number, descends).iter().map(|id| item(id)).collect())
        }
        None => Some(items.split(' ').map(item).collect()),
    };
    Some(with_total(total, items.map(Value::Array))?.into())
}

/// Returns a page with the keys that it has.
fn with_total(total: &str, data: Option<Value>) -> Option<Map> {
    let mut page = Map::new();
    if total != MISSING {
        page.insert("total".to_owned(), serde_json::from_str(total).ok()?);
    }
    page.extend(data.map(|data| ("data".to_owned(), data)));
    Some(page)
}

/// Returns the number of `<id:5>`.
fn number_of(id: &str) -> Option<usize> {
    id.strip_prefix("<id:")?.strip_suffix('>')?.parse().ok()
}

/// Returns whether a row shows a list from a greater id to a smaller one.
fn descends(row: &str) -> bool {
    let ends = row.split_once(" sessions, ").and_then(|(_, ends)| ends.split_once(" to "));
    let ends = ends.and_then(|(first, last)| number_of(first).zip(number_of(last)));
    ends.is_some_and(|(first, last)| last < first)
}

/// Returns the ids of a list from its first to its last item, which are at least two.
///
/// The row does not show the items between them. Consecutive ids follow from both ends, or from one if the other is
/// `null`: then `descends` is their direction. Between two items that are `null`, all are.
fn between(first: &str, last: &str, items: usize, descends: bool) -> Vec<String> {
    let length = items - 1;
    let (start, descends) = match (number_of(first), number_of(last)) {
        (Some(first), Some(last)) if first.checked_sub(length) == Some(last) => (Some(first), true),
        (Some(first), Some(last)) => {
            (Some(first).filter(|first| first.checked_add(length) == Some(last)), false)
        }
        (Some(first), None) if last == "null" => (Some(first), descends),
        (None, Some(last)) if first == "null" && descends => (last.checked_add(length), true),
        // An id before the first one does not exist.
        (None, Some(last)) if first == "null" => (last.checked_sub(length), false),
        _ => (None, false),
    };
    let id = |offset: usize| {
        let start = start?;
        if descends { start.checked_sub(offset) } else { start.checked_add(offset) }
    };
    let middle = (1..length).map(|offset| match id(offset) {
        Some(number) => format!("<id:{number}>"),
        None if first == "null" && last == "null" => first.to_owned(),
        None => format!("<id {}>", offset + 1),
    });
    [first.to_owned()].into_iter().chain(middle).chain([last.to_owned()]).collect()
}

/// Parses `user_name="n" data={"k":1}`. A key that is not shown is `null`, or the user of the case.
fn session(rest: &str) -> Option<Value> {
    let mut session = Map::new();
    session.insert("user_id".to_owned(), "<user>".into());
    for key in ["user_name", "address", "client", "user", "data"] {
        session.insert(key.to_owned(), Value::Null);
    }
    if rest == "a session without other values" {
        return Some(session.into());
    }
    let mut rest = rest;
    while !rest.is_empty() {
        let (key, value) = rest.split_once('=').filter(|(key, _)| session.contains_key(*key))?;
        let mut values = serde_json::Deserializer::from_str(value).into_iter::<Value>();
        session.insert(key.to_owned(), values.next()?.ok()?);
        rest = value.get(values.byte_offset()..)?.trim_start();
    }
    Some(session.into())
}

/// Returns a whole body with the values of a row, for the typed client.
fn sample(kind: ObjectKind, values: &Value) -> Value {
    let session = || json!({"id": "<id:1>", "active": true, "open_time": "<t1>", "request_time": "<t1>"});
    let with = |mut base: Value, more: &Value| {
        if let (Some(base), Some(more)) = (base.as_object_mut(), more.as_object()) {
            base.extend(more.clone());
        }
        base
    };
    match kind {
        ObjectKind::Entity => with(session(), values),
        ObjectKind::Page => {
            let mut page = values.clone();
            if let Some(Value::Array(items)) = page.as_object_mut().and_then(|page| page.get_mut("data")) {
                for item in items.iter_mut() {
                    *item = with(session(), item);
                }
            }
            page
        }
        ObjectKind::Error | ObjectKind::Other => values.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::compare;
    use crate::comparison::snapshot_diff::Found;
    use crate::comparison::{Evidence, Reading};

    fn words(was: &str, is: &str) -> Vec<String> {
        let mut all = Vec::new();
        compare("get_sessions", was, is, &Evidence::default(), &mut Found::new("row", &mut all));
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rows_are_compared_by_their_values() {
        let page = "200 total 2: <id:1> <id:2>";
        assert_eq!(words(page, page), Vec::<String>::new());
        assert_eq!(words(page, "200 total 3: <id:1> <id:2>"), ["row: `total`: was 2, is 3"]);
        assert_eq!(words(page, "200 total 2: <id:1>"), ["row: `data`: had 2 items, has 1 item"]);
        assert_eq!(words(page, "200 total ?: <id:1> <id:2>"), ["row: `total`: was a number, is absent"]);
        assert_eq!(
            words(page, "200 total 2: ? ?"),
            ["row: `data[0].id`: was a string, is absent", "row: `data[1].id`: was a string, is absent"]
        );
        assert_eq!(words(page, "200 total 2: null <id:2>"), ["row: `data[0]`: was an object, is null"]);
        assert_eq!(
            words(page, "200 total 2: no list, but {\"a\":1}"),
            ["row: `data`: was a list, is an object"]
        );
        assert_eq!(words("200 data=1", "200 \"{}\""), ["row: body: was JSON, is a string"]);
        assert_eq!(
            words(page, "200 total 2: <id:2> <id:1>"),
            ["row: order of `data`: was (<id:1>, <id:2>), is (<id:2>, <id:1>)"]
        );
        assert_eq!(
            words("200 user=1 data={\"a\":1}", "200 user=1 data={\"a\":2}"),
            ["row: `data.a`: was 1, is 2"]
        );
        assert_eq!(
            words("200 address=\"a\"", "200 a session without other values"),
            ["row: `address`: was a string, is null"]
        );
        assert_eq!(
            words("204", "404 NOT_FOUND: x"),
            ["row: status: was 204, is 404", "row: body: was absent, is JSON"]
        );
        assert_eq!(words("400 A: x", "400 B: x"), ["row: `code`: was \"A\", is \"B\""]);
        assert_eq!(words("400 A: x", "400 ?: x"), ["row: `code`: was a string, is absent"]);
        assert_eq!(words("400 A: x", "400 <html>"), ["row: body: was JSON, is `<html>`"]);
    }

    #[test]
    fn other_items_of_a_list_are_a_difference() {
        let page = "200 total 2: <id:1> <id:2>";
        assert_eq!(words(page, "200 total 2: <id:1> <id:3>"), ["row: `data`: was (<id:2>), is (<id:3>)"]);
        let long = "200 total 12: 12 sessions, <id:1> to <id:12>";
        let other = "200 total 12: 12 sessions, <id:2> to <id:13>";
        let expected = ["row: `data`: was (<id:1>), is (<id:13>)"];
        assert_eq!(words(long, other), expected);
        let null = "200 total 12: 12 sessions, null to <id:12>";
        assert_eq!(words(long, null), ["row: `data[0]`: was an object, is null"]);
        let null = "200 total 12: 12 sessions, <id:1> to null";
        assert_eq!(words(long, null), ["row: `data[11]`: was an object, is null"]);
        let descending = "200 total 12: 12 sessions, <id:12> to <id:1>";
        let null = "200 total 12: 12 sessions, <id:12> to null";
        assert_eq!(words(descending, null), ["row: `data[11]`: was an object, is null"]);
        let null = "200 total 12: 12 sessions, null to <id:1>";
        assert_eq!(words(descending, null), ["row: `data[0]`: was an object, is null"]);
        // Strings that stand for the same values.
        let expected = ["row: line: was `200 data=1`, is `200 data=1 user=null`"];
        assert_eq!(words("200 data=1", "200 data=1 user=null"), expected);
    }

    #[test]
    fn numbers_of_items_in_strings_of_a_service_are_limited() {
        for body in [
            "total 1: 18446744073709551615 sessions, a to b",
            "total 1: 18446744073709551615 sessions, <id:0> to <id:18446744073709551615>",
            "total 1: 99999999999 sessions, <id:1> to <id:99999999999>",
            "total 1: 12 sessions, <id:1> to <id:99999999999>",
            "total 1: 0 sessions, a to b",
        ] {
            assert_ne!(words("200 total 1: <id:1>", &format!("200 {body}")), Vec::<String>::new(), "{body}");
        }
    }

    #[test]
    fn the_client_reads_the_values_of_a_row() {
        let mut all = Vec::new();
        let page = "200 total 12: 12 sessions, <id:1> to <id:12>";
        let other = "200 total \"12\": 12 sessions, <id:1> to <id:12>";
        compare("get_sessions", page, other, &Evidence::default(), &mut Found::new("row", &mut all));
        assert!(matches!(all[0].evidence.reading, Reading::Failed(_)), "{all:?}");
    }
}
