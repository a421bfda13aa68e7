//! Tags of a run: names with values that its reports and metrics show.

use std::collections::BTreeMap;
use std::str::FromStr;

/// A tag of a run, such as `build=4711`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

const MAX_KEY: usize = 64;
const MAX_VALUE: usize = 256;

/// The labels that metrics have anyway.
const RESERVED: [&str; 5] =
    ["service_name", "service_version", "service_instance_id", "loadtest_test_run_id", "loadtest_target"];

/// Parts of the names of secrets.
const SECRET: [&str; 8] =
    ["secret", "password", "passwd", "token", "credential", "authorization", "api_key", "apikey"];

impl FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("expected a key and a value, such as build=4711")?;
        let is_valid = key.len() <= MAX_KEY
            && key.starts_with(|char: char| char.is_ascii_alphabetic())
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
        if !is_valid {
            return Err(format!(
                "a key begins with a letter, and has up to {MAX_KEY} letters, digits, `_`, `.` and `-`"
            ));
        }
        let label = label(key);
        if RESERVED.contains(&&*label) {
            return Err(format!("the key `{key}` is a label of all metrics: use another one"));
        }
        if SECRET.iter().any(|part| label.to_ascii_lowercase().contains(part)) || has_credentials(value) {
            // The value is not quoted.
            return Err(format!("the tag `{key}` would show a secret in reports and metrics: remove it"));
        }
        let is_valid = !value.trim().is_empty()
            && value.chars().count() <= MAX_VALUE
            && !value.chars().any(char::is_control);
        if !is_valid {
            return Err(format!("the value of `{key}` must have 1 to {MAX_VALUE} printable characters"));
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

/// Returns whether a value is a URL with a password.
fn has_credentials(value: &str) -> bool {
    let authority =
        value.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    authority.is_some_and(|authority| authority.contains('@'))
}

/// The label of a key in metrics, for which keys with other separators are the same.
pub(crate) fn label(key: &str) -> String {
    key.replace(['.', '-'], "_")
}

/// The tags of a run by key.
///
/// # Errors
///
/// If two of them have the same label.
pub(crate) fn by_key(tags: &[Tag]) -> Result<BTreeMap<String, String>, String> {
    for (index, tag) in tags.iter().enumerate() {
        if let Some(other) = tags[..index].iter().find(|other| label(&other.key) == label(&tag.key)) {
            let (one, other) = (&tag.key, &other.key);
            return Err(format!(
                "--tag {one} and --tag {other} are the same tag in metrics: remove one of them"
            ));
        }
    }
    Ok(tags.iter().map(|Tag { key, value }| (key.clone(), value.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Tag, String> {
        text.parse()
    }

    #[test]
    fn a_tag_is_a_key_and_a_value() {
        for (text, key, value) in [
            ("build=4711", "build", "4711"),
            ("git.branch=feature/a=b", "git.branch", "feature/a=b"),
            ("team-name=Zwölf Boxer", "team-name", "Zwölf Boxer"),
        ] {
            assert_eq!(parse(text), Ok(Tag { key: key.to_owned(), value: value.to_owned() }));
        }
    }

    #[test]
    fn keys_and_values_that_metrics_cannot_have_are_rejected() {
        let long = format!("{}=1", "k".repeat(65));
        for text in
            ["build", "=1", "1st=1", "a b=1", "ä=1", "a{b}=1", "build=", "build= ", "build=a\nb", &long]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["service.name=x", "service_name=x", "loadtest.target=x"] {
            assert!(parse(text).unwrap_err().contains("is a label of all metrics"), "{text}");
        }
    }

    #[test]
    fn secrets_are_rejected_without_being_shown() {
        for text in
            ["api-key=s3cret", "API_TOKEN=s3cret", "db.Password=s3cret", "proxy=http://me:s3cret@proxy/"]
        {
            let error = parse(text).unwrap_err();
            assert!(error.contains("would show a secret") && !error.contains("s3cret"), "{error}");
        }
        assert!(parse("target=http://proxy/a@b").is_ok());
    }

    #[test]
    fn keys_with_the_same_label_are_rejected() {
        let tags = ["git.branch=a", "git_branch=b"].map(|text| text.parse().unwrap());
        let error = by_key(&tags).unwrap_err();
        assert!(error.contains("--tag git_branch and --tag git.branch are the same tag"), "{error}");
    }
}
