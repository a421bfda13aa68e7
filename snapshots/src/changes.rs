//! Describes the changes between two snapshots in words.
//!
//! A line diff shows where snapshots differ; a sentence says what that means for the contract, such as a new
//! key or a number that is now a string.

use crate::render::NOT_COMPACT;
use crate::value::{Map, Value};
use std::collections::BTreeSet;

/// Returns a sentence for each difference between an old and a new snapshot.
///
/// A snapshot of this crate has steps under `# titles`, each with a request, a response and lines about them.
/// Everything else is compared line by line.
#[must_use]
pub fn describe_changes(was: &str, is: &str) -> Vec<String> {
    let (was, is) = (steps(was), steps(is));
    let mut words = Vec::new();
    for old in &was {
        let at = |what: String| old.at(&what);
        match is.iter().find(|new| new.title == old.title) {
            Some(new) => words.extend(compare(old, new).into_iter().map(at)),
            None => words.push(at("was here, is gone".to_owned())),
        }
    }
    let is_new = |new: &&Step| !was.iter().any(|old| old.title == new.title);
    words.extend(is.iter().filter(is_new).map(|new| new.at("was not here, is new")));
    words
}

#[derive(Default)]
struct Step<'p> {
    title: &'p str,
    messages: Vec<Message<'p>>,
    lines: Vec<&'p str>,
}

impl Step<'_> {
    fn at(&self, what: &str) -> String {
        let title = if self.title.is_empty() { "the snapshot" } else { self.title };
        if self.title.is_empty() && !what.starts_with("was ") {
            what.to_owned()
        } else {
            format!("{title}: {what}")
        }
    }

    /// The value decoded from the response, if it is shown as JSON.
    fn decoded(&self) -> Option<Value> {
        let json = match *self.lines.first()? {
            "decoded and encoded again without a change" => self.messages.last()?.body.as_str(),
            "decoded as" => self.lines.get(1)?,
            line => line.strip_prefix("decoded as ")?,
        };
        serde_json::from_str(json).ok()
    }
}

#[derive(Default)]
struct Message<'p> {
    first: &'p str,
    headers: Vec<(&'p str, &'p str)>,
    body: String,
}

/// The part of a snapshot that a line belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Head,
    Body,
    Outside,
}

fn steps(snapshot: &str) -> Vec<Step<'_>> {
    let mut steps = vec![Step::default()];
    let mut at = At::Outside;
    for line in snapshot.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            steps.push(Step { title, ..Step::default() });
            at = At::Outside;
            continue;
        }
        let Some(step) = steps.last_mut() else { break };
        if line.starts_with("HTTP/1.1 ") || line.ends_with(" HTTP/1.1") {
            step.messages.push(Message { first: line, ..Message::default() });
            at = At::Head;
        } else if line.starts_with("decoded as") || line.starts_with("decoded and") {
            step.lines.push(line);
            at = At::Outside;
        } else {
            match (at, step.messages.last_mut()) {
                (At::Head, Some(_)) if line.is_empty() => at = At::Body,
                (At::Head, Some(message)) => {
                    message.headers.push(line.split_once(": ").unwrap_or((line, "")));
                }
                (At::Body, Some(message)) => {
                    message.body.push_str(line);
                    message.body.push('\n');
                }
                _ if line.is_empty() => {}
                _ => step.lines.push(line),
            }
        }
    }
    steps.retain(|step| !step.title.is_empty() || !step.messages.is_empty() || !step.lines.is_empty());
    steps
}

fn compare(was: &Step<'_>, is: &Step<'_>) -> Vec<String> {
    let mut words = Vec::new();
    let (mut old, mut new) = (was.messages.iter(), is.messages.iter());
    loop {
        match (old.next(), new.next()) {
            (Some(old), Some(new)) => message(old, new, &mut words),
            (Some(old), None) => words.push(format!("`{}`: was here, is gone", old.first)),
            (None, Some(new)) => words.push(format!("`{}`: was not here, is new", new.first)),
            (None, None) => break,
        }
    }
    let mut changed_values = Vec::new();
    if let (true, Some(old), Some(new)) = (was.lines != is.lines, was.decoded(), is.decoded()) {
        json("", &old, &new, &mut changed_values);
    }
    if changed_values.is_empty() {
        lines(&was.lines, &is.lines, &mut words);
    }
    words.extend(changed_values.into_iter().map(|what| format!("as decoded, {what}")));
    words
}

