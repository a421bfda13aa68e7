//! The messages on the pinned pages, for examples and for the statuses that there are.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// A message of a page, of which the name of the page says what it is an example of.
#[derive(Clone, Debug)]
pub struct Example {
    /// `request`, or for a response its kind: `success`, `none`, `refusal`, `unreached` and so on.
    pub kind: String,
    /// What the name says of the case, such as `missing_user_id`.
    pub situation: String,
    /// The status of a response.
    pub status: Option<u16>,
    /// The body, if there is one that is JSON.
    pub body: Option<Value>,
}

/// Operations and the messages that are pinned of them, in the order of the names of the pages.
pub type Examples = BTreeMap<String, Vec<Example>>;

/// Reads the pages of `folder` whose names are `request__<operation>__<situation>.snap` and
/// `response__<operation>__<kind>__<situation>.snap`. Odd answers, which are nobody's contract, are left out.
///
/// # Errors
///
/// The folder or a page cannot be read.
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
            ["response", operation, kind, situation] if kind != "odd" => (operation, kind, situation),
            _ => continue,
        };
        let page = fs::read_to_string(folder.join(&name))?;
        let page = page.splitn(3, "---\n").nth(2).unwrap_or_default();
        let (head, rest) = page.split_once("\n\n").unwrap_or((page, ""));
        examples.entry(operation.to_owned()).or_default().push(Example {
            kind: kind.to_owned(),
            situation: situation.to_owned(),
            status: head.strip_prefix("HTTP/1.1 ").and_then(|line| line.get(..3)?.parse().ok()),
            // What follows the body is what the client made of it.
            body: serde_json::Deserializer::from_str(rest).into_iter().next().and_then(Result::ok),
        });
    }
    Ok(examples)
}
