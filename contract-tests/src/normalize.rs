//! Replaces the values that differ between runs by placeholders, so that everything else can be compared.
//!
//! * An id that the service assigns is `<id:1>` wherever it occurs, in requests too. An id that does not have the form
//!   of the contract shows its form after the placeholder.
//! * Times are numbered in chronological order: `<t1>` is before `<t2>`, and equal times share a placeholder,
//!   even in different entities. The only exception is an operation that reads the clock twice: its two times
//!   may differ by [`TWO_READINGS`]
//!   and share a placeholder. Everywhere else, times a millisecond
//!   apart are distinct.
//! * A stack trace is `<stack>`, and the reason in an error about invalid JSON is `<reason>`: both depend on
//!   the server.
//! * Strings of the run, such as its user id, and values too large for a snapshot have named placeholders.
//!
//! A time that is learned later may precede one that has a number already. To compare responses of different
//! moments, first [learn](Normalizer::learn) all of them, then render.
//!
//! Two changes in the same tick of the clock would look as if the second had left the time unchanged. The
//! code that makes the changes must wait until the clock of the service is past [`Normalizer::latest`].
//!
//! Rejected alternative: regular expressions, because they cannot distinguish the times of an entity from
//! times in its payload, nor order them.

use crate::objects::{Entity, ObjectKind, parse_epoch, parse_time};
use crate::value::{Map, Value};
use chrono::{DateTime, TimeDelta, Utc};
use percent_encoding::percent_decode_str;

/// The characters between the values in a target.
const DELIMITERS: [char; 4] = ['/', '?', '&', '='];

/// Maximum difference between the [two times](Entity::two_readings) of one operation.
///
/// The service reads its clock for both in one expression. A tick may fall between the
/// two, and a busy machine may take the process off its core there, for a slice of a few milliseconds.
const TWO_READINGS: TimeDelta = TimeDelta::milliseconds(5);

/// The placeholders assigned so far.
#[derive(Clone, Debug)]
pub struct Normalizer {
    entity: &'static Entity,
    texts: Vec<(String, String)>,
    values: Vec<(Value, String)>,
    ids: Vec<String>,
    /// The times of each moment, the earliest first.
    moments: Vec<Vec<DateTime<Utc>>>,
}

impl Normalizer {
    /// Creates a normalizer without placeholders, for responses with these entities.
    #[must_use]
    pub fn new(entity: &'static Entity) -> Self {
        Self { entity, texts: Vec::new(), values: Vec::new(), ids: Vec::new(), moments: Vec::new() }
    }

