//! Decodes responses with the typed client, with one difference at a time.

use super::difference::Reading;
use bytes::Bytes;
use chrono::DateTime;
use contract_tests::Value;
use contract_tests::{MILLISECONDS_FORM, SECONDS_FORM};
use http::StatusCode;
use pip_services::timestamp;
use serde::Serialize;
use sessions_client::sessions_v1::{
    CloseExpiredSessions, CloseSession, DeleteSessionById, GetSessionById, GetSessions, OpenSession,
    StoreSessionData, UpdateSessionUser,
};
use sessions_client::{DataPage, Error, ErrorKind, ListedSession, Response, SessionV1};

/// The form in which the contract writes times.
pub(super) const TIME_FORM: &str = "9999-99-99T99:99:99.999Z";

/// A key in an object, or an index in a list.
#[derive(Clone, Debug)]
pub(super) enum Segment {
    /// A key.
    Key(String),
    /// An index.
    Index(usize),
}

/// A response as the contract states it, for the typed client of an operation.
pub(super) struct Reader<'r> {
    operation: &'r str,
    status: u16,
    body: Value,
    /// The result of decoding it.
    expected: Outcome,
}

/// The result of decoding: a value, an error of the service, or the message of an error of the client itself.
#[derive(PartialEq)]
enum Outcome {
    Value(Value),
    Error(String),
    Failed(String),
}

impl<'r> Reader<'r> {
    /// Creates a reader of responses of `operation`; `None` if the contract has no such operation or the client cannot
    /// read what the contract states.
    pub(super) fn new(operation: &'r str, status: u16, body: &Value) -> Option<Self> {
        let body = sample(body);
        let expected = read(operation, status, body.to_string().into())?;
        let is_readable = !matches!(expected, Outcome::Failed(_));
        is_readable.then_some(Self { operation, status, body, expected })
    }

    /// Returns what the client reads if the value at `path` is `value`, or is absent.
    pub(super) fn with(&self, path: &[Segment], value: Option<&Value>) -> Reading {
        let mut body = self.body.clone();
        let value = value.map(sample);
        match set(&mut body, path, value) {
            Some(()) => self.compare(self.status, body.to_string().into()),
            None => Reading::Unknown,
        }
    }

    /// Returns what the client reads in the same body with another status.
    pub(super) fn with_status(&self, status: u16) -> Reading {
        self.compare(status, self.body.to_string().into())
    }

    /// Sets the status with which the client reads the responses that follow, if it reads the expected one alike.
    pub(super) fn set_status(&mut self, status: u16) {
        self.status = status;
    }

    /// Returns what the client reads in other bytes.
    pub(super) fn with_bytes(&self, body: impl Into<Bytes>) -> Reading {
        self.compare(self.status, body.into())
    }

    fn compare(&self, status: u16, body: Bytes) -> Reading {
        match read(self.operation, status, body) {
            Some(Outcome::Failed(message)) => Reading::Failed(message),
            Some(outcome) if outcome == self.expected => Reading::Same,
            Some(_) => Reading::Other,
            None => Reading::Unknown,
        }
    }
}

/// Sets or removes a value; `None` if its parent does not exist.
fn set(body: &mut Value, path: &[Segment], value: Option<Value>) -> Option<()> {
    let Some((last, parents)) = path.split_last() else {
        *body = value?;
        return Some(());
    };
    let mut parent = body;
    for segment in parents {
        parent = match (segment, parent) {
            (Segment::Key(key), Value::Object(object)) => object.get_mut(key)?,
            (Segment::Index(index), Value::Array(items)) => items.get_mut(*index)?,
            _ => return None,
        };
    }
    match (last, parent, value) {
        (Segment::Key(key), Value::Object(object), Some(value)) => drop(object.insert(key.clone(), value)),
        (Segment::Key(key), Value::Object(object), None) => drop(object.shift_remove(key)?),
        (Segment::Index(index), Value::Array(items), Some(value)) => *items.get_mut(*index)? = value,
        _ => return None,
    }
    Some(())
}

/// Returns a value with times in place of their placeholders.
pub(super) fn sample(value: &Value) -> Value {
    match value {
        Value::String(string) => sample_time(string).unwrap_or_else(|| value.clone()),
        Value::Array(items) => items.iter().map(sample).collect::<Vec<_>>().into(),
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), sample(value))).collect(),
        other => other.clone(),
    }
}

