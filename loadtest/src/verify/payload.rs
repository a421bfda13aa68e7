//! What the load test stores: whose it is, for which session, which write it was, and as much else as is asked for.
//!
//! The first three tell foreign and old data from damaged data. The rest is made once for a run and shared, so
//! that its size costs the service and not the generator.

use clap::ValueEnum;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sessions_client::Value;
use std::sync::Arc;

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

/// What stands where something of the load test's is expected.
///
/// A session of somebody else, or a damaged one, is an answer to be judged, not one that cannot be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Payload<T> {
    Ours(T),
    #[serde(skip_serializing)]
    Other(IgnoredAny),
}

/// What the load test says about a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) owner: String,
    /// Which session of the run it is for.
    pub(crate) session: u64,
    /// How many were written to this session before it.
    pub(crate) sequence: u64,
}

/// What the load test stores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Data {
    pub(crate) owner: String,
    /// Which session of the run it is for.
    pub(crate) session: u64,
    /// How many were written to this session before it.
    pub(crate) sequence: u64,
    pub(crate) filler: Filler,
}

/// As much as the payload is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Filler(#[serde(with = "shared")] Arc<Value>);

/// Beyond ASCII and with what JSON escapes: where texts are damaged, it is there.
const TEXT: &str = "Zwölf große Boxkämpfer, \"два\" слова\\и 42 € \t";

/// How deep `nested` goes: deeper than people store, and far from what parsers refuse.
const DEPTH: usize = 32;

/// The bytes of a field of `wide`: its name, its quotes, its colon, its comma and its text.
const FIELD: usize = 24;

impl Filler {
    /// About `bytes` bytes in the given shape.
    pub(crate) fn new(shape: Shape, bytes: usize) -> Self {
        Self(Arc::new(match shape {
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
        }))
    }

    /// Something else of the same kind, for services that are to be found out.
    #[cfg(test)]
    pub(crate) fn other() -> Self {
        Self(Arc::new(Value::from("other")))
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

mod shared {
    use super::{Arc, Deserialize, Serialize, Value};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Arc<Value>, serializer: S) -> Result<S::Ok, S::Error> {
        (**value).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Value>, D::Error> {
        Value::deserialize(deserializer).map(Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(shape: Shape, bytes: usize) -> usize {
        serde_json::to_vec(&Filler::new(shape, bytes)).unwrap().len()
    }

    #[test]
    fn a_text_has_the_bytes_that_were_asked_for_but_for_half_a_character() {
        for bytes in [0, 1, 5, 256, 10_000] {
            let Value::String(text) = &*Filler::new(Shape::Text, bytes).0 else { panic!("no text") };
            assert!(bytes - text.len() < 3, "{} for {bytes}", text.len());
        }
    }

    #[test]
    fn every_shape_is_about_as_large_as_was_asked_for() {
        for shape in [Shape::Text, Shape::Nested, Shape::Wide] {
            for bytes in [4_000, 60_000] {
                let size = size(shape, bytes);
                assert!(size > bytes * 9 / 10 && size < bytes * 5 / 4, "{size} for {bytes} of {shape:?}");
            }
        }
    }

    #[test]
    fn what_is_read_back_equals_what_was_stored() {
        for shape in [Shape::Text, Shape::Nested, Shape::Wide] {
            let filler = Filler::new(shape, 1_000);
            let data = Data { owner: "ann".to_owned(), session: 7, sequence: 2, filler };
            let text = serde_json::to_string(&data).unwrap();
            assert_eq!(serde_json::from_str::<Payload<Data>>(&text).unwrap(), Payload::Ours(data));
        }
    }

    #[test]
    fn whatever_stands_there_can_be_read() {
        let ours = r#"{"owner":"ann","session":7,"sequence":2}"#;
        assert!(matches!(serde_json::from_str(ours).unwrap(), Payload::<Profile>::Ours(_)));
        for other in [r#""?""#, "0", "[]", r#"{"cart":1}"#, r#"{"owner":"ann","session":7}"#] {
            let read: Payload<Profile> = serde_json::from_str(other).unwrap();
            assert_eq!(read, Payload::Other(IgnoredAny), "{other}");
        }
    }
}
