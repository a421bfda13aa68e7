//! Names for what differs from run to run, so that everything else can be compared.
//!
//! * A session's id is `<id:1>`, the same wherever it returns, in requests too. An id that does not have the
//!   form that the contract gives it shows its shape beside the name.
//! * Times are named session by session, `<t:1>`, `<t:2>` and so on, in the order in which the session moved
//!   on. Equal times have one name, which shows what a call left alone. The times that one answer shows for the
//!   first time are one moment and have one name too: the service reads its clock twice when it closes a
//!   session, and whether a millisecond passes in between is nobody's business. A second is: times further
//!   apart are two moments. A time that went backwards says so.
//! * A stack trace is `<stack>`, and what a JSON parser says of bad JSON `<reason>`: both are the server's own.
//! * Texts of the run, such as its user id, get the name that they are given.
//!
//! Two changes must not fall on one tick of the clock, or the second would look as if nothing had moved: who
//! drives a service waits until the service's clock is past [`Normalizer::latest`].
//!
//! Replacing by regular expressions was refused: an expression cannot tell whether a time is the same as
//! before, and that is what the contract says about times.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

/// Times of one answer that are further apart than this are two moments.
const ONE_MOMENT: TimeDelta = TimeDelta::seconds(1);

/// The names given so far.
#[derive(Debug, Default)]
pub struct Normalizer {
    names: Vec<(String, String)>,
    sessions: Vec<Session>,
}

#[derive(Debug)]
struct Session {
    id: String,
    /// The times of each moment of its life, in the order in which they were first seen.
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
        self.names.push((text.into(), name.into()));
    }

    /// The latest time that any session has shown.
    #[must_use]
    pub fn latest(&self) -> Option<DateTime<Utc>> {
        self.sessions.iter().flat_map(|session| session.moments.iter().flatten()).max().copied()
    }

    /// A text, such as a request, with the names for what is known already.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (known, name)| text.replace(known, name))
    }

    /// The body of an answer, with names for what is known and for what it brings.
    pub fn json(&mut self, mut body: Value) -> Value {
        self.visit(&mut body);
        body
    }

    fn visit(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => {
                *text = match text.strip_prefix("Invalid JSON: ") {
                    Some(_) => "Invalid JSON: <reason>".to_owned(),
                    None => self.text(text),
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.visit(item)),
            Value::Object(object) => {
                if object.contains_key("open_time") {
                    self.session(object);
                }
                if object.contains_key("code")
                    && let Some(Value::String(stack)) = object.get_mut("stack")
                {
                    "<stack>".clone_into(stack);
                }
                object.values_mut().for_each(|value| self.visit(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn session(&mut self, object: &mut Map<String, Value>) {
        let Some(id) = object.get("id").and_then(Value::as_str) else { return };
        let number = self.sessions.iter().position(|session| session.id == id).unwrap_or_else(|| {
            let number = self.sessions.len();
            let odd = if is_id(id) { String::new() } else { format!(" as {}", shape(id)) };
            self.names.push((id.to_owned(), format!("<id:{}{odd}>", number + 1)));
            self.sessions.push(Session { id: id.to_owned(), moments: Vec::new() });
            number
        });
        let session = &mut self.sessions[number];
        let known = session.moments.len();
        for (_, value) in object.iter_mut().filter(|(key, _)| key.ends_with("_time")) {
            if let Value::String(text) = value
                && let Some(time) = parse(text)
            {
                let odd = if written(time) == *text { String::new() } else { format!(" as {}", shape(text)) };
                *text = format!("<{}{odd}>", session.moment(time, known));
            }
        }
    }
}

impl Session {
    /// The name of `time`; moments from `known` on are those of the answer that is being read.
    fn moment(&mut self, time: DateTime<Utc>, known: usize) -> String {
        if let Some(number) = self.moments.iter().position(|times| times.contains(&time)) {
            return format!("t:{}", number + 1);
        }
        let near = |times: &Vec<DateTime<Utc>>| times.iter().all(|other| (time - other).abs() <= ONE_MOMENT);
        if let Some(number) = (known..self.moments.len()).find(|&number| near(&self.moments[number])) {
            self.moments[number].push(time);
            return format!("t:{}", number + 1);
        }
        let number = self.moments.len() + 1;
        let went_back = self.moments.iter().flatten().any(|earlier| *earlier > time);
        self.moments.push(vec![time]);
        format!("t:{number}{}", if went_back { " but earlier" } else { "" })
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
        assert_eq!(names.json(session(ID, "09.645", "09.645", None)), named("<t:1>", "<t:1>", None));
        assert_eq!(names.json(session(ID, "09.645", "09.723", None)), named("<t:1>", "<t:2>", None));
        assert_eq!(names.json(session(ID, "09.645", "09.723", None)), named("<t:1>", "<t:2>", None));
    }

    #[test]
    fn two_readings_of_the_clock_in_one_answer_are_one_moment() {
        for close in ["09.738", "09.739"] {
            let mut names = Normalizer::new();
            names.json(session(ID, "09.645", "09.645", None));
            let closed = session(ID, "09.645", "09.738", Some(close));
            assert_eq!(names.json(closed), named("<t:1>", "<t:2>", Some("<t:2>")));
            let changed = session(ID, "09.645", "09.801", Some(close));
            assert_eq!(names.json(changed), named("<t:1>", "<t:3>", Some("<t:2>")));
        }
    }

    #[test]
    fn times_far_apart_in_one_answer_are_two_moments() {
        let mut names = Normalizer::new();
        let answer = names.json(session(ID, "09.645", "12.645", None));
        assert_eq!(answer, named("<t:1>", "<t:2>", None));
    }

    #[test]
    fn a_clock_that_goes_back_is_seen() {
        let mut names = Normalizer::new();
        names.json(session(ID, "09.645", "09.645", None));
        let answer = names.json(session(ID, "09.645", "08.000", None));
        assert_eq!(answer, named("<t:1>", "<t:2 but earlier>", None));
    }

    #[test]
    fn a_time_of_another_form_shows_its_shape() {
        let mut names = Normalizer::new();
        let time = |text: &str, names: &mut Normalizer| {
            names.json(json!({"id": ID, "open_time": text}))["open_time"].clone()
        };
        assert_eq!(time("2026-11-23T02:11:09.6Z", &mut names), "<t:1 as 9999-99-99T99:99:99.9Z>");
        assert_eq!(time("2026-11-23T02:11:09.600123", &mut names), "<t:2 as 9999-99-99T99:99:99.999999>");
        assert_eq!(time("yesterday", &mut names), "yesterday");
    }

    #[test]
    fn each_session_has_a_life_of_its_own() {
        let mut names = Normalizer::new();
        names.json(session(ID, "09.000", "09.000", None));
        names.json(session(ID, "09.000", "10.000", None));
        let other = names.json(session(OTHER, "10.000", "10.000", None));
        assert_eq!(other["open_time"], "<t:1>");
        assert_eq!(names.latest().map(super::written).as_deref(), Some("2026-11-23T02:11:10.000Z"));
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
