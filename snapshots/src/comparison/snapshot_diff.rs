//! Compares two snapshots, and describes their differences in words.
//!
//! A line diff shows where snapshots differ; a sentence says what that means for the contract, such as a new
//! key or a number that is now a string.

use super::difference::{Change, Difference, Evidence, Location, Reading, Source};
use super::json_diff::{JsonDiff, start, without_form};
use super::reading::Reader;
use super::{rows, shape_diff};
use contract_tests::Value;
use contract_tests::suite::{CLIENT_ERROR, ENDED, placeholders};
use contract_tests::{JSON_NOTES, NOT_COMPACT};
use sessions_client::{Route, sessions_v1};
use std::collections::BTreeSet;

/// Returns a sentence for each difference between an old and a new snapshot.
#[must_use]
pub fn describe_changes(was: &str, is: &str) -> Vec<String> {
    differences("", was, is).iter().map(ToString::to_string).collect()
}

/// Returns the differences between an old and a new snapshot of `operation`.
///
/// A snapshot of this crate has steps under `# titles`, each with a request, a response and lines about them.
/// Everything else is compared line by line. Without an operation, what the client reads is known only for
/// responses that are shown with their requests.
///
/// Other snapshots have at least one difference, except for spaces at their ends and for the forms of ids and
/// times in requests and rows: these are differences of the responses that they come from.
#[must_use]
pub fn differences(operation: &str, was: &str, is: &str) -> Vec<Difference> {
    let (old, new) = (steps(was), steps(is));
    let mut all = differences_of_steps(operation, &old, &new);
    if all.is_empty() {
        let has_shape = old.iter().chain(&new).any(|step| shape_diff::is_shape(step.title, &step.lines));
        let comparable = |snapshot: &str| {
            if has_shape { shape_diff::without_absent_keys(snapshot) } else { without_form(snapshot).0 }
        };
        let (was, is) = (comparable(was), comparable(is));
        let (was, is) = different_line(was.trim_end(), is.trim_end());
        let shown = |line: Option<&str>| line.map(|line| format!("`{}`", start(line))).unwrap_or_default();
        let (was, is) = match (shown(was), shown(is)) {
            // Long lines may only differ after their start.
            (old, new) if old == new => (brief_from_difference(was, is), brief_from_difference(is, was)),
            other => other,
        };
        present(Location::Line, &was, &is, &Evidence::default(), &mut Found::new("", &mut all));
    }
    all
}

fn differences_of_steps(operation: &str, was: &[Step<'_>], is: &[Step<'_>]) -> Vec<Difference> {
    let mut all = Vec::new();
    let ended = is.iter().flat_map(|step| &step.lines).find_map(|line| line.strip_prefix(ENDED));
    let mut missing = None;
    let (partners, added) = partners(was, is, |step| step.title);
    for (old, new) in was.iter().zip(partners) {
        let mut found = Found::new(old.title, &mut all);
        match new {
            Some(new) => missing = missing.or(compare(operation, old, new, ended.is_some(), &mut found)),
            None if ended.is_some() => missing = missing.or_else(|| Some(old.title.to_owned())),
            None => {
                let key = if shape_diff::is_shape(old.title, &old.lines) { old.title } else { "" };
                found.add_step(Change::Removed, "here", "gone", key);
            }
        }
    }
    for new in added {
        let key = if shape_diff::is_shape(new.title, &new.lines) { new.title } else { "" };
        if !new.messages.is_empty() || !key.is_empty() || ended.is_none() {
            Found::new(new.title, &mut all).add_step(Change::Added, "not here", "new", key);
        }
    }
    if let Some(why) = ended {
        let title = missing.unwrap_or_default();
        let why = format!("not reached: {}", why.trim_end_matches(')'));
        Found::new(&title, &mut all).add_step(Change::Removed, "here", &why, "");
    }
    all
}