fn message(was: &Message<'_>, is: &Message<'_>, words: &mut Vec<String>) {
    match (was.first.strip_prefix("HTTP/1.1 "), is.first.strip_prefix("HTTP/1.1 ")) {
        (Some(old), Some(new)) if old != new => {
            let code = |status: &str| status.split(' ').next().unwrap_or_default().to_owned();
            words.push(format!("status: was {}, is {}", code(old), code(new)));
        }
        (Some(_), Some(_)) => {}
        _ if was.first != is.first => words.push(format!("request: was `{}`, is `{}`", was.first, is.first)),
        _ => {}
    }
    let names: BTreeSet<&str> = was.headers.iter().chain(&is.headers).map(|(name, _)| *name).collect();
    for name in names {
        let all = |message: &Message<'_>| {
            let values: Vec<String> =
                message.headers.iter().filter(|(n, _)| *n == name).map(|(_, v)| format!("`{v}`")).collect();
            if values.is_empty() { "absent".to_owned() } else { values.join(" and ") }
        };
        change(&format!("header `{name}`"), &all(was), &all(is), words);
    }
    body(&was.body, &is.body, words);
}

fn body(was: &str, is: &str, words: &mut Vec<String>) {
    let form = |body: &str| match body.strip_prefix(NOT_COMPACT) {
        Some(rest) => (rest.trim().to_owned(), "not compact"),
        None => (body.trim().to_owned(), "compact"),
    };
    let ((was, old_form), (is, new_form)) = (form(was), form(is));
    change("JSON", old_form, new_form, words);
    if let (Ok(was), Ok(is)) = (serde_json::from_str(&was), serde_json::from_str(&is)) {
        return json("", &was, &is, words);
    }
    let brief = |body: &str| match body {
        "" => "absent".to_owned(),
        json if serde_json::from_str::<Value>(json).is_ok() => "JSON".to_owned(),
        text => format!("`{}`", start(text)),
    };
    change("body", &brief(&was), &brief(&is), words);
}

/// Compares two values at `path`; an empty path is the whole body.
fn json(path: &str, was: &Value, is: &Value, words: &mut Vec<String>) {
    let place = if path.is_empty() { "body".to_owned() } else { format!("`{path}`") };
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => object(path, &place, was, is, words),
        (Value::Array(was), Value::Array(is)) => {
            if was.len() != is.len() {
                words.push(format!("{place}: had {}, has {}", items(was.len()), items(is.len())));
            }
            for (index, (was, is)) in was.iter().zip(is).enumerate() {
                json(&format!("{path}[{index}]"), was, is, words);
            }
        }
        _ if type_name(was) != type_name(is) => change(&place, type_name(was), type_name(is), words),
        _ => change(&place, &brief(was), &brief(is), words),
    }
}

fn object(path: &str, place: &str, was: &Map, is: &Map, words: &mut Vec<String>) {
    let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for (key, old) in was {
        match is.get(key) {
            Some(new) => json(&inside(key), old, new, words),
            None => words.push(format!("`{}`: was {}, is absent", inside(key), type_name(old))),
        }
    }
    for (key, new) in is.iter().filter(|(key, _)| !was.contains_key(*key)) {
        words.push(format!("`{}`: was absent, is {}", inside(key), type_name(new)));
    }
    let order = |object: &Map, other: &Map| {
        object.keys().filter(|key| other.contains_key(*key)).cloned().collect::<Vec<_>>().join(", ")
    };
    let (old, new) = (order(was, is), order(is, was));
    change(&format!("order of the keys of {place}"), &format!("({old})"), &format!("({new})"), words);
}

/// Compares lines: those with a label before two spaces by label, all others in order.
fn lines(was: &[&str], is: &[&str], words: &mut Vec<String>) {
    let label =
        |line: &&str| line.trim().split_once("  ").map(|(label, rest)| (label.to_owned(), one_space(rest)));
    let (old, new): (Vec<_>, Vec<_>) = (was.iter().map(label).collect(), is.iter().map(label).collect());
    for (label, value) in old.iter().flatten() {
        match new.iter().flatten().find(|(other, _)| other == label) {
            Some((_, other)) => change(&format!("`{label}`"), value, other, words),
            None => words.push(format!("`{label}`: was {value}, is gone")),
        }
    }
    for (label, value) in new.iter().flatten() {
        if !old.iter().flatten().any(|(other, _)| other == label) {
            words.push(format!("`{label}`: was not here, is {value}"));
        }
    }
    let plain = |lines: &[&str]| {
        let plain = lines.iter().filter(|line| label(line).is_none());
        plain.map(|line| (*line).to_owned()).collect::<Vec<_>>()
    };
    let (old, new) = (plain(was), plain(is));
    for index in 0..old.len().max(new.len()) {
        let line = |lines: &[String]| match lines.get(index) {
            Some(line) => format!("`{line}`"),
            None => "absent".to_owned(),
        };
        change("line", &line(&old), &line(&new), words);
    }
}

fn change(place: &str, was: &str, is: &str, words: &mut Vec<String>) {
    if was != is {
        words.push(format!("{place}: was {was}, is {is}"));
    }
}

