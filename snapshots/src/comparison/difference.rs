//! One difference between an expected and an observed snapshot.

use contract_tests::ObjectKind;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A difference between an expected and an observed snapshot.
///
/// Displayed as a sentence: `` Found: `close_time`: was absent, is null ``.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Difference {
    /// The title of the step, or the label of the row; empty if the snapshot has neither.
    pub step: String,
    /// The part of the exchange that differs.
    pub location: Location,
    /// The kind of change.
    pub change: Change,
    /// The expected value, in words.
    pub was: String,
    /// The observed value, in words.
    pub is: String,
    /// Further facts, from which its level and its cause follow.
    #[serde(skip)]
    pub evidence: Evidence,
}

/// Facts about a difference, beyond its words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Evidence {
    /// The source of the difference.
    pub source: Source,
    /// `true` if the request is not one for an operation of the contract, such as one with another path or method.
    pub is_foreign: bool,
    /// The object that has the key.
    pub object: ObjectKind,
    /// The key, without the indexes of lists and without the path in a payload; empty for a whole body.
    pub key: String,
    /// The effect on the typed client.
    pub reading: Reading,
    /// The expected value as JSON, if there is one.
    pub was_json: Option<String>,
    /// The observed value as JSON, if there is one.
    pub is_json: Option<String>,
    /// `true` if the status of the same response differs, too, so that the client reads another kind of response.
    pub has_other_status: bool,
    /// The placeholders in the request, such as `<id:1>`, whose values come from earlier responses.
    pub uses: Vec<String>,
}

/// The source of a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// A response that is shown in full.
    #[default]
    Response,
    /// A response that is shown as one line.
    Row,
    /// The shape of all responses of an operation.
    Shape,
    /// A request.
    Request,
    /// A value that the client decoded.
    Decoded,
}

/// The effect of a difference on the typed client, which decodes the observed value instead of the expected one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reading {
    /// It returns the same.
    Same,
    /// It returns something else.
    Other,
    /// It cannot decode the response, and returns an error with this message.
    Failed(String),
    /// It was not tried.
    #[default]
    Unknown,
}

/// The part of an exchange that differs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "part", content = "name", rename_all = "snake_case")]
pub enum Location {
    /// A whole step.
    Step,
    /// A whole request or response, by its first line.
    Message(String),
    /// The first line of a request.
    Request,
    /// A value in the body of a request, by its path.
    RequestBody(String),
    /// The status of a response.
    Status,
    /// A header.
    Header(String),
    /// The spaces between the tokens of JSON.
    Format,
    /// A value in a JSON body, by its path; the empty path is the whole body.
    Body(String),
    /// The order of the keys of an object in a JSON body, by its path.
    KeyOrder(String),
    /// A value that the client decoded, by its path.
    Decoded(String),
    /// The order of the keys of an object that the client decoded, by its path.
    DecodedKeyOrder(String),
    /// A line with a label, such as the response to one of many requests.
    Row(String),
    /// A line without a label.
    Line,
}

/// The kind of a [`Location`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A whole step.
    Step,
    /// A whole request or response.
    Message,
    /// The first line of a request.
    Request,
    /// A value in the body of a request.
    RequestBody,
    /// The status of a response.
    Status,
    /// A header.
    Header,
    /// The spaces between the tokens of JSON.
    Format,
    /// A value in a JSON body.
    Body,
    /// The order of the keys of an object in a JSON body.
    KeyOrder,
    /// A value that the client decoded.
    Decoded,
    /// The order of the keys of an object that the client decoded.
    DecodedKeyOrder,
    /// A line with a label.
    Row,
    /// A line without a label.
    Line,
}

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Something new.
    Added,
    /// Something is gone.
    Removed,
    /// A JSON value of another type.
    Type,
    /// Another value of the same type.
    Value,
    /// A list of another length.
    Length,
    /// Another order of the same keys or items.
    Order,
    /// Fewer types than before, or a key that is always present now.
    Narrower,
    /// The same id or time in another form.
    Form,
    /// The same values inside of another object or list.
    Wrapped,
}

impl Location {
    /// The name of the part, as in the reports and in deviations.
    #[must_use]
    pub fn part(&self) -> Part {
        match self {
            Self::Step => Part::Step,
            Self::Message(_) => Part::Message,
            Self::Request => Part::Request,
            Self::RequestBody(_) => Part::RequestBody,
            Self::Status => Part::Status,
            Self::Header(_) => Part::Header,
            Self::Format => Part::Format,
            Self::Body(_) => Part::Body,
            Self::KeyOrder(_) => Part::KeyOrder,
            Self::Decoded(_) => Part::Decoded,
            Self::DecodedKeyOrder(_) => Part::DecodedKeyOrder,
            Self::Row(_) => Part::Row,
            Self::Line => Part::Line,
        }
    }