    pub(crate) fn entity(&self) -> &'static Entity {
        self.entity
    }

    /// Replaces `text` by `name` from now on, wherever it occurs.
    pub fn name(&mut self, text: impl Into<String>, name: impl Into<String>) {
        self.texts.push((text.into(), name.into()));
    }

    /// Replaces a JSON value by the string `name` from now on, wherever it occurs.
    pub fn name_value(&mut self, value: Value, name: impl Into<String>) {
        self.values.push((value, name.into()));
    }

    /// Returns the latest time of any entity.
    #[must_use]
    pub fn latest(&self) -> Option<DateTime<Utc>> {
        self.moments.last()?.last().copied()
    }

    /// Returns the id of the entity `<id:number>`.
    #[must_use]
    pub fn id(&self, number: usize) -> Option<&str> {
        self.ids.get(number.checked_sub(1)?).map(String::as_str)
    }

    /// Returns the time that is currently `<tnumber>`, in the format of the service.
    #[must_use]
    pub fn time(&self, number: usize) -> Option<String> {
        self.moments.get(number.checked_sub(1)?)?.first().copied().map(written)
    }

    /// Returns `text`, such as a URI, with placeholders for all known values.
    #[must_use]
    pub fn normalize(&self, text: &str) -> String {
        let named = self.texts.iter().fold(text.to_owned(), |text, (known, name)| text.replace(known, name));
        if !named.contains('T') {
            return named;
        }
        let times = self.moments.iter().zip(1..);
        let times = times.flat_map(|(times, number)| times.iter().map(move |time| (time, number)));
        times.fold(named, |text, (time, number)| text.replace(&written(*time), &format!("<t{number}>")))
    }

    /// Returns a target with placeholders for all known values, which may be percent-encoded in it.
    #[must_use]
    pub fn target(&self, target: &str) -> String {
        let part = |part: &str| {
            let end = part.find(DELIMITERS).unwrap_or(part.len());
            let (value, delimiter) = part.split_at(end);
            let decoded = percent_decode_str(value).decode_utf8_lossy();
            let named = self.normalize(&decoded);
            if named == decoded { part.to_owned() } else { named + delimiter }
        };
        target.split_inclusive(DELIMITERS).map(part).collect()
    }

    /// Returns the JSON body of a request with placeholders for all known values.
    #[must_use]
    pub fn request_body(&self, mut json: Value) -> Value {
        self.visit(&mut json);
        json
    }

    /// Assigns placeholders to the ids and times in the body of a response.
    pub fn learn(&mut self, body: &Value) {
        for entity in self.entity.all_in(body) {
            self.learn_entity(entity);
        }
    }

    /// Learns the body of a response and returns it with placeholders.
    pub fn learn_and_normalize(&mut self, body: Value) -> Value {
        self.learn(&body);
        self.response_body(body)
    }

    /// Returns the body of a learned response with placeholders.
    pub(crate) fn response_body(&self, mut body: Value) -> Value {
        self.entity.visit_objects(&mut body, &mut |kind, object| match kind {
            ObjectKind::Entity => self.name_times(object),
            _ => name_error(object),
        });
        self.visit(&mut body);
        body
    }

    fn visit(&self, value: &mut Value) {
        if let Some((_, name)) = self.values.iter().find(|(known, _)| known == value) {
            *value = Value::String(name.clone());
            return;
        }
        match value {
            Value::String(text) => *text = self.normalize(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.visit(item)),
            Value::Object(object) => object.values_mut().for_each(|value| self.visit(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn learn_entity(&mut self, entity: &Map) {
        if self.entity.has_assigned_ids
            && let Some(id) = self.entity.id_of(entity)
            && !self.ids.iter().any(|known| known == id)
        {
            self.ids.push(id.to_owned());
            let odd = if is_id(id) { String::new() } else { format!(" as {}", form_of_id(id)) };
            self.texts.push((id.to_owned(), format!("<id:{}{odd}>", self.ids.len())));
        }
        let time = |key: &str| entity.get(key).and_then(time_of);
        if let Some((first, second)) = self.entity.two_readings
            && let (Some(requested), Some(closed)) = (time(first), time(second))
            && self.moment(requested).is_none()
            && self.moment(closed).is_none()
            && (TimeDelta::zero()..=TWO_READINGS).contains(&(closed - requested))
        {
            self.moments.push(vec![requested, closed]);
        }
        for time in entity.keys().filter(|key| self.entity.may_be_time(key)).filter_map(|key| time(key)) {
            if self.moment(time).is_none() {
                self.moments.push(vec![time]);
            }
        }
        self.moments.sort();
    }

    fn moment(&self, time: DateTime<Utc>) -> Option<usize> {
        self.moments.iter().position(|times| times.contains(&time))
    }

    fn name_times(&self, entity: &mut Map) {
        for (_, value) in entity.iter_mut().filter(|(key, _)| self.entity.may_be_time(key)) {
            let Some((time, number)) = time_of(value).and_then(|time| Some((time, self.moment(time)?)))
            else {
                continue;
            };
            let form = match value {
                Value::String(text) if *text == written(time) => String::new(),
                Value::String(text) => format!(" as {}", shape(text)),
                Value::Number(number) if number.as_f64().is_some_and(|number| number < SECONDS) => {
                    format!(" as {SECONDS_FORM}")
                }
                _ => format!(" as {MILLISECONDS_FORM}"),
            };
            *value = format!("<t{}{form}>", number + 1).into();
        }
    }
}

/// The form of a time as a number of seconds.
pub const SECONDS_FORM: &str = "seconds since 1970";

/// The form of a time as a number of milliseconds.
pub const MILLISECONDS_FORM: &str = "milliseconds since 1970";

/// Numbers below are seconds, all others milliseconds.
const SECONDS: f64 = 1e11;

fn name_error(error: &mut Map) {
    if let Some(Value::String(stack)) = error.get_mut("stack") {
        "<stack>".clone_into(stack);
    }
    if let Some(Value::String(message)) = error.get_mut("message")
        && message.starts_with("Invalid JSON: ")
    {
        "Invalid JSON: <reason>".clone_into(message);
    }
}

/// 32 lower-case hexadecimal digits.
fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns the time that a value of an entity states.
fn time_of(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::String(text) => parse_time(text),
        Value::Number(number) => parse_epoch(number.as_f64()?),
        _ => None,
    }
}

/// Describes the form of an id, which is the same for all ids of a service.
fn form_of_id(id: &str) -> String {
    let is_hex = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    let groups: Vec<&str> = id.split('-').collect();
    let lengths = groups.iter().map(|group| group.len().to_string()).collect::<Vec<_>>().join("-");
    if id.bytes().all(|byte| byte.is_ascii_digit()) {
        "a decimal number".to_owned()
    } else if groups.iter().all(|group| is_hex(group)) {
        let is_upper = id.bytes().any(|byte| byte.is_ascii_uppercase());
        format!("{lengths} {}hexadecimal digits", if is_upper { "upper-case " } else { "" })
    } else {
        format!("{} characters", id.chars().count())
    }
}

/// Formats a time as the contract requires.
fn written(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Replaces each digit by `9`, and the names of days and months by `Xxx`.
fn shape(text: &str) -> String {
    let digits = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect::<String>();
    // Those of time zones have no small letters.
    let is_name = |word: &str| {
        word.len() == 3
            && word.starts_with(|first: char| first.is_ascii_uppercase())
            && word[1..].chars().all(|letter| letter.is_ascii_lowercase())
    };
    let word = |word: &str| match word.trim_end_matches(',') {
        name if is_name(name) => word.replace(name, "Xxx"),
        _ => word.to_owned(),
    };
    digits.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::Normalizer;
    use crate::objects::SESSION;
    use crate::{Value, json};

    const ID: &str = "043edeab77784051ba340bbce8aafd08";
    const OTHER: &str = "f5bd7a622bce4e0f9a38335e6cdf1e82";

    /// A session whose times are given as seconds.
    fn session(id: &str, open: &str, request: &str, close: Option<&str>) -> Value {
        let time = |seconds: &str| format!("2026-11-23T02:11:{seconds}Z");
        let mut session = json!({"id": id, "open_time": time(open), "request_time": time(request)});
        if let Some(close) = close {
            session["close_time"] = time(close).into();
        }
        session
    }

    fn named(open: &str, request: &str, close: Option<&str>) -> Value {
        let mut session = json!({"id": "<id:1>", "open_time": open, "request_time": request});
        if let Some(close) = close {
            session["close_time"] = close.into();
        }
        session
    }

    #[test]
    fn an_id_has_the_same_placeholder_everywhere() {
        let mut names = Normalizer::new(&SESSION);
        names.learn_and_normalize(session(OTHER, "09.000", "09.000", None));
        names.learn_and_normalize(session(ID, "09.000", "09.000", None));
        assert_eq!(names.normalize(&format!(r#"{{"session_id":"{ID}"}}"#)), r#"{"session_id":"<id:2>"}"#);
        assert_eq!(
            names.learn_and_normalize(json!({"data": {"seen": OTHER}})),
            json!({"data": {"seen": "<id:1>"}})
        );
    }

    #[test]
    fn an_id_of_another_form_shows_its_shape() {
        let mut names = Normalizer::new(&SESSION);
        let id = names.learn_and_normalize(session("5F-12ab", "09.000", "09.000", None))["id"].clone();
        assert_eq!(id, "<id:1 as 2-4 upper-case hexadecimal digits>");
    }

    #[test]
    fn an_unchanged_time_keeps_its_placeholder() {
        let mut names = Normalizer::new(&SESSION);
        assert_eq!(
            names.learn_and_normalize(session(ID, "09.645", "09.645", None)),
            named("<t1>", "<t1>", None)
        );
        assert_eq!(
            names.learn_and_normalize(session(ID, "09.645", "09.723", None)),
            named("<t1>", "<t2>", None)
        );
        assert_eq!(
            names.learn_and_normalize(session(ID, "09.645", "09.723", None)),
            named("<t1>", "<t2>", None)
        );
    }

    #[test]
    fn the_two_clock_readings_of_a_close_share_a_placeholder() {
        for close in ["09.738", "09.739", "09.743"] {
            let mut names = Normalizer::new(&SESSION);
            names.learn_and_normalize(session(ID, "09.645", "09.645", None));
            let closed = session(ID, "09.645", "09.738", Some(close));
            assert_eq!(names.learn_and_normalize(closed), named("<t1>", "<t2>", Some("<t2>")));
            let changed = session(ID, "09.645", "09.801", Some(close));
            assert_eq!(names.learn_and_normalize(changed), named("<t1>", "<t3>", Some("<t2>")));
        }
    }

    #[test]
    fn a_close_with_distant_or_reversed_times_has_two_placeholders() {
        for (request, close, shown) in
            [("09.738", "09.744", ("<t2>", "<t3>")), ("09.739", "09.738", ("<t3>", "<t2>"))]
        {
            let mut names = Normalizer::new(&SESSION);
            names.learn_and_normalize(session(ID, "09.645", "09.645", None));
            let closed = session(ID, "09.645", request, Some(close));
            assert_eq!(names.learn_and_normalize(closed), named("<t1>", shown.0, Some(shown.1)));
        }
    }

    #[test]
    fn times_of_an_open_a_millisecond_apart_have_two_placeholders() {
        let mut names = Normalizer::new(&SESSION);
        let opened = session(ID, "09.645", "09.646", None);
        assert_eq!(names.learn_and_normalize(opened), named("<t1>", "<t2>", None));
    }

    #[test]
    fn times_are_numbered_chronologically() {
        let mut names = Normalizer::new(&SESSION);
        let (late, early) = (session(ID, "09.645", "12.000", None), session(OTHER, "08.000", "11.000", None));
        names.learn(&late);
        names.learn(&early);
        assert_eq!(names.learn_and_normalize(late), named("<t2>", "<t4>", None));
        assert_eq!(names.learn_and_normalize(early)["request_time"], "<t3>");
        assert_eq!(names.time(3).as_deref(), Some("2026-11-23T02:11:11.000Z"));
    }

    #[test]
    fn equal_times_of_different_sessions_share_a_placeholder() {
        let mut names = Normalizer::new(&SESSION);
        names.learn_and_normalize(session(ID, "09.000", "12.000", None));
        let other = names.learn_and_normalize(session(OTHER, "12.000", "12.000", None));
        assert_eq!(other["open_time"], "<t2>");
        assert_eq!(names.latest().map(super::written).as_deref(), Some("2026-11-23T02:11:12.000Z"));
    }

    #[test]
    fn times_and_ids_in_payloads_are_not_replaced() {
        let mut names = Normalizer::new(&SESSION);
        let mut kept = session(ID, "09.000", "09.000", None);
        kept["data"] = json!({"id": OTHER, "open_time": "2001-01-01T00:00:00.000Z", "code": 1, "stack": "s"});
        let shown = names.learn_and_normalize(kept.clone());
        assert_eq!(shown["data"], kept["data"]);
    }

    #[test]
    fn a_known_time_in_a_request_is_replaced() {
        let mut names = Normalizer::new(&SESSION);
        names.learn_and_normalize(session(ID, "09.000", "12.000", None));
        assert_eq!(names.normalize(r#"{"from_time":"2026-11-23T02:11:12.000Z"}"#), r#"{"from_time":"<t2>"}"#);
    }

    #[test]
    fn a_named_value_is_replaced_by_its_name() {
        let mut names = Normalizer::new(&SESSION);
        names.name_value(json!([1, [2]]), "<nested>");
        assert_eq!(names.learn_and_normalize(json!({"data": [1, [2]]})), json!({"data": "<nested>"}));
    }

    #[test]
    fn a_time_in_another_format_shows_its_shape() {
        let mut names = Normalizer::new(&SESSION);
        let time = |text: &str, names: &mut Normalizer| {
            names.learn_and_normalize(json!({"id": ID, "open_time": text}))["open_time"].clone()
        };
        assert_eq!(time("2026-11-23T02:11:09.6Z", &mut names), "<t1 as 9999-99-99T99:99:99.9Z>");
        assert_eq!(time("2026-11-23T02:11:09.600123", &mut names), "<t2 as 9999-99-99T99:99:99.999999>");
        assert_eq!(time("Mon Nov 23 02:11:10 UTC 2026", &mut names), "<t3 as Xxx Xxx 99 99:99:99 UTC 9999>");
        let go = time("2026-11-23 03:11:11.25 +0100 CET", &mut names);
        assert_eq!(go, "<t4 as 9999-99-99 99:99:99.99 +9999 CET>");
        assert_eq!(time("yesterday", &mut names), "yesterday");
    }

    #[test]
    fn stack_traces_and_parser_messages_are_replaced() {
        let mut names = Normalizer::new(&SESSION);
        names.name("user-4711", "<user>");
        let error =
            json!({"code": "X", "message": "Invalid JSON: Unexpected end", "stack": "at /srv/a.js:1"});
        let shown = json!({"code": "X", "message": "Invalid JSON: <reason>", "stack": "<stack>"});
        assert_eq!(names.learn_and_normalize(error), shown);
        let kept = json!({"data": {"stack": "of user-4711"}});
        assert_eq!(names.learn_and_normalize(kept), json!({"data": {"stack": "of <user>"}}));
    }
}