/// Returns for each old item the new one with the same name, and the new items without an old one.
///
/// Of items with the same name, the first belongs to the first, the second to the second.
fn partners<'i, T, N: PartialEq>(
    was: &'i [T],
    is: &'i [T],
    name: impl Fn(&'i T) -> N,
) -> (Vec<Option<&'i T>>, Vec<&'i T>) {
    let mut others: Vec<&T> = is.iter().collect();
    let partner = |old: &'i T| {
        let at = others.iter().position(|new| name(new) == name(old))?;
        Some(others.remove(at))
    };
    let partners = was.iter().map(partner).collect();
    (partners, others)
}

/// Returns the first lines of two strings that differ; `None` where a string has no such line.
fn different_line<'t>(was: &'t str, is: &'t str) -> (Option<&'t str>, Option<&'t str>) {
    let (mut old, mut new) = (was.split('\n'), is.split('\n'));
    loop {
        match (old.next(), new.next()) {
            (Some(was), Some(is)) if was == is => {}
            lines => return lines,
        }
    }
}

/// The differences of a step.
pub(super) struct Found<'a> {
    step: &'a str,
    all: &'a mut Vec<Difference>,
}

impl<'a> Found<'a> {
    pub(super) fn new(step: &'a str, all: &'a mut Vec<Difference>) -> Self {
        Self { step, all }
    }

    /// The number of differences of this step and those before it.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn add_with(
        &mut self,
        location: Location,
        change: Change,
        was: &str,
        is: &str,
        evidence: Evidence,
    ) {
        let (step, was, is) = (self.step.to_owned(), was.to_owned(), is.to_owned());
        self.all.push(Difference { step, location, change, was, is, evidence });
    }

    /// Adds a difference if the values differ.
    fn compare(&mut self, location: Location, change: Change, was: &str, is: &str, evidence: &Evidence) {
        if was != is {
            self.add_with(location, change, was, is, evidence.clone());
        }
    }

    /// Adds a difference of a whole step: of that with a status if it is a shape.
    fn add_step(&mut self, change: Change, was: &str, is: &str, status: &str) {
        let source = if status.is_empty() { Source::Response } else { Source::Shape };
        let evidence = Evidence { source, key: status.to_owned(), ..Evidence::default() };
        self.add_with(Location::Step, change, was, is, evidence);
    }
}

#[derive(Default)]
struct Step<'p> {
    title: &'p str,
    messages: Vec<Message<'p>>,
    lines: Vec<&'p str>,
}

impl Step<'_> {
    /// The value decoded from the response, if it is shown as JSON.
    fn decoded(&self) -> Option<Value> {
        let json = match *self.lines.first()? {
            "decoded and encoded again without a change" => body_of(&self.messages.last()?.body).json,
            "decoded as" => self.lines.get(1)?.to_string(),
            line => line.strip_prefix("decoded as ")?.to_owned(),
        };
        serde_json::from_str(&json).ok()
    }

    /// The result of the typed client, if it made the request; its message if it could not decode the response.
    fn client_result(&self) -> Reading {
        match self.lines.iter().find_map(|line| line.strip_prefix(CLIENT_ERROR)) {
            Some(message) => Reading::Failed(message.to_owned()),
            None if self.lines.is_empty() => Reading::Unknown,
            None => Reading::Same,
        }
    }
}

#[derive(Default)]
struct Message<'p> {
    first: &'p str,
    headers: Vec<(&'p str, &'p str)>,
    body: String,
}