    /// The name within the part, if there is one: a path, the name of a header, or the label of a row.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Message(name)
            | Self::RequestBody(name)
            | Self::Header(name)
            | Self::Body(name)
            | Self::KeyOrder(name)
            | Self::Decoded(name)
            | Self::DecodedKeyOrder(name)
            | Self::Row(name) => Some(name),
            Self::Step | Self::Request | Self::Status | Self::Format | Self::Line => None,
        }
    }

    /// Returns the name within the part for a change, as for [`name`](Self::name).
    pub(crate) fn name_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Message(name)
            | Self::RequestBody(name)
            | Self::Header(name)
            | Self::Body(name)
            | Self::KeyOrder(name)
            | Self::Decoded(name)
            | Self::DecodedKeyOrder(name)
            | Self::Row(name) => Some(name),
            Self::Step | Self::Request | Self::Status | Self::Format | Self::Line => None,
        }
    }
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 13] = [
        Self::Step,
        Self::Message,
        Self::Request,
        Self::RequestBody,
        Self::Status,
        Self::Header,
        Self::Format,
        Self::Body,
        Self::KeyOrder,
        Self::Decoded,
        Self::DecodedKeyOrder,
        Self::Row,
        Self::Line,
    ];

    /// The name of the part.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Message => "message",
            Self::Request => "request",
            Self::RequestBody => "request_body",
            Self::Status => "status",
            Self::Header => "header",
            Self::Format => "format",
            Self::Body => "body",
            Self::KeyOrder => "key_order",
            Self::Decoded => "decoded",
            Self::DecodedKeyOrder => "decoded_key_order",
            Self::Row => "row",
            Self::Line => "line",
        }
    }
}

impl Change {
    /// All kinds of change.
    pub const ALL: [Self; 9] = [
        Self::Added,
        Self::Removed,
        Self::Type,
        Self::Value,
        Self::Length,
        Self::Order,
        Self::Narrower,
        Self::Form,
        Self::Wrapped,
    ];

    /// The name of the kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Type => "type",
            Self::Value => "value",
            Self::Length => "length",
            Self::Order => "order",
            Self::Narrower => "narrower",
            Self::Form => "form",
            Self::Wrapped => "wrapped",
        }
    }
}

impl Difference {
    /// The key that differs, or else the path; `None` for a difference that is not in a body.
    pub(super) fn key(&self) -> Option<&str> {
        match &self.location {
            Location::Body(path) if path.is_empty() => None,
            Location::Body(path) if self.evidence.key.is_empty() => Some(path),
            Location::Body(_) => Some(&self.evidence.key),
            _ => None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, location, change, was, is, .. } = self;
        if !step.is_empty() {
            write!(f, "{step}: ")?;
        }
        match (location, change) {
            (Location::Step, _) => write!(f, "was {was}, is {is}"),
            (_, Change::Length) => write!(f, "{location}: had {was}, has {is}"),
            (_, Change::Form) => write!(f, "form of {location}: was {was}, is {is}"),
            (Location::Body(_), Change::Order) => write!(f, "order of {location}: was {was}, is {is}"),
            (_, Change::Wrapped) => write!(f, "{location}: is inside of {is} now"),
            _ => write!(f, "{location}: was {was}, is {is}"),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |path: &str| if path.is_empty() { "body".to_owned() } else { format!("`{path}`") };
        match self {
            Self::Step => f.write_str("the step"),
            Self::Message(first_line) => write!(f, "`{first_line}`"),
            Self::Request => f.write_str("request"),
            Self::RequestBody(path) => write!(f, "request, {}", value(path)),
            Self::Status => f.write_str("status"),
            Self::Header(name) => write!(f, "header `{name}`"),
            Self::Format => f.write_str("JSON"),
            Self::Body(path) => f.write_str(&value(path)),
            Self::KeyOrder(path) => write!(f, "order of the keys of {}", value(path)),
            Self::Decoded(path) => write!(f, "as decoded, {}", value(path)),
            Self::DecodedKeyOrder(path) => write!(f, "as decoded, order of the keys of {}", value(path)),
            Self::Row(label) => write!(f, "`{label}`"),
            Self::Line => f.write_str("line"),
        }
    }
}
