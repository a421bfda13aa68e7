//! What the load test stores: whose it is, for which session, which write it was, and as much else as is asked for.
//!
//! The first three tell foreign and old data from damaged data. All but the number of the write is the same each time, so it
//! is written once, and an answer that has it letter for letter needs no reading: neither the size of what is stored nor
//! its check costs the generator much. What is written otherwise is read.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use sessions_client::{RawValue, Value};
use std::borrow::Cow;

/// How what is stored is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// One long text
    Text,
    /// Objects within objects, 32 deep
    Nested,
    /// One object with many short fields
    Wide,
}

/// What the load test says about a user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Profile<'a> {
    #[serde(borrow)]
    pub(crate) owner: Cow<'a, str>,
    /// Which session of the run it is for.
    pub(crate) session: u64,
    /// How many were written to this session before it.
    pub(crate) sequence: u64,
}

/// What the load test stores.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Data<'a> {
    #[serde(borrow)]
    pub(crate) owner: Cow<'a, str>,
    /// Which session of the run it is for.
    pub(crate) session: u64,
    /// How many were written to this session before it.
    pub(crate) sequence: u64,
    #[serde(borrow)]
    pub(crate) filler: &'a RawValue,
}

/// What was read, unless it is something else: of somebody else, or damaged.
pub(crate) fn ours<'a, T: Deserialize<'a>>(payload: &'a RawValue) -> Option<T> {
    serde_json::from_str(payload.get()).ok()
}

/// JSON, which `text` is.
fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_default()
}

/// Whose payloads they are, and for which session.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) owner: String,
    pub(crate) session: u64,
    /// Both, as they are written, up to the number.
    text: String,
}

/// What follows the number in what is said about a user.
const END: &str = "}";