impl Message<'_> {
    fn status(&self) -> Option<&str> {
        self.first.strip_prefix("HTTP/1.1 ").map(|status| status.split(' ').next().unwrap_or_default())
    }

    /// The route of a request for an operation of the contract.
    fn route(&self) -> Option<&'static Route> {
        let target = self.first.strip_suffix(" HTTP/1.1")?.strip_prefix("POST ")?;
        let path = target.split('?').next().unwrap_or_default();
        sessions_v1::ROUTES.iter().find(|route| route.path == path).copied()
    }
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
        let is_result = ["decoded as", "decoded and", CLIENT_ERROR, ENDED];
        if line.starts_with("HTTP/1.1 ") || line.ends_with(" HTTP/1.1") {
            step.messages.push(Message { first: line, ..Message::default() });
            at = At::Head;
        } else if is_result.iter().any(|start| line.starts_with(start)) {
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

/// Compares two steps. Returns the label of the first row that is missing if the case ended early.
fn compare(
    operation: &str,
    was: &Step<'_>,
    is: &Step<'_>,
    has_ended: bool,
    found: &mut Found<'_>,
) -> Option<String> {
    if shape_diff::is_shape(was.title, &was.lines) {
        shape_diff::compare(operation, was.title, &was.lines, &is.lines, found);
        return None;
    }
    let before = found.all.len();
    let route = was.messages.first().and_then(Message::route);
    let request = was.messages.first().filter(|message| message.status().is_none());
    let evidence = Evidence {
        is_foreign: request.is_some() && route.is_none(),
        uses: request.map(|request| placeholders(&request.body)).unwrap_or_default(),
        ..Evidence::default()
    };
    let (mut old, mut new) = (was.messages.iter(), is.messages.iter());
    loop {
        let whole = |message: &Message<'_>| Location::Message(message.first.to_owned());
        match (old.next(), new.next()) {
            (Some(old), Some(new)) if old.status().is_some() && new.status().is_some() => {
                let name = route.map_or(operation, |route| route.name);
                response(name, old, new, &is.client_result(), &evidence, found);
            }
            (Some(old), Some(new)) => self::request(old, new, found),
            (Some(old), None) => {
                found.add_with(whole(old), Change::Removed, "here", "gone", evidence.clone());
            }
            (None, Some(new)) => {
                found.add_with(whole(new), Change::Added, "not here", "new", evidence.clone());
            }
            (None, None) => break,
        }
    }
    // What the client makes of another response is the effect of that response, not a further difference.
    if found.all.len() > before && !was.messages.is_empty() {
        return None;
    }
    if let (true, Some(old), Some(new)) = (was.lines != is.lines, was.decoded(), is.decoded()) {
        let evidence = Evidence { source: Source::Decoded, reading: Reading::Other, ..evidence.clone() };
        JsonDiff { reader: None, found, evidence }.compare(&old, &new);
        if found.all.len() > before {
            return None;
        }
    }
    lines(operation, &was.lines, &is.lines, has_ended, found)
}

fn request(was: &Message<'_>, is: &Message<'_>, found: &mut Found<'_>) {
    let evidence = Evidence { source: Source::Request, ..Evidence::default() };
    let line = |message: &Message<'_>| format!("`{}`", without_form(message.first).0);
    found.compare(Location::Request, Change::Value, &line(was), &line(is), &evidence);
    headers(was, is, &evidence, found);
    // An id in another form is a difference of the response that it comes from.
    let (old, new) = (body_of(&was.body), body_of(&without_form(&is.body).0));
    body(None, &old, &new, &evidence, found);
}

/// Compares two statuses of a response whose observed body is `body`. Other differences of the response follow from the
/// status unless the client reads both statuses alike, or both are errors of one class. A body that 204 does not have
/// follows from it, too, if the client reads the same.
pub(super) fn status(
    (was, is): (&str, &str),
    body: &str,
    reader: &mut Option<Reader<'_>>,
    evidence: &mut Evidence,
    found: &mut Found<'_>,
) {
    if was == is {
        return;
    }
    let observed = is.parse().ok();
    let reading = reader.as_ref().zip(observed);
    let reading = reading.map(|(reader, status)| reader.with_status(status)).unwrap_or_default();
    if reading == Reading::Same
        && let Some((reader, status)) = reader.as_mut().zip(observed)
    {
        reader.set_status(status);
    }
    let is_error = was.starts_with(['4', '5']) && was.as_bytes().first() == is.as_bytes().first();
    let is_read =
        || reader.as_ref().is_some_and(|reader| reader.with_bytes(body.to_owned()) == Reading::Same);
    let is_without_body = [was, is].contains(&"204") && (body.is_empty() || is_read());
    evidence.has_other_status = (reading != Reading::Same && !is_error) || is_without_body;
    let evidence = Evidence { reading, has_other_status: false, ..evidence.clone() };
    found.add_with(Location::Status, Change::Value, was, is, evidence);
}

fn response(
    operation: &str,
    was: &Message<'_>,
    is: &Message<'_>,
    client_result: &Reading,
    evidence: &Evidence,
    found: &mut Found<'_>,
) {
    let (old, new) = (body_of(&was.body), body_of(&is.body));
    let (old_status, new_status) = (was.status().unwrap_or_default(), is.status().unwrap_or_default());
    let sample = serde_json::from_str(&old.json).unwrap_or_default();
    let reader = old_status.parse().ok().filter(|_| !evidence.is_foreign);
    let mut reader = reader.and_then(|status| Reader::new(operation, status, &sample));
    let mut evidence = evidence.clone();
    status((old_status, new_status), &new.json, &mut reader, &mut evidence, found);
    let evidence = &evidence;
    headers(was, is, &Evidence { reading: client_result.clone(), ..evidence.clone() }, found);
    if old.form != new.form {
        let evidence = Evidence { reading: client_result.clone(), ..evidence.clone() };
        found.add_with(Location::Format, Change::Value, &old.form, &new.form, evidence);
    }
    body(reader.as_ref(), &old, &new, evidence, found);
}

fn headers(was: &Message<'_>, is: &Message<'_>, evidence: &Evidence, found: &mut Found<'_>) {
    let names: BTreeSet<&str> = was.headers.iter().chain(&is.headers).map(|(name, _)| *name).collect();
    for name in names {
        let all = |message: &Message<'_>| {
            let values = message.headers.iter().filter(|(header, _)| *header == name);
            values.map(|(_, value)| format!("`{value}`")).collect::<Vec<_>>().join(" and ")
        };
        present(Location::Header(name.to_owned()), &all(was), &all(is), evidence, found);
    }
}

