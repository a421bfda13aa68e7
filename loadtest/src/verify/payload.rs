//! What the load test stores: whose it is, for which session, which write it was, and as much else as is asked for.
//!
//! The first three tell foreign and old data from damaged data. The rest is written once for a run, and read only where it
//! is not, letter for letter, what was written; so its size costs the service and not the generator. For that, payloads
//! travel as the JSON that they are.

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

/// As it is sent. There is nothing in it that could not be written.
pub(crate) fn written(payload: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(payload).unwrap_or_default()
}

/// As it was read, unless it is something else: of somebody else, or damaged.
pub(crate) fn ours<'a, T: Deserialize<'a>>(payload: &'a RawValue) -> Option<T> {
    serde_json::from_str(payload.get()).ok()
}

/// As much as the payload is to have.
#[derive(Debug)]
pub(crate) struct Filler {
    value: Value,
    text: Box<RawValue>,
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
        Self { text: written(&value), value }
    }

    /// As it is sent.
    pub(crate) fn text(&self) -> &RawValue {
        &self.text
    }

    /// Whether this is what was sent. Services write JSON alike as a rule, but need not.
    pub(crate) fn is(&self, read: &RawValue) -> bool {
        read.get() == self.text.get()
            || serde_json::from_str::<Value>(read.get()).is_ok_and(|value| value == self.value)
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

    #[test]
    fn a_text_has_the_bytes_that_were_asked_for_but_for_half_a_character() {
        for bytes in [0, 1, 5, 256, 10_000] {
            let Value::String(text) = Filler::new(Shape::Text, bytes).value else { panic!("no text") };
            assert!(bytes - text.len() < 3, "{} for {bytes}", text.len());
        }
    }

    #[test]
    fn every_shape_is_about_as_large_as_was_asked_for() {
        for shape in [Shape::Text, Shape::Nested, Shape::Wide] {
            for bytes in [4_000, 60_000] {
                let size = Filler::new(shape, bytes).text().get().len();
                assert!(size > bytes * 9 / 10 && size < bytes * 5 / 4, "{size} for {bytes} of {shape:?}");
            }
        }
    }

    #[test]
    fn what_is_read_back_equals_what_was_stored_however_it_is_written() {
        for shape in [Shape::Text, Shape::Nested, Shape::Wide] {
            let filler = Filler::new(shape, 1_000);
            let data = Data { owner: "ann".into(), session: 7, sequence: 2, filler: filler.text() };
            let text = written(&data);
            let escaped = text.get().replace('ö', "\\u00f6");
            let spaced =
                serde_json::to_string_pretty(&serde_json::from_str::<Value>(text.get()).unwrap()).unwrap();
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
