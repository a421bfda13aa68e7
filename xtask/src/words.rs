//! The check of the glossary: finds words that the project avoids, and suggests those it uses.
//!
//! The substitutions are in `xtask/words.txt`, which follows the glossary in CONTRIBUTING.md.

use crate::prose::{self, Block, Kind, Token};
use crate::{Result, read, tracked};
use std::collections::HashMap;
use std::fmt;
use std::path::Path;

const FILE: &str = "xtask/words.txt";

/// The length that a function name must not exceed.
const LONGEST_NAME: usize = 68;

/// The end of a sentence, in phrases that are only to be avoided there.
const END: &str = ".";

/// The contents of `words.txt`.
#[derive(Default)]
struct Glossary {
    /// Phrases to avoid, by their first word.
    phrases: HashMap<String, Vec<Rule>>,
    /// Words with which the first sentence of a doc comment must not begin.
    openings: Vec<Rule>,
    /// Phrases that are right although they contain one to avoid.
    allowed: Vec<Vec<String>>,
    /// Files, and a phrase that each may contain.
    exceptions: Vec<Exception>,
}

/// A phrase to avoid, and what to write instead.
struct Rule {
    phrase: Vec<String>,
    advice: String,
}

/// A phrase that one file may contain; `*` matches any phrase.
struct Exception {
    file: String,
    phrase: Vec<String>,
}

/// An occurrence of a phrase.
#[derive(Debug, PartialEq, Eq)]
struct Hit {
    line: usize,
    found: String,
    advice: String,
}

impl Glossary {
    fn parse(text: &str) -> Result<Self> {
        let mut glossary = Self::default();
        let mut section = "";
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            let wrong = |what: &str| format!("{FILE}:{}: {what}", index + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name;
                continue;
            }
            match section {
                "avoid" | "openings" => {
                    let (phrases, advice) = line.split_once(" -> ").ok_or_else(|| wrong("missing ` -> `"))?;
                    let rules = phrases
                        .split(',')
                        .map(|phrase| Rule { phrase: split(phrase), advice: advice.trim().to_owned() });
                    for rule in rules {
                        let Some(first) = rule.phrase.first() else { return Err(wrong("an empty phrase")) };
                        if section == "avoid" {
                            glossary.phrases.entry(first.clone()).or_default().push(rule);
                        } else {
                            glossary.openings.push(rule);
                        }
                    }
                }
                "allowed" => glossary.allowed.extend(line.split(',').map(split)),
                "exceptions" => {
                    let (file, phrase) = line.split_once(':').ok_or_else(|| wrong("missing `:`"))?;
                    let file = file.trim().to_owned();
                    glossary.exceptions.push(Exception { file, phrase: split(phrase) });
                }
                _ => return Err(wrong("outside of [avoid], [openings], [allowed] and [exceptions]")),
            }
        }
        Ok(glossary)
    }

    /// The occurrences in a file, without the exceptions for it.
    fn hits(&self, name: &str, text: &str) -> Vec<Hit> {
        let blocks = if Path::new(name).extension().is_some_and(|extension| extension == "md") {
            prose::markdown(text)
        } else {
            prose::rust(text)
        };
        let exceptions: Vec<&[String]> = self
            .exceptions
            .iter()
            .filter(|exception| exception.file == name)
            .map(|exception| exception.phrase.as_slice())
            .collect();
        if exceptions.iter().any(|phrase| *phrase == ["*"]) {
            return Vec::new();
        }
        let mut hits: Vec<Hit> = blocks.iter().flat_map(|block| self.hits_in(block, &exceptions)).collect();
        hits.sort_by_key(|hit| hit.line);
        hits
    }

    fn hits_in(&self, block: &Block, exceptions: &[&[String]]) -> Vec<Hit> {
        let tokens = &block.tokens;
        let mut hits = Vec::new();
        let mut position = 0;
        while position < tokens.len() {
            let allowed = self.allowed.iter().map(Vec::as_slice).chain(exceptions.iter().copied());
            let allowed = allowed.filter(|phrase| starts_with(&tokens[position..], phrase));
            if let Some(length) = allowed.map(<[String]>::len).max() {
                position += length;
                continue;
            }
            let word = tokens[position].word.as_ref();
            let rules = word.and_then(|word| self.phrases.get(word)).into_iter().flatten();
            let rules = rules.filter(|rule| starts_with(&tokens[position..], &rule.phrase));
            if let Some(rule) = rules.max_by_key(|rule| rule.phrase.len()) {
                hits.push(Hit::new(&tokens[position], rule));
                position += rule.phrase.len();
            } else {
                position += 1;
            }
        }
        if block.kind == Kind::Summary
            && let Some(rule) = self.openings.iter().find(|rule| starts_with(tokens, &rule.phrase))
        {
            hits.push(Hit::new(&tokens[0], rule));
        }
        if block.kind == Kind::Name {
            let words: Vec<&str> = tokens.iter().filter_map(|token| token.word.as_deref()).collect();
            let name = words.join("_");
            if name.len() > LONGEST_NAME {
                let advice = format!("{} characters; at most {LONGEST_NAME}", name.len());
                hits.push(Hit { line: tokens[0].line, found: name, advice });
            }
        }
        hits
    }
}

