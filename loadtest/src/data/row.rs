//! One row: an object, and the parts of it that a session has.

use super::json::compact;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::fmt;

/// The key that identifies stored data, which rows must not have.
pub(crate) const TAG: &str = "loadtest";

/// A row of `--data-file`: an object of JSON, or the columns of a line of CSV, whose values are strings.
pub struct DataRow {
    json: Box<str>,
    /// The parts of a session; `None` if the whole row is its data.
    parts: Option<Box<Parts>>,
}

/// The parts of a row that have their own places in a session.
#[derive(Default)]
struct Parts {
    user_name: Option<String>,
    address: Option<String>,
    client: Option<String>,
    user: Option<PayloadOfRow>,
    data: PayloadOfRow,
}

/// A payload without the key [`TAG`], as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PayloadOfRow(Box<str>);

impl Default for PayloadOfRow {
    fn default() -> Self {
        Self("{}".into())
    }
}

impl PayloadOfRow {
    /// The payload after the key [`TAG`]: the other keys of an object, or another value as the key `value`.
    fn rest(&self) -> [&str; 3] {
        rest(&self.0)
    }
}

/// The JSON of a payload after the key [`TAG`], in three parts.
fn rest(json: &str) -> [&str; 3] {
    match json.strip_prefix('{') {
        Some("}") => ["", "", "}"],
        Some(keys) => [",", keys, ""],
        None => [r#","value":"#, json, "}"],
    }
}

impl DataRow {
    /// Parses a line of JSON. Rows for sessions are checked for what a session cannot have.
    pub(super) fn parse(line: &str, of_sessions: bool) -> Result<Self, String> {
        let value: Value = serde_json::from_str(line).map_err(|error| invalid_json(&error))?;
        let Value::Object(columns) = value else {
            return Err("must be an object, such as {\"cart\": [1, 2]}".to_owned());
        };
        let json = compact(line);
        let parts = if of_sessions { parts(columns)? } else { None };
        Ok(Self { json: json.into(), parts: parts.map(Box::new) })
    }

    /// Creates a row of columns.
    pub(super) fn of_columns(columns: Map<String, Value>, of_sessions: bool) -> Result<Self, String> {
        let json = Value::Object(columns.clone()).to_string();
        let parts = if of_sessions { parts(columns)? } else { None };
        Ok(Self { json: json.into(), parts: parts.map(Box::new) })
    }

    /// Returns the value of a column; `None` if the row does not have it.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<Value> {
        let mut columns: Map<String, Value> = serde_json::from_str(&self.json).ok()?;
        columns.remove(column)
    }

    /// Reads the row as a type. The values of CSV are strings.
    ///
    /// # Errors
    ///
    /// If a column is missing or has another type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.json)
    }

    pub(crate) fn user_name(&self) -> Option<&str> {
        self.parts.as_ref()?.user_name.as_deref()
    }

    pub(crate) fn address(&self) -> Option<&str> {
        self.parts.as_ref()?.address.as_deref()
    }

    pub(crate) fn client(&self) -> Option<&str> {
        self.parts.as_ref()?.client.as_deref()
    }

    /// The JSON of `user` after the key [`TAG`], if the row has one.
    pub(crate) fn user(&self) -> Option<[&str; 3]> {
        self.parts.as_ref()?.user.as_ref().map(PayloadOfRow::rest)
    }

    /// The JSON of `data` after the key [`TAG`].
    pub(crate) fn data(&self) -> [&str; 3] {
        self.parts.as_ref().map_or_else(|| rest(&self.json), |parts| parts.data.rest())
    }
}

/// The reason why a line is not valid JSON.
fn invalid_json(error: &serde_json::Error) -> String {
    let (reason, column) = (error.to_string(), error.column());
    // The line is that of the file.
    let reason =
        reason.strip_suffix(&format!(" at line {} column {column}", error.line())).unwrap_or(&reason);
    let hint = if error.is_eof() { ": write each object in one line" } else { "" };
    format!("is not valid JSON at column {column}: {reason}{hint}")
}

/// Omits the values, which may be private.
impl fmt::Debug for DataRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataRow").finish_non_exhaustive()
    }
}

