//! Examples and statuses for the OpenAPI document, from the snapshots of messages.

use contract_tests::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// A message of a snapshot; the name of the snapshot says what it is an example of.
#[derive(Clone, Debug)]
pub struct Example {
    /// `request`, or the kind of a response: `success`, `none`, `invalid`, `unreached` and so on.
    pub kind: String,
    /// The situation in the name of the case, such as `missing_user_id`.
    pub situation: String,
    /// The status of a response.
    pub status: Option<u16>,
    /// The body, if there is one that is JSON.
    pub body: Option<Value>,
}

/// Operations and their messages, ordered by the names of the snapshots.
pub type Examples = BTreeMap<String, Vec<Example>>;

/// Reads the snapshots of `folder` named `request__<operation>__<situation>.snap` and
/// `response__<operation>__<kind>__<situation>.snap`, except for unexpected responses, which are not part of
/// the contract.
///
/// # Errors
///
/// If the folder or a snapshot cannot be read.
pub fn examples(folder: &Path) -> io::Result<Examples> {
    let mut names = Vec::new();
    for entry in folder.read_dir()? {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    let mut examples = Examples::new();
    for name in names {
        let Some(stem) = name.strip_suffix(".snap") else { continue };
        let (operation, kind, situation) = match *stem.split("__").collect::<Vec<_>>() {
            ["request", operation, situation] => (operation, "request", situation),
            ["response", operation, kind, situation] if kind != "unexpected" => (operation, kind, situation),
            _ => continue,
        };
        // A checkout on Windows may have CRLF line ends.
        let snapshot = fs::read_to_string(folder.join(&name))?.replace("\r\n", "\n");
        let snapshot = snapshot.splitn(3, "---\n").nth(2).unwrap_or_default();
        let (head, rest) = snapshot.split_once("\n\n").unwrap_or((snapshot, ""));
        examples.entry(operation.to_owned()).or_default().push(Example {
            kind: kind.to_owned(),
            situation: situation.to_owned(),
            status: head.strip_prefix("HTTP/1.1 ").and_then(|line| line.get(..3)?.parse().ok()),
            // The decoded result follows the body.
            body: serde_json::Deserializer::from_str(rest).into_iter().next().and_then(Result::ok),
        });
    }
    Ok(examples)
}
