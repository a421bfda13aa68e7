//! Reads the contract of a revision.

use crate::output::printable_line;
use contract_tests::objects::BYTE_ORDER_MARK;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fmt, fs, io};

/// The path of the contract's document in the repository.
pub const DOCUMENT: &str = "snapshots/openapi.json";

/// The reason why a contract cannot be read.
#[derive(Debug)]
pub enum SourceError {
    /// The file cannot be read.
    Unreadable(PathBuf, io::Error),
    /// Git cannot be run.
    Git(io::Error),
    /// There is neither such a file nor such a revision. The message of git comes second.
    Unknown(String, String),
    /// The content is not an OpenAPI document, for this reason.
    Invalid(String, String),
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Self::Git(error) => write!(f, "git cannot be run: {error}"),
            Self::Unknown(name, why) => {
                write!(f, "{name} is neither a file nor a git revision with {DOCUMENT}: {why}")
            }
            // A parser may quote the document.
            Self::Invalid(name, why) => {
                write!(f, "{name} is not an OpenAPI 3 document: {}", printable_line(why))
            }
        }
    }
}

impl std::error::Error for SourceError {}

/// Reads an OpenAPI document: the file `name` in JSON or YAML, or the contract at the git revision `name`. A revision
/// with another path is written as for git: `v1:api/openapi.yaml`.
///
/// # Errors
///
/// If there is neither a file nor a revision with this name, or it is not an OpenAPI 3 document.
pub fn read_document(name: &str) -> Result<Value, SourceError> {
    let path = Path::new(name);
    let content = if path.is_file() {
        fs::read(path).map_err(|error| SourceError::Unreadable(path.to_owned(), error))?
    } else {
        show(name)?
    };
    parse(&content).map_err(|why| SourceError::Invalid(name.to_owned(), why))
}

/// Returns the document at a git revision.
fn show(name: &str) -> Result<Vec<u8>, SourceError> {
    let object = if name.contains(':') { name.to_owned() } else { format!("{name}:{DOCUMENT}") };
    let mut git = Command::new("git");
    git.args(["show", "--no-textconv", "--end-of-options", &object]).stdin(Stdio::null());
    let output = git.output().map_err(SourceError::Git)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let message = String::from_utf8_lossy(&output.stderr);
    let message = message.lines().next().unwrap_or("git failed").trim_start_matches("fatal: ");
    Err(SourceError::Unknown(name.to_owned(), message.to_owned()))
}

fn parse(content: &[u8]) -> Result<Value, String> {
    let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
    // YAML contains JSON, but the errors of a JSON parser are better for JSON.
    let is_json = content.trim_ascii_start().starts_with(b"{");
    let document: Value = if is_json {
        serde_json::from_slice(content).map_err(|error| error.to_string())?
    } else {
        yaml_serde::from_slice(content).map_err(|error| error.to_string())?
    };
    match document.get("openapi").and_then(Value::as_str) {
        Some(version) if version.starts_with("3.") => {}
        Some(version) => return Err(format!("its version is {version}")),
        None => return Err("it has no key `openapi`".to_owned()),
    }
    if !document["paths"].is_object() {
        return Err("it has no object `paths`".to_owned());
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::{SourceError, parse, read_document};

    #[test]
    fn other_documents_are_rejected_with_the_reason() {
        for (content, why) in [
            ("{", "EOF while parsing an object at line 1 column 1"),
            ("{}", "it has no key `openapi`"),
            (r#"{"openapi": "2.0"}"#, "its version is 2.0"),
            ("swagger: '2.0'", "it has no key `openapi`"),
            ("openapi: 3.1.0", "it has no object `paths`"),
        ] {
            assert_eq!(parse(content.as_bytes()).unwrap_err(), why, "{content}");
        }
        assert!(parse(b"openapi: 3.0.3\npaths: {}").is_ok());
        assert!(parse(b"\xef\xbb\xbf{\"openapi\": \"3.0.3\", \"paths\": {}}").is_ok());
        assert_eq!(parse(b"\xef\xbb\xbf{").unwrap_err(), "EOF while parsing an object at line 1 column 1");
        let error = SourceError::Invalid("api.yaml".to_owned(), parse(b"a\tb: {c: {[d]: 1}}").unwrap_err());
        assert!(!error.to_string().contains(char::is_control), "{error}");
        let error = read_document("--no-such-revision").unwrap_err().to_string();
        assert!(error.starts_with("--no-such-revision is neither a file nor a git revision"), "{error}");
    }
}
