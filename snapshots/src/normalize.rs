//! Names for what differs from run to run, so that everything else can be compared.
//!
//! * A session's id is `<id:1>`, the same wherever it returns, in requests too. An id that does not have the
//!   form that the contract gives it shows its shape beside the name.
//! * Times are numbered as they follow each other: `<t1>` is before `<t2>`, and equal times have one name, in
//!   whatever session they stand. A closing alone has one name for two times that may differ, by [`TWO_READINGS`]:
//!   the service reads its clock twice there. Everywhere else a millisecond makes another name.
//! * A stack trace is `<stack>`, and what a JSON parser says of bad JSON `<reason>`: both are the server's own.
//! * Texts of the run, such as its user id, and values too large for a page get the name that they are given.
//!
//! A time that is learned later can come before one that has a name already. So who wants to compare what was
//! shown at different times first [learns](Normalizer::learn) every answer, and then shows them.
//!
//! Two changes must not fall on one tick of the clock, or the second would look as if nothing had moved: who
//! drives a service waits until the service's clock is past [`Normalizer::latest`].
//!
//! Replacing by regular expressions was refused: an expression cannot tell a session's times from a time that
//! somebody keeps in it, nor whether one comes before another.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

/// How much later than `request_time` the `close_time` of one closing may be.
///
/// The service reads its clock for both in one expression, `request_time` first. A tick may fall between the two, and a
/// busy machine may take the process off its core there, for a slice of a few milliseconds.
const TWO_READINGS: TimeDelta = TimeDelta::milliseconds(5);

/// The names given so far.
#[derive(Clone, Debug, Default)]
pub struct Normalizer {
    texts: Vec<(String, String)>,
    values: Vec<(Value, String)>,
    ids: Vec<String>,
    /// The times of each moment, the earliest first.
    moments: Vec<Vec<DateTime<Utc>>>,
}

impl Normalizer {
    /// No names yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows `text` as `name` from now on, wherever it stands.
    pub fn name(&mut self, text: impl Into<String>, name: impl Into<String>) {
        self.texts.push((text.into(), name.into()));
    }

    /// Shows a JSON value as the text `name` from now on, wherever it stands.
    pub fn name_value(&mut self, value: Value, name: impl Into<String>) {
        self.values.push((value, name.into()));
    }

    /// The latest time that any session has shown.
    #[must_use]
    pub fn latest(&self) -> Option<DateTime<Utc>> {
        self.moments.last()?.last().copied()
    }

    /// The session that is `<id:number>`.
    #[must_use]
    pub fn id(&self, number: usize) -> Option<&str> {
        self.ids.get(number.checked_sub(1)?).map(String::as_str)
    }

    /// The time that is `<tnumber>` as things stand, as the service writes it.
    #[must_use]
    pub fn time(&self, number: usize) -> Option<String> {
        self.moments.get(number.checked_sub(1)?)?.first().copied().map(written)
    }