/// The parts of a session in the columns of a row. The data are the column `data`, or all columns that are not
/// another part.
fn parts(mut columns: Map<String, Value>) -> Result<Option<Parts>, String> {
    const STRINGS: [&str; 3] = ["user_name", "address", "client"];
    let is_tagged = |value: &Value| value.get(TAG).is_some();
    if columns.contains_key(TAG)
        || [columns.get("user"), columns.get("data")].into_iter().flatten().any(is_tagged)
    {
        return Err(format!("must not have the key `{TAG}`, which identifies the data of the load test"));
    }
    let has_parts = STRINGS.iter().chain(&["user", "data"]).any(|name| columns.contains_key(*name));
    if !has_parts {
        return Ok(None);
    }
    let mut string = |name: &str| match columns.remove(name) {
        None | Some(Value::Null) => Ok(None),
        // The service stores null in its place.
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("`{name}` must be a string")),
    };
    let [user_name, address, client] = STRINGS.map(&mut string);
    let (user_name, address, client) = (user_name?, address?, client?);
    let payload = |value: Value| PayloadOfRow(value.to_string().into());
    let user = columns.remove("user").filter(|user| !user.is_null()).map(payload);
    let data = payload(columns.remove("data").unwrap_or(Value::Object(columns)));
    Ok(Some(Parts { user_name, address, client, user, data }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str) -> DataRow {
        DataRow::parse(line, true).unwrap()
    }

    #[test]
    fn a_row_is_the_data_of_a_session() {
        let row = row(r#"{ "cart": [1, 2], "note": "a b" }"#);
        assert_eq!(row.data().concat(), r#","cart":[1,2],"note":"a b"}"#);
        assert_eq!((row.user(), row.user_name()), (None, None));
        assert_eq!(row.get("note"), Some("a b".into()));
    }

    #[test]
    fn parts_of_a_session_are_not_in_its_data() {
        let line = r#"{"user_name":"Ann","address":"192.0.2.7","client":null,"user":{"age":7},"cart":[1]}"#;
        let row = row(line);
        assert_eq!((row.user_name(), row.address(), row.client()), (Some("Ann"), Some("192.0.2.7"), None));
        assert_eq!(row.user().unwrap().concat(), r#","age":7}"#);
        assert_eq!(row.data().concat(), r#","cart":[1]}"#);
        assert_eq!(row.get("user_name"), Some("Ann".into()));
    }

    #[test]
    fn empty_strings_are_values_that_a_session_does_not_have() {
        let row = row(r#"{"user_name":"","address":"","client":"","user":"","cart":[1]}"#);
        assert_eq!((row.user_name(), row.address(), row.client()), (None, None, None));
        assert_eq!(row.user().unwrap().concat(), r#","value":""}"#);
        assert_eq!(row.data().concat(), r#","cart":[1]}"#);
    }

    #[test]
    fn the_column_data_is_the_data_of_a_session() {
        let data = |line| row(line).data().concat();
        assert_eq!(data(r#"{"data":{"cart":[1]},"other":2}"#), r#","cart":[1]}"#);
        assert_eq!(data(r#"{"data":[1]}"#), r#","value":[1]}"#);
        assert_eq!(data(r#"{"data":{}}"#), "}");
        assert_eq!(data("{}"), "}");
        assert_eq!(data(r#"{"user_name":"Ann"}"#), "}");
    }

    #[test]
    fn what_a_session_cannot_have_is_an_error() {
        for (line, expected) in [
            ("[1]", "must be an object"),
            ("{", "is not valid JSON"),
            (r#"{"user_name":7}"#, "`user_name` must be a string"),
            (r#"{"loadtest":1}"#, "must not have the key `loadtest`"),
            (r#"{"user":{"loadtest":1}}"#, "must not have the key `loadtest`"),
        ] {
            assert!(DataRow::parse(line, true).unwrap_err().starts_with(expected), "{line}");
        }
        // Scenarios of other contracts have all columns.
        assert!(DataRow::parse(r#"{"user_name":7,"loadtest":1}"#, false).is_ok());
    }

    #[test]
    fn objects_of_several_lines_are_errors_with_the_remedy() {
        let error = |line| DataRow::parse(line, true).unwrap_err();
        let expected =
            "is not valid JSON at column 1: EOF while parsing a list: write each object in one line";
        assert_eq!(error("["), expected);
        assert!(error(r#"{"a": 1,"#).ends_with("write each object in one line"));
        assert_eq!(error(r#"{"a":}"#), "is not valid JSON at column 6: expected value");
    }

    #[test]
    fn a_row_is_read_as_a_type() {
        #[derive(serde::Deserialize)]
        struct Item {
            id: u32,
        }
        assert_eq!(row(r#"{"id":7,"more":1}"#).read::<Item>().unwrap().id, 7);
        assert!(row(r#"{"id":"7"}"#).read::<Item>().is_err());
    }
}