/// Returns a time if the string is the placeholder of one, such as `<t1>` or `<t1 as 9999-99-99>`.
fn sample_time(string: &str) -> Option<Value> {
    let name = string.strip_prefix("<t")?.strip_suffix('>')?;
    let (number, form) = name.split_once(" as ").unwrap_or((name, TIME_FORM));
    // The minutes distinguish the times.
    let minutes = number.parse::<u32>().ok()? % 60;
    let seconds = 978_307_200 + 60 * minutes;
    if form == SECONDS_FORM || form == MILLISECONDS_FORM {
        let number = f64::from(seconds) * if form == SECONDS_FORM { 1.0 } else { 1e3 };
        return serde_json::from_str(&number.to_string()).ok();
    }
    let written = |digits: &&str| {
        let digits = digits.replace("MM", &format!("{minutes:02}"));
        let mut digits = digits.chars();
        let digit = |c| if c == '9' { digits.next().unwrap_or('0') } else { c };
        let time: String = form.chars().map(digit).collect();
        let time = if time.starts_with("Xxx") { time.replacen("Xxx", "Mon", 1) } else { time };
        time.replace("Xxx", "Jan")
    };
    let time = DateTime::from_timestamp(i64::from(seconds), 0);
    let read = |digits: &&str| timestamp::parse(&written(digits));
    let digits = DIGITS.iter().find(|digits| read(digits) == time);
    // A form without all parts of a time is read as another one.
    let digits = digits.or_else(|| DIGITS.iter().find(|digits| read(digits).is_some()));
    Some(written(digits.unwrap_or(&DIGITS[0])).into())
}

/// The digits of minute `MM` of 2001-01-01, a Monday, in the order of each form. All further digits are zeros.
const DIGITS: [&str; 10] = [
    // Year, month and day; week and weekday; day of the year; a year with six digits.
    "2001010100MM",
    "200101100MM",
    "200100100MM",
    "002001010100MM",
    // Day and year.
    "01200100MM",
    "1200100MM",
    // The year at the end, also after an offset.
    "0100MM002001",
    "100MM002001",
    "0100MM0000002001",
    "100MM0000002001",
];

/// Decodes a response with the typed client; `None` if there is no such operation.
fn read(operation: &str, status: u16, body: Bytes) -> Option<Outcome> {
    let status = StatusCode::from_u16(status).ok()?;
    let mut response = Response::new(if status == StatusCode::NO_CONTENT { Bytes::new() } else { body });
    *response.status_mut() = status;
    Some(match operation {
        "get_sessions" => {
            let page = GetSessions::decode::<Value, Value>(response);
            outcome(page.map(|page: DataPage<SessionV1<Value, Value>>| {
                encoded(&DataPage::new(page.data.iter().map(ListedSession).collect(), page.total))
            }))
        }
        "get_session_by_id" => outcome(GetSessionById::decode::<Value, Value>(response).map(|v| encoded(&v))),
        "open_session" => outcome(OpenSession::<Value, Value>::decode(response).map(|v| encoded(&v))),
        "store_session_data" => {
            outcome(StoreSessionData::<Value>::decode::<Value>(response).map(|v| encoded(&v)))
        }
        "update_session_user" => {
            outcome(UpdateSessionUser::<Value>::decode::<Value>(response).map(|v| encoded(&v)))
        }
        "close_session" => outcome(CloseSession::decode::<Value, Value>(response).map(|v| encoded(&v))),
        "close_expired_sessions" => {
            outcome(CloseExpiredSessions::decode::<Value, Value>(response).map(|()| Value::Null))
        }
        "delete_session_by_id" => {
            outcome(DeleteSessionById::decode::<Value, Value>(response).map(|v| encoded(&v)))
        }
        _ => return None,
    })
}

fn encoded(value: &impl Serialize) -> Value {
    let json = serde_json::to_string(value).unwrap_or_default();
    serde_json::from_str(&json).unwrap_or_default()
}