    /// A text, such as a request, with the names for what is known already.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let named = self.texts.iter().fold(text.to_owned(), |text, (known, name)| text.replace(known, name));
        if !named.contains('T') {
            return named;
        }
        let times = self.moments.iter().zip(1..);
        let times = times.flat_map(|(times, number)| times.iter().map(move |time| (time, number)));
        times.fold(named, |text, (time, number)| text.replace(&written(*time), &format!("<t{number}>")))
    }

    /// JSON, such as the body of a request, with the names for what is known already.
    #[must_use]
    pub fn shown(&self, mut json: Value) -> Value {
        self.visit(&mut json);
        json
    }

    /// Gives names to what the body of an answer brings.
    pub fn learn(&mut self, body: &Value) {
        match body {
            Value::Object(session) if session.contains_key("open_time") => self.learn_session(session),
            Value::Object(page) => {
                let items = page.get("data").and_then(Value::as_array).into_iter().flatten();
                for session in
                    items.filter_map(Value::as_object).filter(|item| item.contains_key("open_time"))
                {
                    self.learn_session(session);
                }
            }
            _ => {}
        }
    }

    /// The body of an answer, with names for what is known and for what it brings.
    pub fn json(&mut self, body: Value) -> Value {
        self.learn(&body);
        self.answer(body)
    }

    /// The body of an answer that was learned.
    pub(crate) fn answer(&self, mut body: Value) -> Value {
        match &mut body {
            Value::Object(session) if session.contains_key("open_time") => self.name_times(session),
            Value::Object(object) => {
                if let Some(Value::Array(items)) = object.get_mut("data") {
                    let sessions = items.iter_mut().filter_map(Value::as_object_mut);
                    sessions
                        .filter(|item| item.contains_key("open_time"))
                        .for_each(|session| self.name_times(session));
                }
                if object.contains_key("code") {
                    name_error(object);
                }
            }
            _ => {}
        }
        self.visit(&mut body);
        body
    }

    fn visit(&self, value: &mut Value) {
        if let Some((_, name)) = self.values.iter().find(|(known, _)| known == value) {
            *value = Value::String(name.clone());
            return;
        }
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.visit(item)),
            Value::Object(object) => object.values_mut().for_each(|value| self.visit(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn learn_session(&mut self, session: &Map<String, Value>) {
        let Some(id) = session.get("id").and_then(Value::as_str) else { return };
        if !self.ids.iter().any(|known| known == id) {
            self.ids.push(id.to_owned());
            let odd = if is_id(id) { String::new() } else { format!(" as {}", shape(id)) };
            self.texts.push((id.to_owned(), format!("<id:{}{odd}>", self.ids.len())));
        }
        let time = |key: &str| session.get(key).and_then(Value::as_str).and_then(parse);
        if let (Some(requested), Some(closed)) = (time("request_time"), time("close_time"))
            && self.moment(requested).is_none()
            && self.moment(closed).is_none()
            && (TimeDelta::zero()..=TWO_READINGS).contains(&(closed - requested))
        {
            self.moments.push(vec![requested, closed]);
        }
        for time in session.keys().filter(|key| key.ends_with("_time")).filter_map(|key| time(key)) {
            if self.moment(time).is_none() {
                self.moments.push(vec![time]);
            }
        }
        self.moments.sort();
    }

    fn moment(&self, time: DateTime<Utc>) -> Option<usize> {
        self.moments.iter().position(|times| times.contains(&time))
    }

    fn name_times(&self, session: &mut Map<String, Value>) {
        for (_, value) in session.iter_mut().filter(|(key, _)| key.ends_with("_time")) {
            if let Value::String(text) = value
                && let Some(time) = parse(text)
                && let Some(number) = self.moment(time)
            {
                let odd = if written(time) == *text { String::new() } else { format!(" as {}", shape(text)) };
                *text = format!("<t{}{odd}>", number + 1);
            }
        }
    }
}

fn name_error(error: &mut Map<String, Value>) {
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

/// Any form that a sessions service may write.
fn parse(text: &str) -> Option<DateTime<Utc>> {
    let zoned = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).ok();
    zoned.or_else(|| {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc()).ok()
    })
}