fn one_space(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn items(number: usize) -> String {
    if number == 1 { "1 item".to_owned() } else { format!("{number} items") }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn brief(value: &Value) -> String {
    start(&value.to_string())
}

fn start(text: &str) -> String {
    const LONGEST: usize = 120;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::describe_changes;

    fn snapshot(status: &str, headers: &str, body: &str) -> String {
        format!(
            "# Found\n\nPOST /v1/x HTTP/1.1\n\n{{}}\n\nHTTP/1.1 {status}\n{headers}\n{body}\n\ndecoded as `None`\n"
        )
    }

    fn bodies(was: &str, is: &str) -> Vec<String> {
        describe_changes(&snapshot("200 OK", "", was), &snapshot("200 OK", "", is))
    }

    #[test]
    fn equal_snapshots_have_no_changes() {
        let snapshot = snapshot("200 OK", "content-type: application/json\n", r#"{"a":1}"#);
        assert_eq!(describe_changes(&snapshot, &snapshot), Vec::<String>::new());
    }

    #[test]
    fn added_removed_and_changed_keys_are_named() {
        assert_eq!(bodies("{}", r#"{"close_time":null}"#), ["Found: `close_time`: was absent, is null"]);
        assert_eq!(
            bodies(r#"{"total":2}"#, r#"{"total":"2"}"#),
            ["Found: `total`: was a number, is a string"]
        );
        assert_eq!(bodies(r#"{"a":{"b":[1]}}"#, r#"{"a":{"b":[2]}}"#), ["Found: `a.b[0]`: was 1, is 2"]);
        assert_eq!(bodies(r#"{"a":""}"#, "{}"), ["Found: `a`: was a string, is absent"]);
        assert_eq!(bodies("[]", "[1]"), ["Found: body: had 0 items, has 1 item"]);
        assert_eq!(bodies("null", "{}"), ["Found: body: was null, is an object"]);
    }

    #[test]
    fn another_order_of_keys_is_one_change() {
        let words = bodies(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#);
        assert_eq!(words, ["Found: order of the keys of body: was (a, b), is (b, a)"]);
        assert_eq!(bodies(r#"{"a":1}"#, r#"{"b":2,"a":1}"#), ["Found: `b`: was absent, is a number"]);
    }

    #[test]
    fn status_headers_and_bodies_other_than_json_are_compared() {
        let was = snapshot("200 OK", "content-type: application/json\n", r#"{"a":1}"#);
        let is = snapshot("204 No Content", "allow: GET\n", "");
        let words = [
            "Found: status: was 200, is 204",
            "Found: header `allow`: was absent, is `GET`",
            "Found: header `content-type`: was `application/json`, is absent",
            "Found: body: was JSON, is absent",
        ];
        assert_eq!(describe_changes(&was, &is), words);
        assert_eq!(bodies("<html>", "<p>"), ["Found: body: was `<html>`, is `<p>`"]);
    }

    #[test]
    fn requests_and_the_form_of_json_are_compared() {
        let was = snapshot("200 OK", "", "{}");
        let words = describe_changes(&was, &was.replace("/v1/x", "/v2/x"));
        assert_eq!(words, ["Found: request: was `POST /v1/x HTTP/1.1`, is `POST /v2/x HTTP/1.1`"]);
        let words = bodies("{}", "(not compact JSON)\n{ }");
        assert_eq!(words, ["Found: JSON: was compact, is not compact"]);
    }

    #[test]
    fn another_decoded_value_is_described_by_its_keys() {
        let snapshot =
            |decoded: &str| format!("HTTP/1.1 200 OK\n\n{{\"active\":true,\"n\":1}}\n\n{decoded}\n");
        let same = snapshot("decoded and encoded again without a change");
        let expected = ["as decoded, `active`: was a boolean, is a string"];
        assert_eq!(describe_changes(&same, &snapshot("decoded as\n{\"active\":\"true\",\"n\":1}")), expected);
        assert_eq!(describe_changes(&same, &snapshot("decoded as {\"active\":\"true\",\"n\":1}")), expected);
        assert_eq!(
            describe_changes(&same, &snapshot("decoded as `None`")),
            ["line: was `decoded and encoded again without a change`, is `decoded as `None``"]
        );
    }

    #[test]
    fn steps_and_rows_are_compared_by_name() {
        let words = describe_changes("# A\ndecoded as nothing\n# B\n", "# A\ndecoded as a session\n# C\n");
        let expected = [
            "A: line: was `decoded as nothing`, is `decoded as a session`",
            "B: was here, is gone",
            "C: was not here, is new",
        ];
        assert_eq!(words, expected);
        let words =
            describe_changes("close_time   never\nid  always  id\n", "close_time  always     time\nx  1\n");
        let expected = [
            "`close_time`: was never, is always time",
            "`id`: was always id, is gone",
            "`x`: was not here, is 1",
        ];
        assert_eq!(words, expected);
    }
}