/// Adds a difference if the values differ. An empty one is absent.
fn present(location: Location, was: &str, is: &str, evidence: &Evidence, found: &mut Found<'_>) {
    let change = match (was, is) {
        ("", _) => Change::Added,
        (_, "") => Change::Removed,
        _ => Change::Value,
    };
    let shown = |value: &str| if value.is_empty() { "absent".to_owned() } else { value.to_owned() };
    found.compare(location, change, &shown(was), &shown(is), evidence);
}

/// A body, without the notes about its form.
struct Body {
    form: String,
    json: String,
}

fn body_of(body: &str) -> Body {
    let mut rest = body.trim();
    let mut forms = Vec::new();
    let notes = JSON_NOTES.iter().chain([&(NOT_COMPACT, "not compact")]);
    for (note, words) in notes {
        if let Some(after) = rest.strip_prefix(note) {
            forms.push(*words);
            rest = after.trim_start();
        }
    }
    let form = if forms.is_empty() { "compact".to_owned() } else { forms.join(" and ") };
    Body { form, json: rest.to_owned() }
}

fn body(reader: Option<&Reader<'_>>, was: &Body, is: &Body, evidence: &Evidence, found: &mut Found<'_>) {
    if let (Ok(was), Ok(is)) = (serde_json::from_str(&was.json), serde_json::from_str(&is.json)) {
        return JsonDiff { reader, found, evidence: evidence.clone() }.compare(&was, &is);
    }
    let brief = |body: &str| match body {
        "" => String::new(),
        json if serde_json::from_str::<Value>(json).is_ok() => "JSON".to_owned(),
        text => format!("`{}`", start(text.lines().next().unwrap_or_default())),
    };
    let reading = reader.map_or(Reading::Unknown, |reader| reader.with_bytes(is.json.clone()));
    let evidence = Evidence { reading, ..evidence.clone() };
    let location = match evidence.source {
        Source::Request => Location::RequestBody(String::new()),
        _ => Location::Body(String::new()),
    };
    let (was, is) = match (brief(&was.json), brief(&is.json)) {
        (old, new) if old == new => {
            let (old, new) = different_line(&was.json, &is.json);
            (brief_from_difference(old, new), brief_from_difference(new, old))
        }
        other => other,
    };
    present(location, &was, &is, &evidence, found);
}

/// Returns what a line has after its common start with another one; empty if there is no line.
fn brief_from_difference(line: Option<&str>, other: Option<&str>) -> String {
    let Some(line) = line else { return String::new() };
    let other = other.unwrap_or_default();
    let common: usize = line
        .chars()
        .zip(other.chars())
        .take_while(|(one, other)| one == other)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let cut = if common == 0 { "" } else { "…" };
    format!("`{cut}{}`", start(&line[common..]))
}

