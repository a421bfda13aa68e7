//! Patterns of names: strings in which `*` stands for any characters.

use serde::{Serialize, Serializer};
use std::fmt;

/// A string in which `*` stands for any characters, and `\*` for an asterisk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    written: String,
    /// The strings between the asterisks.
    literals: Vec<String>,
}

impl Pattern {
    /// Parses a pattern. Every string is one.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        let mut literals = vec![];
        let mut literal = String::new();
        let mut characters = pattern.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '*' => literals.push(std::mem::take(&mut literal)),
                '\\' => literal.push(characters.next_if(|next| matches!(next, '*' | '\\')).unwrap_or('\\')),
                other => literal.push(other),
            }
        }
        literals.push(literal);
        Self { written: pattern.to_owned(), literals }
    }

    /// Creates the pattern that matches only `string`.
    #[must_use]
    pub fn literal(string: &str) -> Self {
        Self::new(&string.replace('\\', r"\\").replace('*', r"\*"))
    }

    /// Returns whether the whole of `string` matches.
    #[must_use]
    pub fn matches(&self, string: &str) -> bool {
        let [first, rest @ ..] = &*self.literals else { return false };
        let Some((last, middle)) = rest.split_last() else { return string == first };
        let ends = string.strip_prefix(&**first).and_then(|string| string.strip_suffix(&**last));
        let after = |string: Option<&str>, literal: &String| -> Option<usize> {
            string?.find(&**literal).map(|at| at + literal.len())
        };
        let mut remaining = ends;
        for literal in middle {
            remaining = after(remaining, literal).and_then(|end| remaining?.get(end..));
        }
        remaining.is_some()
    }

    /// Returns the pattern as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;
    use proptest::prelude::*;

    #[test]
    fn an_asterisk_matches_any_characters() {
        let matching =
            [("", ""), ("*", ""), ("*", "a"), ("a*", "a"), ("*b*", "abc"), ("a*c*e", "abcde"), ("a**", "a")];
        for (pattern, string) in matching {
            assert!(Pattern::new(pattern).matches(string), "{pattern:?} {string:?}");
        }
        let others = [
            ("", "a"),
            ("a", ""),
            ("a*a", "a"),
            ("*b*b*", "abc"),
            ("a*", "ca"),
            ("*a", "ab"),
            ("a*c", "abcd"),
        ];
        for (pattern, string) in others {
            assert!(!Pattern::new(pattern).matches(string), "{pattern:?} {string:?}");
        }
    }

    proptest! {
        #[test]
        fn a_literal_matches_only_itself(string in r"[a*\\ü]{0,5}", other in r"[a*\\ü]{0,5}") {
            let literal = Pattern::literal(&string);
            prop_assert!(literal.matches(&string));
            prop_assert_eq!(literal.matches(&other), string == other);
        }
    }
}
