//! The payloads that the load test stores: owner, session, sequence number of the write, and filler up to the
//! requested size.
//!
//! The first three distinguish foreign, stale and damaged data. Only the sequence number differs between the
//! payloads of a session, so that everything else is serialized once, and a response that contains it
//! verbatim need not be parsed. This keeps the cost of a call low whatever the size of the payload. Other
//! JSON is parsed and compared.
//!
//! With `--data-file`, owner, session and sequence number are in a dedicated key, and the row of the write follows.
//! It is computed from session and sequence number, so that the model knows it as well.

use crate::data::{DataRow, DataRows, TAG, is_same};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use sessions_client::{RawValue, Value};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

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

/// The payload of `user`. Additional keys are damage.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserPayload<'a> {
    #[serde(borrow)]
    pub(crate) owner: Cow<'a, str>,
    /// The number of the session within the run.
    pub(crate) session: u64,
    /// The number of earlier writes to the session.
    pub(crate) sequence: u64,
}

/// The payload of `data`. Additional keys are damage.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// The rows that are stored, if there are any.
    rows: Option<Arc<DataRows>>,
}

/// A payload that was read.
pub(crate) struct ReadPayload {
    pub(crate) owner: String,
    pub(crate) session: u64,
    pub(crate) sequence: u64,
    /// True if everything else is as it was stored.
    pub(crate) is_whole: bool,
}

/// The part of a session that is stored.
#[derive(Clone, Copy)]
enum PartOfRow {
    User,
    Data,
}

impl PartOfRow {
    /// The JSON after the key [`TAG`]; `None` if the row does not have the part.
    fn of(self, row: &DataRow) -> Option<[&str; 3]> {
        match self {
            Self::User => row.user(),
            Self::Data => Some(row.data()),
        }
    }
}

/// The serialized payload before that of the label, if it is followed by a row.
const ROW_START: &str = "{\"loadtest\":";

/// The serialized payload of `user` after the sequence number.
const END: &str = "}";