/// Compares lines: those with a label before two spaces by label, all others in order.
///
/// Returns the label of the first row that is missing if the case ended early.
fn lines(
    operation: &str,
    was: &[&str],
    is: &[&str],
    has_ended: bool,
    found: &mut Found<'_>,
) -> Option<String> {
    let label = |line: &&str| {
        let (label, rest) = line.trim().split_once("  ")?;
        Some((without_form(label).0, rest.trim().to_owned()))
    };
    let is: Vec<&str> = is.iter().filter(|line| !line.starts_with(ENDED)).copied().collect();
    let rows = |lines: &[&str]| -> Vec<(String, String)> { lines.iter().filter_map(label).collect() };
    let (old, new) = (rows(was), rows(&is));
    let (partners, added) = partners(&old, &new, |(label, _)| label);
    let row = |label: &String| Location::Row(label.clone());
    let mut missing = None;
    for ((label, value), partner) in old.iter().zip(partners) {
        match partner {
            Some((_, other)) if value == other => {}
            Some((_, other)) if rows::is_row(value) && rows::is_row(other) => {
                let evidence = Evidence {
                    is_foreign: operation == "no_operation",
                    uses: placeholders(label),
                    ..Evidence::default()
                };
                rows::compare(operation, value, other, &evidence, &mut Found::new(label, found.all));
            }
            Some((_, other)) => {
                let (value, other) = (one_space(value), one_space(other));
                found.compare(row(label), Change::Value, &value, &other, &Evidence::default());
            }
            None if has_ended => missing = missing.or_else(|| Some(label.clone())),
            None => {
                found.add_with(row(label), Change::Removed, &one_space(value), "gone", Evidence::default());
            }
        }
    }
    for (label, value) in added {
        found.add_with(row(label), Change::Added, "not here", &one_space(value), Evidence::default());
    }
    let plain = |lines: &[&str]| {
        let plain = lines.iter().filter(|line| label(line).is_none());
        plain.map(|line| format!("`{line}`")).collect::<Vec<_>>()
    };
    let (old, new) = (plain(was), plain(&is));
    for index in 0..old.len().max(new.len()) {
        let line = |lines: &[String]| lines.get(index).cloned().unwrap_or_default();
        present(Location::Line, &line(&old), &line(&new), &Evidence::default(), found);
    }
    missing
}