impl Hit {
    fn new(token: &Token, rule: &Rule) -> Self {
        Self { line: token.line, found: rule.phrase.join(" "), advice: rule.advice.clone() }
    }
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}`: {}", self.line, self.found, self.advice)
    }
}

fn split(phrase: &str) -> Vec<String> {
    phrase.split_whitespace().map(str::to_lowercase).collect()
}

/// Returns true if the tokens begin with the phrase, in which `.` matches punctuation or the end.
fn starts_with(tokens: &[Token], phrase: &[String]) -> bool {
    let matches = |(index, word): (usize, &String)| {
        let found = tokens.get(index).and_then(|token| token.word.as_ref());
        if word == END { found.is_none() } else { found == Some(word) }
    };
    !phrase.is_empty() && phrase.iter().enumerate().all(matches)
}

/// Checks `files`, and prints each occurrence; or all tracked files, and prints how many each contains.
///
/// # Errors
///
/// When there are any, a file cannot be read, or an exception names a file that does not exist.
pub(crate) fn check(root: &Path, files: &[&str]) -> Result<()> {
    let glossary = Glossary::parse(&read(root, FILE)?)?;
    let names = if files.is_empty() {
        tracked(root, &["rs", "md"])?
    } else {
        files.iter().map(|file| file.trim_start_matches("./").to_owned()).collect()
    };
    let stale = glossary.exceptions.iter().find(|exception| !root.join(&exception.file).is_file());
    if let Some(Exception { file, .. }) = stale {
        return Err(format!("{FILE}: remove the exception for {file}, which does not exist"));
    }
    let mut counts = Vec::new();
    for name in &names {
        let hits = glossary.hits(name, &read(root, name)?);
        if !files.is_empty() {
            for hit in &hits {
                println!("{name}:{hit}");
            }
        }
        if !hits.is_empty() {
            counts.push((hits.len(), name));
        }
    }
    let total: usize = counts.iter().map(|(count, _)| count).sum();
    if total == 0 {
        println!("words: {} files follow the glossary", names.len());
        return Ok(());
    }
    if files.is_empty() {
        counts.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(right.1)));
        for (count, name) in &counts {
            println!("{count:5} {name}");
        }
    }
    Err(format!(
        "{total} words to avoid in {} of {} files. `cargo xtask words FILE` shows each with the word to use instead. \
         The glossary is in CONTRIBUTING.md; exceptions belong in {FILE}.",
        counts.len(),
        names.len(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "
        [avoid]
        reply, replies -> response
        has no, has none -> lacks
        in full . -> completely
        [openings]
        what -> begin with a noun phrase
        [allowed]
        it has no, it has none, reply to a question
        [exceptions]
        special.md: replies
        free.md: *
    ";

    fn hits(name: &str, text: &str) -> Vec<String> {
        let glossary = Glossary::parse(SAMPLE).unwrap();
        glossary.hits(name, text).iter().map(|hit| format!("{}: {}", hit.line, hit.found)).collect()
    }

    #[test]
    fn a_phrase_is_found_across_lines_but_not_across_sentences() {
        assert_eq!(hits("a.md", "This has\nno URL. That has. No more."), ["1: has no"]);
    }

    #[test]
    fn a_full_stop_limits_a_phrase_to_the_end_of_a_sentence() {
        assert_eq!(hits("a.md", "Sent in full, unread.\n\nIn full size."), ["1: in full ."]);
    }

    #[test]
    fn the_variant_none_is_code() {
        assert_eq!(hits("a.md", "The list has None. It has none, but that has none."), ["1: has none"]);
    }

    #[test]
    fn allowed_phrases_and_code_are_not_reported() {
        assert!(hits("a.md", "It has no `reply`; a reply to a question is fine.").is_empty());
    }

    #[test]
    fn an_exception_holds_only_for_its_file() {
        assert!(hits("special.md", "It replies.").is_empty());
        assert_eq!(hits("special.md", "A reply."), ["1: reply"]);
        assert_eq!(hits("other.md", "It replies."), ["1: replies"]);
        assert!(hits("free.md", "It replies.").is_empty());
    }

    #[test]
    fn the_opening_word_of_a_doc_comment_is_checked() {
        assert_eq!(hits("a.rs", "/// What it does.\n///\n/// What follows.\nfn f() {}\n"), ["1: what"]);
        assert!(hits("a.rs", "// What it does.\n").is_empty());
    }

    #[test]
    fn long_function_names_are_reported() {
        let name = "a_".repeat(35);
        assert_eq!(hits("a.rs", &format!("fn {name}b() {{}}")).len(), 1);
    }

    #[test]
    fn the_glossary_of_the_repository_is_valid() {
        let glossary = Glossary::parse(include_str!("../words.txt")).unwrap();
        assert!(!glossary.phrases.is_empty() && !glossary.openings.is_empty());
    }
}
