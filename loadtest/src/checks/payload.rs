//! The payloads that the load test stores: owner, session, sequence number of the write, and filler up to the
//! requested size.
//!
//! The first three distinguish foreign, stale and damaged data. Only the sequence number differs between the
//! payloads of a session, so that everything else is serialized once, and a response that contains it
//! verbatim need not be parsed. This keeps the cost of a call low whatever the size of the payload. Other
//! JSON is parsed and compared.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use sessions_client::{RawValue, Value};
use std::borrow::Cow;

/// The shape of stored data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PayloadShape {
    /// One long string
    Text,
    /// Objects within objects, 32 deep
    Nested,
    /// One object with many short fields
    Wide,
}

/// The payload of `user`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UserPayload<'a> {
    #[serde(borrow)]
    pub(crate) owner: Cow<'a, str>,
    /// The number of the session within the run.
    pub(crate) session: u64,
    /// The number of earlier writes to the session.
    pub(crate) sequence: u64,
}

/// The payload of `data`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DataPayload<'a> {
    #[serde(borrow)]
    pub(crate) owner: Cow<'a, str>,
    /// The number of the session within the run.
    pub(crate) session: u64,
    /// The number of earlier writes to the session.
    pub(crate) sequence: u64,
    #[serde(borrow)]
    pub(crate) filler: &'a RawValue,
}

/// Parses a payload; `None` if it is damaged or of another application.
pub(crate) fn parse_payload<'a, T: Deserialize<'a>>(payload: &'a RawValue) -> Option<T> {
    serde_json::from_str(payload.get()).ok()
}

/// Wraps a string that contains JSON.
fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_default()
}

/// The owner and the session of payloads.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) owner: String,
    pub(crate) session: u64,
    /// The serialized payload up to the sequence number.
    prefix: String,
}

/// The serialized payload of `user` after the sequence number.
const END: &str = "}";