fn one_space(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{ENDED, describe_changes, differences};
    use proptest::collection::vec;
    use proptest::sample::select;
    use proptest::{prop_assert, prop_assert_eq, proptest, strategy::Strategy};

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
    fn other_items_of_a_list_are_a_change() {
        let page = |ids: &[u8]| {
            let items: Vec<String> = ids.iter().map(|id| format!(r#"{{"id":"<id:{id}>"}}"#)).collect();
            format!(r#"{{"total":9,"data":[{}]}}"#, items.join(","))
        };
        assert_eq!(bodies(&page(&[1, 2]), &page(&[1, 3])), ["Found: `data`: was (<id:2>), is (<id:3>)"]);
        assert_eq!(bodies(&page(&[1, 2]), &page(&[3, 1])), ["Found: `data`: was (<id:2>), is (<id:3>)"]);
        assert_eq!(bodies(&page(&[1, 2]), &page(&[1])), ["Found: `data`: had 2 items, has 1 item"]);
        let words =
            ["Found: `data`: had 2 items, has 3 items", "Found: `data`: was (<id:2>), is (<id:3>, <id:4>)"];
        assert_eq!(bodies(&page(&[1, 2]), &page(&[1, 3, 4])), words);
    }

    #[test]
    fn rows_and_steps_with_the_same_name_are_compared_in_order() {
        assert_eq!(describe_changes("a  1\na  2\n", "a  1\na  3\n"), ["`a`: was 2, is 3"]);
        assert_eq!(describe_changes("a  1\na  2\n", "a  1\n"), ["`a`: was 2, is gone"]);
        assert_eq!(describe_changes("a  1\n", "a  1\na  1\n"), ["`a`: was not here, is 1"]);
        let steps = |second: &str| format!("# A\ndecoded as a\n# A\ndecoded as {second}\n");
        let words = describe_changes(&steps("b"), &steps("c"));
        assert_eq!(words, ["A: line: was `decoded as b`, is `decoded as c`"]);
    }

    #[test]
    fn bodies_other_than_json_are_compared_to_their_ends() {
        let words = ["Found: body: was `…a`, is `…b`"];
        assert_eq!(bodies("<p>\n<i>a", "<p>\n<i>b"), words);
        let long = "x".repeat(500);
        assert_eq!(bodies(&format!("{long}a"), &format!("{long}b")), words);
        assert_eq!(bodies("<p>\n<i>", "<p>"), ["Found: body: was `<i>`, is absent"]);
    }

    #[test]
    fn a_difference_outside_of_all_known_parts_is_a_change() {
        let shape = |lines: &str| format!("# 200\nbody  object\nid  always  id\n{lines}");
        assert_eq!(describe_changes(&shape("day  never\n"), &shape("")), Vec::<String>::new());
        let words = ["line: was absent, is `and more`"];
        assert_eq!(describe_changes(&shape("day  never\n"), &shape("and more\n")), words);
        let reason = describe_changes("HTTP/1.1 200 OK\n", "HTTP/1.1 200 Fine\n");
        assert_eq!(reason, ["line: was `HTTP/1.1 200 OK`, is `HTTP/1.1 200 Fine`"]);
        assert_eq!(describe_changes("a\nb", "a\n\nb"), ["line: was `b`, is ``"]);
        assert_eq!(describe_changes("", "# "), ["line: was ``, is `#`"]);
    }

    /// Parts of snapshots, of which the properties make others.
    const PARTS: [&str; 43] = [
        "# ",
        "A",
        "200",
        "\n",
        "\n",
        "\n\n",
        "  ",
        " ",
        "GET /x HTTP/1.1",
        "POST /v1/sessions HTTP/1.1",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 404",
        "allow: GET",
        "content-type: ",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"id\"",
        "\"data\"",
        "\"total\"",
        "\"open_time\"",
        "<id:1>",
        "\"<id:2>\"",
        "<t1>",
        "null",
        "1",
        "\u{fc}",
        "200 total 2: ",
        "total ",
        "sessions, ",
        " to ",
        "<id:99999999999>",
        "18446744073709551615",
        "204",
        "user_name=",
        "decoded as ",
        "(not compact JSON)\n",
        "body  object",
        "data[].id  always  id",
        ENDED,
    ];

    fn parts() -> impl Strategy<Value = String> {
        vec(select(&PARTS[..]), 0..24).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn other_snapshots_have_a_difference(
            was in parts(),
            is in parts(),
            operation in select(vec!["", "get_sessions", "open_session", "delete_session_by_id"]),
        ) {
            let is_other = was.trim_end() != is.trim_end();
            prop_assert!(!differences(operation, &was, &is).is_empty() || !is_other);
        }

        #[test]
        fn a_snapshot_with_another_part_has_a_difference(start in parts(), was in parts(), is in parts(), end in parts()) {
            let (was, is) = (format!("{start}{was}{end}"), format!("{start}{is}{end}"));
            let is_other = was.trim_end() != is.trim_end();
            prop_assert!(!differences("get_sessions", &was, &is).is_empty() || !is_other);
        }

        #[test]
        fn a_snapshot_has_no_difference_from_itself(snapshot in parts()) {
            let snapshot = snapshot.replace(ENDED, "");
            prop_assert_eq!(differences("get_sessions", &snapshot, &snapshot), Vec::new());
        }
    }

    #[test]
    fn long_lines_that_differ_after_their_start_have_a_difference() {
        let line = |end: &str| format!("HTTP/1.1 200 OK {}{end} HTTP/1.1", "200 total 2: ".repeat(10));
        let words = describe_changes(&line("GET /x"), &line("  GET /x"));
        assert_eq!(words, ["line: was `…GET /x HTTP/1.1`, is `…  GET /x HTTP/1.1`"]);
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