/// The one form that the contract knows.
fn written(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// What stays when the content goes: `9` for a digit and `a` for a letter that may be a digit of sixteen.
fn shape(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '0'..='9' => '9',
            'a'..='f' => 'a',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Normalizer;
    use serde_json::{Value, json};

    const ID: &str = "043edeab77784051ba340bbce8aafd08";
    const OTHER: &str = "f5bd7a622bce4e0f9a38335e6cdf1e82";

    /// A session with its times given by their seconds.
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
    fn an_id_has_one_name_wherever_it_returns() {
        let mut names = Normalizer::new();
        names.json(session(OTHER, "09.000", "09.000", None));
        names.json(session(ID, "09.000", "09.000", None));
        assert_eq!(names.text(&format!(r#"{{"session_id":"{ID}"}}"#)), r#"{"session_id":"<id:2>"}"#);
        assert_eq!(names.json(json!({"data": {"seen": OTHER}})), json!({"data": {"seen": "<id:1>"}}));
    }

    #[test]
    fn an_id_of_another_form_shows_its_shape() {
        let mut names = Normalizer::new();
        let id = names.json(session("5F-12ab", "09.000", "09.000", None))["id"].clone();
        assert_eq!(id, "<id:1 as 9F-99aa>");
    }

    #[test]
    fn a_time_that_a_call_left_alone_keeps_its_name() {
        let mut names = Normalizer::new();
        assert_eq!(names.json(session(ID, "09.645", "09.645", None)), named("<t1>", "<t1>", None));
        assert_eq!(names.json(session(ID, "09.645", "09.723", None)), named("<t1>", "<t2>", None));
        assert_eq!(names.json(session(ID, "09.645", "09.723", None)), named("<t1>", "<t2>", None));
    }

    #[test]
    fn two_readings_of_the_clock_in_one_closing_are_one_moment() {
        for close in ["09.738", "09.739", "09.743"] {
            let mut names = Normalizer::new();
            names.json(session(ID, "09.645", "09.645", None));
            let closed = session(ID, "09.645", "09.738", Some(close));
            assert_eq!(names.json(closed), named("<t1>", "<t2>", Some("<t2>")));
            let changed = session(ID, "09.645", "09.801", Some(close));
            assert_eq!(names.json(changed), named("<t1>", "<t3>", Some("<t2>")));
        }
    }

    #[test]
    fn a_closing_whose_times_are_further_apart_or_in_another_order_shows_two_moments() {
        for (request, close, shown) in
            [("09.738", "09.744", ("<t2>", "<t3>")), ("09.739", "09.738", ("<t3>", "<t2>"))]
        {
            let mut names = Normalizer::new();
            names.json(session(ID, "09.645", "09.645", None));
            let closed = session(ID, "09.645", request, Some(close));
            assert_eq!(names.json(closed), named("<t1>", shown.0, Some(shown.1)));
        }
    }

    #[test]
    fn an_opening_whose_times_differ_by_a_millisecond_shows_two_moments() {
        let mut names = Normalizer::new();
        let opened = session(ID, "09.645", "09.646", None);
        assert_eq!(names.json(opened), named("<t1>", "<t2>", None));
    }

    #[test]
    fn times_are_numbered_as_they_follow_each_other() {
        let mut names = Normalizer::new();
        let (late, early) = (session(ID, "09.645", "12.000", None), session(OTHER, "08.000", "11.000", None));
        names.learn(&late);
        names.learn(&early);
        assert_eq!(names.json(late), named("<t2>", "<t4>", None));
        assert_eq!(names.json(early)["request_time"], "<t3>");
        assert_eq!(names.time(3).as_deref(), Some("2026-11-23T02:11:11.000Z"));
    }

    #[test]
    fn equal_times_have_one_name_in_whatever_session_they_stand() {
        let mut names = Normalizer::new();
        names.json(session(ID, "09.000", "12.000", None));
        let other = names.json(session(OTHER, "12.000", "12.000", None));
        assert_eq!(other["open_time"], "<t2>");
        assert_eq!(names.latest().map(super::written).as_deref(), Some("2026-11-23T02:11:12.000Z"));
    }

    #[test]
    fn times_and_ids_that_somebody_keeps_in_a_session_are_left_alone() {
        let mut names = Normalizer::new();
        let mut kept = session(ID, "09.000", "09.000", None);
        kept["data"] = json!({"id": OTHER, "open_time": "2001-01-01T00:00:00.000Z", "code": 1, "stack": "s"});
        let shown = names.json(kept.clone());
        assert_eq!(shown["data"], kept["data"]);
    }

    #[test]
    fn a_time_that_a_request_sends_back_has_its_name() {
        let mut names = Normalizer::new();
        names.json(session(ID, "09.000", "12.000", None));
        assert_eq!(names.text(r#"{"from_time":"2026-11-23T02:11:12.000Z"}"#), r#"{"from_time":"<t2>"}"#);
    }

    #[test]
    fn a_value_that_has_a_name_is_shown_by_it() {
        let mut names = Normalizer::new();
        names.name_value(json!([1, [2]]), "<nested>");
        assert_eq!(names.json(json!({"data": [1, [2]]})), json!({"data": "<nested>"}));
    }

    #[test]
    fn a_time_of_another_form_shows_its_shape() {
        let mut names = Normalizer::new();
        let time = |text: &str, names: &mut Normalizer| {
            names.json(json!({"id": ID, "open_time": text}))["open_time"].clone()
        };
        assert_eq!(time("2026-11-23T02:11:09.6Z", &mut names), "<t1 as 9999-99-99T99:99:99.9Z>");
        assert_eq!(time("2026-11-23T02:11:09.600123", &mut names), "<t2 as 9999-99-99T99:99:99.999999>");
        assert_eq!(time("yesterday", &mut names), "yesterday");
    }

    #[test]
    fn what_belongs_to_the_machine_of_the_server_is_replaced() {
        let mut names = Normalizer::new();
        names.name("user-4711", "<user>");
        let error =
            json!({"code": "X", "message": "Invalid JSON: Unexpected end", "stack": "at /srv/a.js:1"});
        let shown = json!({"code": "X", "message": "Invalid JSON: <reason>", "stack": "<stack>"});
        assert_eq!(names.json(error), shown);
        let kept = json!({"data": {"stack": "of user-4711"}});
        assert_eq!(names.json(kept), json!({"data": {"stack": "of <user>"}}));
    }
}