impl Label {
    pub(crate) fn new(owner: &str, session: u64) -> Self {
        let text = format!(r#"{{"owner":{},"session":{session},"sequence":"#, Value::from(owner));
        Self { owner: owner.to_owned(), session, text }
    }

    /// The user of this number, as it is sent.
    pub(crate) fn user(&self, sequence: u64) -> Box<RawValue> {
        raw(format!("{}{sequence}{END}", self.text))
    }

    /// The data of this number, as it is sent.
    pub(crate) fn data(&self, sequence: u64, filler: &Filler) -> Box<RawValue> {
        raw(format!("{}{sequence}{}", self.text, filler.end))
    }

    /// The number of a user that stands there as it was sent.
    pub(crate) fn number_of_user(&self, user: &RawValue) -> Option<u64> {
        self.number(user, END)
    }

    /// The number of data that stand there as they were sent.
    pub(crate) fn number_of_data(&self, data: &RawValue, filler: &Filler) -> Option<u64> {
        self.number(data, &filler.end)
    }

    fn number(&self, payload: &RawValue, end: &str) -> Option<u64> {
        payload.get().strip_prefix(&*self.text)?.strip_suffix(end)?.parse().ok()
    }
}

/// As much as the payload is to have.
#[derive(Debug)]
pub(crate) struct Filler {
    value: Value,
    /// What follows the number in what is stored.
    end: String,
}

/// Beyond ASCII and with what JSON escapes: where texts are damaged, it is there.
const TEXT: &str = "Zwölf große Boxkämpfer, \"два\" слова\\и 42 € \t";

/// How deep `nested` goes: deeper than people store, and far from what parsers refuse.
const DEPTH: usize = 32;

/// The bytes of a field of `wide`: its name, its quotes, its colon, its comma and its text.
const FIELD: usize = 24;

impl Filler {
    /// About `bytes` bytes in the given shape.
    pub(crate) fn new(shape: Shape, bytes: usize) -> Self {
        let value = match shape {
            Shape::Text => text(bytes).into(),
            Shape::Nested => {
                let each = text(bytes / DEPTH);
                (0..DEPTH).fold(Value::Null, |inner, _| {
                    Value::from_iter([("text", Value::from(&*each)), ("inner", inner)])
                })
            }
            Shape::Wide => {
                let names = (0..bytes / FIELD).map(|field| format!("field{field:05}"));
                names.map(|name| (name, Value::from("wide text"))).collect()
            }
        };
        Self { end: format!(r#","filler":{value}{END}"#), value }
    }

    /// Whether this is what was sent, however it is written.
    pub(crate) fn is(&self, read: &RawValue) -> bool {
        serde_json::from_str::<Value>(read.get()).is_ok_and(|value| value == self.value)
    }
}

/// The longest text of at most this many bytes.
fn text(bytes: usize) -> String {
    let mut text = TEXT.repeat(bytes / TEXT.len() + 1);
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [Shape; 3] = [Shape::Text, Shape::Nested, Shape::Wide];

    #[test]
    fn a_text_has_the_bytes_that_were_asked_for_but_for_half_a_character() {
        for bytes in [0, 1, 5, 256, 10_000] {
            let Value::String(text) = Filler::new(Shape::Text, bytes).value else { panic!("no text") };
            assert!(bytes - text.len() < 3, "{} for {bytes}", text.len());
        }
    }

    #[test]
    fn every_shape_is_about_as_large_as_was_asked_for() {
        for shape in SHAPES {
            for bytes in [4_000, 60_000] {
                let size = Filler::new(shape, bytes).value.to_string().len();
                assert!(size > bytes * 9 / 10 && size < bytes * 5 / 4, "{size} for {bytes} of {shape:?}");
            }
        }
    }

    #[test]
    fn what_is_sent_is_what_serde_writes() {
        let label = Label::new("ann \"the\" user", 7);
        let user = Profile { owner: (&*label.owner).into(), session: 7, sequence: 12 };
        assert_eq!(label.user(12).get(), serde_json::to_string(&user).unwrap());
        for shape in SHAPES {
            let filler = Filler::new(shape, 1_000);
            let text = serde_json::value::to_raw_value(&filler.value).unwrap();
            let data = Data { owner: (&*label.owner).into(), session: 7, sequence: 12, filler: &text };
            assert_eq!(label.data(12, &filler).get(), serde_json::to_string(&data).unwrap());
        }
    }

    #[test]
    fn what_stands_there_as_it_was_sent_is_told_by_its_number_alone() {
        let (label, filler) = (Label::new("ann", 7), Filler::new(Shape::Text, 1_000));
        assert_eq!(label.number_of_user(&label.user(12)), Some(12));
        assert_eq!(label.number_of_data(&label.data(0, &filler), &filler), Some(0));
        for other in [Label::new("bob", 7), Label::new("ann", 8)] {
            assert_eq!(label.number_of_user(&other.user(12)), None);
            assert_eq!(label.number_of_data(&other.data(12, &filler), &filler), None);
        }
        let shorter = Filler::new(Shape::Text, 999);
        assert_eq!(label.number_of_data(&label.data(12, &shorter), &filler), None);
    }

    #[test]
    fn what_is_read_back_equals_what_was_stored_however_it_is_written() {
        for shape in SHAPES {
            let filler = Filler::new(shape, 1_000);
            let text = Label::new("ann", 7).data(2, &filler);
            let escaped = text.get().replace('ö', "\\u00f6");
            let value: Value = serde_json::from_str(text.get()).unwrap();
            let spaced = serde_json::to_string_pretty(&value).unwrap();
            for text in [text.get(), &escaped, &spaced] {
                let read: Data<'_> = ours(serde_json::from_str(text).unwrap()).unwrap();
                assert_eq!((&*read.owner, read.session, read.sequence), ("ann", 7, 2));
                assert!(filler.is(read.filler), "{text}");
            }
        }
    }

    #[test]
    fn another_filler_is_another_whatever_its_shape() {
        let filler = Filler::new(Shape::Text, 10);
        for other in [r#""?""#, "null", "7", "[]", "{}"] {
            assert!(!filler.is(serde_json::from_str(other).unwrap()), "{other}");
        }
    }

    #[test]
    fn what_is_something_else_is_not_ours() {
        let read = |text| ours::<Profile<'_>>(serde_json::from_str(text).unwrap());
        assert!(read(r#"{"owner":"ann","session":7,"sequence":2}"#).is_some());
        for other in [r#""?""#, "0", "[]", r#"{"cart":1}"#, r#"{"owner":"ann","session":7}"#] {
            assert!(read(other).is_none(), "{other}");
        }
    }
}