impl Label {
    pub(crate) fn new(owner: &str, session: u64) -> Self {
        let prefix = format!(r#"{{"owner":{},"session":{session},"sequence":"#, Value::from(owner));
        Self { owner: owner.to_owned(), session, prefix }
    }

    /// The serialized `user` with a sequence number.
    pub(crate) fn user(&self, sequence: u64) -> Box<RawValue> {
        raw(format!("{}{sequence}{END}", self.prefix))
    }

    /// The serialized `data` with a sequence number.
    pub(crate) fn data(&self, sequence: u64, filler: &Filler) -> Box<RawValue> {
        raw(format!("{}{sequence}{}", self.prefix, filler.end))
    }

    /// The sequence number of a `user` that is serialized like ours.
    pub(crate) fn sequence_of_user(&self, user: &RawValue) -> Option<u64> {
        self.sequence(user, END)
    }

    /// The sequence number of `data` that is serialized like ours.
    pub(crate) fn sequence_of_data(&self, data: &RawValue, filler: &Filler) -> Option<u64> {
        self.sequence(data, &filler.end)
    }

    fn sequence(&self, payload: &RawValue, end: &str) -> Option<u64> {
        payload.get().strip_prefix(&*self.prefix)?.strip_suffix(end)?.parse().ok()
    }
}

/// Filler up to the requested size of `data`.
#[derive(Debug)]
pub(crate) struct Filler {
    value: Value,
    /// The serialized `data` after the sequence number.
    end: String,
}

/// Includes characters beyond ASCII and characters that JSON escapes, which are most likely to be damaged.
const TEXT: &str = "Zwölf große Boxkämpfer, \"два\" слова\\и 42 € \t";

/// The depth of `nested`: more than usual, and far below the limits of parsers.
const DEPTH: usize = 32;

/// The bytes of a field of `wide`: name, quotes, colon, comma and value.
const FIELD: usize = 24;

impl Filler {
    /// Creates about `bytes` bytes in the given shape.
    pub(crate) fn new(shape: PayloadShape, bytes: usize) -> Self {
        let value = match shape {
            PayloadShape::Text => string(bytes).into(),
            PayloadShape::Nested => {
                let each = string(bytes / DEPTH);
                (0..DEPTH).fold(Value::Null, |inner, _| {
                    Value::from_iter([("text", Value::from(&*each)), ("inner", inner)])
                })
            }
            PayloadShape::Wide => {
                let names = (0..bytes / FIELD).map(|field| format!("field{field:05}"));
                names.map(|name| (name, Value::from("wide text"))).collect()
            }
        };
        Self { end: format!(r#","filler":{value}{END}"#), value }
    }

    /// Returns whether the value equals the filler, regardless of its serialization.
    pub(crate) fn equals(&self, read: &RawValue) -> bool {
        serde_json::from_str::<Value>(read.get()).is_ok_and(|value| value == self.value)
    }
}

/// The longest string of at most this many bytes.
fn string(bytes: usize) -> String {
    let mut string = TEXT.repeat(bytes / TEXT.len() + 1);
    let mut end = bytes;
    while !string.is_char_boundary(end) {
        end -= 1;
    }
    string.truncate(end);
    string
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [PayloadShape; 3] = [PayloadShape::Text, PayloadShape::Nested, PayloadShape::Wide];

    #[test]
    fn a_string_has_the_requested_size() {
        for bytes in [0, 1, 5, 256, 10_000] {
            let Value::String(text) = Filler::new(PayloadShape::Text, bytes).value else {
                panic!("not a string")
            };
            assert!(bytes - text.len() < 3, "{} for {bytes}", text.len());
        }
    }

    #[test]
    fn every_shape_has_about_the_requested_size() {
        for shape in SHAPES {
            for bytes in [4_000, 60_000] {
                let size = Filler::new(shape, bytes).value.to_string().len();
                assert!(size > bytes * 9 / 10 && size < bytes * 5 / 4, "{size} for {bytes} of {shape:?}");
            }
        }
    }

    #[test]
    fn prepared_payloads_equal_those_of_serde() {
        let label = Label::new("ann \"the\" user", 7);
        let user = UserPayload { owner: (&*label.owner).into(), session: 7, sequence: 12 };
        assert_eq!(label.user(12).get(), serde_json::to_string(&user).unwrap());
        for shape in SHAPES {
            let filler = Filler::new(shape, 1_000);
            let text = serde_json::value::to_raw_value(&filler.value).unwrap();
            let data = DataPayload { owner: (&*label.owner).into(), session: 7, sequence: 12, filler: &text };
            assert_eq!(label.data(12, &filler).get(), serde_json::to_string(&data).unwrap());
        }
    }

    #[test]
    fn verbatim_payloads_are_recognized_without_parsing() {
        let (label, filler) = (Label::new("ann", 7), Filler::new(PayloadShape::Text, 1_000));
        assert_eq!(label.sequence_of_user(&label.user(12)), Some(12));
        assert_eq!(label.sequence_of_data(&label.data(0, &filler), &filler), Some(0));
        for other in [Label::new("bob", 7), Label::new("ann", 8)] {
            assert_eq!(label.sequence_of_user(&other.user(12)), None);
            assert_eq!(label.sequence_of_data(&other.data(12, &filler), &filler), None);
        }
        let shorter = Filler::new(PayloadShape::Text, 999);
        assert_eq!(label.sequence_of_data(&label.data(12, &shorter), &filler), None);
    }

    #[test]
    fn equivalent_json_equals_the_stored_payload() {
        for shape in SHAPES {
            let filler = Filler::new(shape, 1_000);
            let text = Label::new("ann", 7).data(2, &filler);
            let escaped = text.get().replace('ö', "\\u00f6");
            let value: Value = serde_json::from_str(text.get()).unwrap();
            let spaced = serde_json::to_string_pretty(&value).unwrap();
            for text in [text.get(), &escaped, &spaced] {
                let read: DataPayload<'_> = parse_payload(serde_json::from_str(text).unwrap()).unwrap();
                assert_eq!((&*read.owner, read.session, read.sequence), ("ann", 7, 2));
                assert!(filler.equals(read.filler), "{text}");
            }
        }
    }

    #[test]
    fn other_fillers_differ() {
        let filler = Filler::new(PayloadShape::Text, 10);
        for other in [r#""?""#, "null", "7", "[]", "{}"] {
            assert!(!filler.equals(serde_json::from_str(other).unwrap()), "{other}");
        }
    }

    #[test]
    fn payloads_of_other_applications_are_not_parsed() {
        let read = |text| parse_payload::<UserPayload<'_>>(serde_json::from_str(text).unwrap());
        assert!(read(r#"{"owner":"ann","session":7,"sequence":2}"#).is_some());
        for other in [r#""?""#, "0", "[]", r#"{"cart":1}"#, r#"{"owner":"ann","session":7}"#] {
            assert!(read(other).is_none(), "{other}");
        }
    }
}