fn outcome(result: Result<Value, Error>) -> Outcome {
    match result {
        Ok(value) => Outcome::Value(value),
        Err(error) => match error.service() {
            Some(service) => Outcome::Error(format!("{:?} {:?} {service:?}", error.kind(), error.status())),
            None if error.kind() == ErrorKind::Decode => Outcome::Failed(error.to_string()),
            None => Outcome::Error(error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, Segment};
    use crate::comparison::Reading;
    use crate::{Value, json};
    use sessions_client::sessions_v1;

    fn session() -> Value {
        json!({
            "id": "<id:1>", "user_id": "<user>", "user_name": null, "active": true, "open_time": "<t1>",
            "request_time": "<t2>", "address": "a", "client": null, "user": null, "data": {"k": [1]},
        })
    }

    fn with(key: &str, value: impl Into<Option<Value>>) -> Reading {
        let reader = Reader::new("open_session", 200, &session()).unwrap();
        reader.with(&[Segment::Key(key.to_owned())], value.into().as_ref())
    }

    #[test]
    fn the_client_decides_what_a_difference_means() {
        assert_eq!(with("x", Some(json!(1))), Reading::Same);
        assert_eq!(with("address", None), Reading::Other);
        assert_eq!(with("client", None), Reading::Same);
        assert_eq!(with("close_time", Some(Value::Null)), Reading::Same);
        assert_eq!(with("data", Some(json!({"k": [2]}))), Reading::Other);
        assert!(matches!(with("id", None), Reading::Failed(why) if why.contains("missing field `id`")));
        assert!(matches!(with("active", Some(json!("true"))), Reading::Failed(_)));
    }

    #[test]
    fn times_are_read_in_their_observed_form() {
        let form = |form: &str| with("open_time", Some(format!("<t1 as {form}>").into()));
        assert_eq!(form("9999-99-99T99:99:99Z"), Reading::Same);
        assert_eq!(form("9999-99-99T99:99:99.999999Z"), Reading::Same);
        assert_eq!(form("9999-99-99T99:99:99+99:99"), Reading::Same);
        assert_eq!(with("open_time", Some(json!("<t2>"))), Reading::Other);
        for other in [
            "9999-99-99 99:99:99.999+99",
            "9999-99-99T99:99:99,999Z",
            "9999-99-99T99:99:99.999+99:99[Europe/Berlin]",
            "9999-99-99 99:99:99.999 UTC",
            "9999-99-99 99:99:99.999 +9999",
            "99999999T999999.999Z",
            "9999999T999999.999Z",
            "9999W999T999999.999Z",
            "9999-999T99:99:99.999Z",
            "9999-W99-9T99:99:99.999Z",
            "+999999-99-99T99:99:99.999Z",
            "9999-99-99T99:99:99.999\u{2212}99:99",
            "Xxx, 99 Xxx 9999 99:99:99 GMT",
            "Xxx, 9 Xxx 9999 99:99:99 +9999",
            "99 Xxx 9999 99:99 UT",
            "Xxx Xxx 99 9999 99:99:99 GMT+9999 (CET)",
            "9999-99-99 99:99:99.999999999 +9999 UTC",
            "9999-99-99 99:99:99.999 +9999 CEST m=+9.999999999",
            "Xxx Xxx 99 99:99:99 UTC 9999",
            "Xxx Xxx  9 99:99:99 UTC 9999",
            "Xxx Xxx 99 99:99:99 +9999 9999",
        ] {
            assert_eq!(form(other), Reading::Same, "{other}");
        }
        assert_eq!(form("9999-99-99"), Reading::Other);
        assert_eq!(form("Xxx Xxx 99 9999"), Reading::Other);
        assert_eq!(form("milliseconds since 1970"), Reading::Same);
        assert_eq!(form("seconds since 1970"), Reading::Other);
        assert!(matches!(form("99/99/9999"), Reading::Failed(_)));
    }

    #[test]
    fn statuses_and_errors_are_read() {
        let error = json!({"code": "X", "status": 400, "message": "m", "stack": "<stack>"});
        let reader = Reader::new("open_session", 400, &error).unwrap();
        let key = |key: &str| [Segment::Key(key.to_owned())];
        assert_eq!(reader.with(&key("code"), Some(&json!("Y"))), Reading::Other);
        assert_eq!(reader.with(&key("stack"), None), Reading::Same);
        assert_eq!(reader.with_status(422), Reading::Other);
        let reader = Reader::new("get_session_by_id", 200, &session()).unwrap();
        assert_eq!(reader.with_status(201), Reading::Same);
        assert_eq!(reader.with_status(204), Reading::Other);
    }

    #[test]
    fn every_operation_has_a_reader() {
        let page = json!({"total": null, "data": []});
        for route in sessions_v1::ROUTES {
            let body = match route.name {
                "get_sessions" => page.clone(),
                "close_expired_sessions" => Value::Null,
                _ => session(),
            };
            assert!(Reader::new(route.name, 200, &body).is_some(), "{}", route.name);
        }
    }
}