impl Label {
    pub(crate) fn new(owner: &str, session: u64) -> Self {
        let prefix = format!(r#"{{"owner":{},"session":{session},"sequence":"#, Value::from(owner));
        Self { owner: owner.to_owned(), session, prefix, rows: None }
    }

    /// Sets the rows that are stored.
    pub(crate) fn with_rows(self, rows: Option<Arc<DataRows>>) -> Self {
        Self { rows, ..self }
    }

    /// The row of a write.
    fn row(&self, sequence: u64) -> Option<&DataRow> {
        self.rows.as_deref().map(|rows| &**rows.of(self.session, sequence))
    }

    /// The serialized `user` with a sequence number.
    pub(crate) fn user(&self, sequence: u64) -> Box<RawValue> {
        self.of_row(PartOfRow::User, sequence)
            .unwrap_or_else(|| raw(format!("{}{sequence}{END}", self.prefix)))
    }

    /// The serialized `data` with a sequence number.
    pub(crate) fn data(&self, sequence: u64, filler: &Filler) -> Box<RawValue> {
        let of_row = self.of_row(PartOfRow::Data, sequence);
        of_row.unwrap_or_else(|| raw(format!("{}{sequence}{}", self.prefix, filler.end)))
    }

    fn of_row(&self, part: PartOfRow, sequence: u64) -> Option<Box<RawValue>> {
        let [before, json, after] = part.of(self.row(sequence)?)?;
        Some(raw(format!("{ROW_START}{}{sequence}{END}{before}{json}{after}", self.prefix)))
    }

    /// `user_name`, `address` and `client` of the session.
    pub(crate) fn constants(&self) -> [&str; 3] {
        constants(self.row(0))
    }

    /// The sequence number of a `user` that is serialized like ours.
    pub(crate) fn sequence_of_user(&self, user: &RawValue) -> Option<u64> {
        self.sequence_of_row(PartOfRow::User, user).or_else(|| self.sequence(user, END))
    }

    /// The sequence number of `data` that is serialized like ours.
    pub(crate) fn sequence_of_data(&self, data: &RawValue, filler: &Filler) -> Option<u64> {
        if self.rows.is_some() {
            return self.sequence_of_row(PartOfRow::Data, data);
        }
        self.sequence(data, &filler.end)
    }

    /// The sequence number of a payload with a row that is serialized like ours.
    fn sequence_of_row(&self, part: PartOfRow, payload: &RawValue) -> Option<u64> {
        self.rows.as_ref()?;
        let rest = payload.get().strip_prefix(ROW_START)?.strip_prefix(&*self.prefix)?;
        let (sequence, rest) = rest.split_once(END)?;
        let sequence = sequence.parse().ok()?;
        let expected = part.of(self.row(sequence)?)?;
        let rest = expected.iter().try_fold(rest, |rest, part| rest.strip_prefix(part))?;
        rest.is_empty().then_some(sequence)
    }

    /// Parses a `user`; `None` if it is damaged or of another application.
    pub(crate) fn read_user(&self, user: &RawValue) -> Option<ReadPayload> {
        if let Some(read) = self.read_row(PartOfRow::User, user) {
            return Some(read);
        }
        let UserPayload { owner, session, sequence } = parse_payload(user)?;
        let has_row = self.rows.as_ref().is_some_and(|rows| rows.of(session, sequence).user().is_some());
        Some(ReadPayload { owner: owner.into_owned(), session, sequence, is_whole: !has_row })
    }

    /// Parses `data`; `None` if they are damaged or of another application.
    pub(crate) fn read_data(&self, data: &RawValue, filler: &Filler) -> Option<ReadPayload> {
        if self.rows.is_some() {
            return self.read_row(PartOfRow::Data, data);
        }
        let DataPayload { owner, session, sequence, filler: read } = parse_payload(data)?;
        Some(ReadPayload { owner: owner.into_owned(), session, sequence, is_whole: filler.equals(read) })
    }

    /// Parses a payload with a row.
    fn read_row(&self, part: PartOfRow, payload: &RawValue) -> Option<ReadPayload> {
        let rows = self.rows.as_ref()?;
        let mut read: Value = serde_json::from_str(payload.get()).ok()?;
        let label = read.as_object_mut()?.remove(TAG)?;
        let label = label.to_string();
        let UserPayload { owner, session, sequence } = serde_json::from_str(&label).ok()?;
        let is_whole = part.of(rows.of(session, sequence)).is_some_and(|[before, json, after]| {
            let expected = [before, json, after].concat();
            let expected = format!("{{{}", expected.strip_prefix(',').unwrap_or(&expected));
            serde_json::from_str(&expected).is_ok_and(|expected: Value| is_same(&read, &expected))
        });
        Some(ReadPayload { owner: owner.into_owned(), session, sequence, is_whole })
    }

    fn sequence(&self, payload: &RawValue, end: &str) -> Option<u64> {
        payload.get().strip_prefix(&*self.prefix)?.strip_suffix(end)?.parse().ok()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session number {} of {}", self.session, self.owner)
    }
}

/// Filler up to the requested size of `data`.
#[derive(Debug)]
pub(crate) struct Filler {
    value: Value,
    /// The serialized `data` after the sequence number.
    end: String,
}

/// The `user_name` of sessions without another one.
pub(crate) const USER_NAME: &str = "Load test";

/// The `address` of sessions without another one, of the block for documentation.
pub(crate) const ADDRESS: &str = "192.0.2.1";

/// The `client` of sessions without another one.
pub(crate) const CLIENT: &str = "loadtest";

/// `user_name`, `address` and `client` of a session, whose first row has others or not.
pub(crate) fn constants(row: Option<&DataRow>) -> [&str; 3] {
    let [user_name, address, client] = [DataRow::user_name, DataRow::address, DataRow::client]
        .map(|part: fn(&DataRow) -> Option<&str>| row.and_then(part));
    [user_name.unwrap_or(USER_NAME), address.unwrap_or(ADDRESS), client.unwrap_or(CLIENT)]
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
    use crate::data::DataOrder;
    use crate::data::tests::rows;
    use crate::metrics::ExecutionSegment;

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

    const ROWS: [&str; 3] =
        [r#"{"cart":["ä", 1.0]}"#, r#"{"user_name":"Ann","user":{"age":7},"data":{}}"#, r#"{"data":[1]}"#];

    /// A label whose session stores the first row first.
    fn label_with_rows() -> Label {
        let rows = rows(&ROWS, DataOrder::Sequential, ExecutionSegment::WHOLE);
        Label::new("ann", 3).with_rows(Some(Arc::new(rows)))
    }

    #[test]
    fn payloads_with_rows_are_recognized_without_parsing() {
        let (label, filler) = (label_with_rows(), Filler::new(PayloadShape::Text, 10));
        let tag = r#"{"loadtest":{"owner":"ann","session":3,"sequence":"#;
        let data = |sequence| label.data(sequence, &filler).get().to_owned();
        assert_eq!(data(0), format!(r#"{tag}0}},"cart":["ä",1.0]}}"#));
        assert_eq!(data(1), format!("{tag}1}}}}"));
        assert_eq!(data(2), format!(r#"{tag}2}},"value":[1]}}"#));
        assert_eq!(label.user(1).get(), format!(r#"{tag}1}},"age":7}}"#));
        assert_eq!(label.user(0).get(), r#"{"owner":"ann","session":3,"sequence":0}"#);
        for sequence in 0..6 {
            assert_eq!(label.sequence_of_data(&label.data(sequence, &filler), &filler), Some(sequence));
            assert_eq!(label.sequence_of_user(&label.user(sequence)), Some(sequence));
        }
        assert_eq!(label.constants(), [USER_NAME, ADDRESS, CLIENT]);
        let next = Label { session: 4, ..label };
        assert_eq!(next.constants(), ["Ann", ADDRESS, CLIENT]);
    }

    #[test]
    fn rows_that_a_service_writes_in_another_way_are_whole() {
        let (label, filler) = (label_with_rows(), Filler::new(PayloadShape::Text, 10));
        let read = |json: &str| label.read_data(serde_json::from_str(json).unwrap(), &filler);
        let data = r#"{"cart":["\u00e4",1],"loadtest":{"sequence":0,"owner":"ann","session":3}}"#;
        let ReadPayload { owner, session, sequence, is_whole } = read(data).unwrap();
        assert_eq!((&*owner, session, sequence, is_whole), ("ann", 3, 0, true));
        for damaged in [
            data.replace("00e4", "00e5"),
            data.replace(",1]", ",2]"),
            data.replace("{\"cart", "{\"more\":1,\"cart"),
            data.replace("\"sequence\":0", "\"sequence\":1"),
        ] {
            assert!(!read(&damaged).unwrap().is_whole, "{damaged}");
        }
        assert!(read(r#"{"cart":["ä",1]}"#).is_none());
        let user =
            label.read_user(serde_json::from_str(r#"{"owner":"ann","session":3,"sequence":1}"#).unwrap());
        assert!(!user.unwrap().is_whole, "the row has another user");
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

    #[test]
    fn payloads_with_additional_or_duplicate_keys_are_not_parsed() {
        let filler = Filler::new(PayloadShape::Text, 10);
        for added in [r#""extra":1,"#, r#""session":7,"#, r#""":null,"#] {
            let insert = |payload: Box<RawValue>| {
                let changed = payload.get().replacen('{', &format!("{{{added}"), 1);
                RawValue::from_string(changed).unwrap()
            };
            let label = Label::new("ann", 7);
            assert!(parse_payload::<UserPayload<'_>>(&insert(label.user(1))).is_none(), "{added}");
            assert!(parse_payload::<DataPayload<'_>>(&insert(label.data(1, &filler))).is_none(), "{added}");
        }
    }
}
