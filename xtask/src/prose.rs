//! Extraction of prose: the words of Markdown files, and of comments, strings and function names in Rust files.

use std::iter::Peekable;
use std::str::CharIndices;

/// A piece of prose, such as a paragraph, a comment or a string.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) kind: Kind,
    pub(crate) tokens: Vec<Token>,
}

/// The source of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A paragraph, heading, list item or table of Markdown.
    Markdown,
    /// The first paragraph of a doc comment.
    Summary,
    /// Any other comment.
    Comment,
    /// A string literal.
    String,
    /// The name of a function, split at its underscores.
    Name,
}

/// A word in lower case, or `None` for punctuation that ends a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) word: Option<String>,
    pub(crate) line: usize,
}

/// The prose of a Markdown file, without code.
pub(crate) fn markdown(text: &str) -> Vec<Block> {
    paragraphs(
        text.lines().enumerate().map(|(index, line)| (index + 1, line)),
        Kind::Markdown,
        Kind::Markdown,
    )
}

/// The prose of a Rust file: comments, strings of three words or more, and function names of four words or more.
pub(crate) fn rust(source: &str) -> Vec<Block> {
    let mut scanner = Scanner { source, chars: source.char_indices().peekable(), line: 1 };
    let mut blocks = Vec::new();
    let mut comments: Vec<(usize, &str, Marker)> = Vec::new();
    while let Some(item) = scanner.next() {
        match item {
            Item::Comment(line, text) => {
                let (marker, text) = Marker::split(text);
                let continues = comments.last().is_some_and(|last| last.0 + 1 == line && last.2 == marker);
                if !continues {
                    flush(&mut comments, &mut blocks);
                }
                comments.push((line, text, marker));
            }
            Item::String(line, text) => {
                let tokens = tokens(std::iter::once((line, text)));
                if tokens.iter().filter(|token| token.word.is_some()).count() >= 3 {
                    blocks.push(Block { kind: Kind::String, tokens });
                }
            }
            Item::Name(line, name) => {
                let words: Vec<&str> = name.split('_').filter(|word| !word.is_empty()).collect();
                if words.len() >= 4 {
                    let tokens =
                        words.iter().map(|word| Token { word: Some(word.to_lowercase()), line }).collect();
                    blocks.push(Block { kind: Kind::Name, tokens });
                }
            }
        }
    }
    flush(&mut comments, &mut blocks);
    blocks.sort_by_key(|block| block.tokens.first().map(|token| token.line));
    blocks
}

/// Adds the collected lines of a comment as blocks.
fn flush(comments: &mut Vec<(usize, &str, Marker)>, blocks: &mut Vec<Block>) {
    let Some(&(.., marker)) = comments.first() else { return };
    let first = if marker == Marker::Doc { Kind::Summary } else { Kind::Comment };
    let lines = comments.drain(..).map(|(line, text, _)| (line, text));
    blocks.extend(paragraphs(lines, first, Kind::Comment));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    Doc,
    Plain,
}

impl Marker {
    /// Separates the characters that start a comment from its text.
    fn split(comment: &str) -> (Self, &str) {
        for start in ["///", "//!"] {
            if let Some(text) = comment.strip_prefix(start) {
                return (Self::Doc, text);
            }
        }
        (Self::Plain, comment.trim_start_matches(['/', '*']))
    }
}

/// Splits Markdown into blocks at blank lines and table rows, and leaves out fenced code.
fn paragraphs<'a>(lines: impl Iterator<Item = (usize, &'a str)>, first: Kind, other: Kind) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut paragraph: Vec<(usize, &str)> = Vec::new();
    let mut is_code = false;
    let mut end = |paragraph: &mut Vec<(usize, &str)>| {
        if !paragraph.is_empty() {
            let kind = if blocks.is_empty() { first } else { other };
            blocks.push(Block { kind, tokens: tokens(paragraph.drain(..)) });
        }
    };
    for (number, line) in lines {
        let text = line.trim();
        if text.starts_with("```") || text.starts_with("~~~") {
            is_code = !is_code;
            end(&mut paragraph);
        } else if is_code {
        } else if text.is_empty() {
            end(&mut paragraph);
        } else {
            if ["#", "|", "- ", "* ", ">"].iter().any(|start| text.starts_with(start)) {
                end(&mut paragraph);
            }
            paragraph.push((number, text));
        }
    }
    end(&mut paragraph);
    blocks
}

/// The words of these lines. Code spans and link targets are left out; a code span counts as punctuation.
fn tokens<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut is_code = false;
    for (line, text) in lines {
        let mut word = String::new();
        let mut target = 0;
        let mut previous = ' ';
        for character in text.chars().chain([' ']) {
            let opens_target = character == '(' && (previous == ']' || target > 0);
            if opens_target {
                target += 1;
            }
            if target > 0 && character == ')' {
                target -= 1;
            }
            let is_text = !is_code && target == 0;
            if is_text
                && (character.is_alphanumeric() || (matches!(character, '\'' | '_') && !word.is_empty()))
            {
                word.push(character);
            } else {
                if !word.is_empty() {
                    let whole = word.trim_end_matches(['\'', '_']);
                    // The variant of `Option`, which is code without backticks.
                    let is_code = whole == "None";
                    tokens.push(Token { word: (!is_code).then(|| whole.to_lowercase()), line });
                    word.clear();
                }
                if character == '`' {
                    is_code = !is_code;
                }
                let ends_phrase =
                    !character.is_whitespace() && !matches!(character, '*' | '-' | '_' | '[' | ']');
                if ends_phrase {
                    tokens.push(Token { word: None, line });
                }
            }
            previous = character;
        }
    }
    tokens
}

/// A part of a Rust file that may contain prose.
enum Item<'a> {
    /// A comment from its first slash, with the number of its line.
    Comment(usize, &'a str),
    String(usize, &'a str),
    Name(usize, &'a str),
}

struct Scanner<'a> {
    source: &'a str,
    chars: Peekable<CharIndices<'a>>,
    line: usize,
}

impl<'a> Scanner<'a> {
    fn next(&mut self) -> Option<Item<'a>> {
        loop {
            let rest = self.rest()?;
            if rest.starts_with("//") {
                let line = self.line;
                let end = rest.find('\n').unwrap_or(rest.len());
                self.skip(end);
                return Some(Item::Comment(line, rest[..end].trim_end()));
            }
            if rest.starts_with("/*") {
                let line = self.line;
                let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
                self.skip(end);
                return Some(Item::Comment(line, &rest[..end]));
            }
            if let Some((start, hashes)) = raw_string(rest) {
                let closing = format!("\"{}", "#".repeat(hashes));
                let length = rest[start..].find(&closing).unwrap_or(rest.len() - start);
                let line = self.line;
                self.skip((start + length + closing.len()).min(rest.len()));
                return Some(Item::String(line, &rest[start..start + length]));
            }
            if let Some(contents) = rest.strip_prefix('"') {
                let line = self.line;
                let length = string_length(contents);
                self.skip((length + 2).min(rest.len()));
                return Some(Item::String(line, &contents[..length]));
            }
            if rest.starts_with('\'') {
                self.skip(char_length(rest));
                continue;
            }
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            if word == 0 {
                self.skip(rest.chars().next().map_or(1, char::len_utf8));
                continue;
            }
            self.skip(word);
            if &rest[..word] == "fn" {
                let name = rest[word..].trim_start();
                let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
                if end > 0 {
                    return Some(Item::Name(self.line, &name[..end]));
                }
            }
        }
    }

    fn rest(&mut self) -> Option<&'a str> {
        let &(offset, _) = self.chars.peek()?;
        Some(&self.source[offset..])
    }

    /// Skips so many bytes, which end at a character.
    fn skip(&mut self, bytes: usize) {
        let Some(&(offset, _)) = self.chars.peek() else { return };
        while let Some((_, character)) = self.chars.next_if(|&(at, _)| at < offset + bytes) {
            if character == '\n' {
                self.line += 1;
            }
        }
    }
}

/// The offset of the contents of a raw string that starts here, and the number of its `#`.
fn raw_string(rest: &str) -> Option<(usize, usize)> {
    let prefix = ["br", "cr", "r"].iter().find(|prefix| rest.starts_with(**prefix))?;
    let after = &rest[prefix.len()..];
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some((prefix.len() + hashes + 1, hashes))
}

/// The length of a string up to its closing quote.
fn string_length(rest: &str) -> usize {
    let mut is_escaped = false;
    for (offset, character) in rest.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return offset,
            _ => {}
        }
    }
    rest.len().saturating_sub(1)
}

/// The length of the character literal that starts here; 1 for the quote of a lifetime.
fn char_length(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match characters.next() {
        Some((_, '\\')) => {
            rest[2..].char_indices().skip(1).find(|&(_, c)| c == '\'').map_or(1, |(at, _)| at + 3)
        }
        Some((offset, character)) => {
            let end = offset + character.len_utf8();
            if rest[end..].starts_with('\'') { end + 1 } else { 1 }
        }
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(blocks: &[Block]) -> Vec<String> {
        let phrase = |block: &Block| {
            let words = block.tokens.iter().filter_map(|token| token.word.as_deref());
            words.collect::<Vec<_>>().join(" ")
        };
        blocks.iter().map(phrase).collect()
    }

    #[test]
    fn markdown_omits_code_and_link_targets() {
        let blocks =
            markdown("# A title\n\nThe `code` of [a page](to/the_target.md).\n\n```sh\ncode\n```\nMore.\n");
        assert_eq!(words(&blocks), ["a title", "the of a page", "more"]);
        assert_eq!(blocks[1].tokens[0].line, 3);
    }

    #[test]
    fn rust_keeps_comments_strings_and_long_function_names() {
        let source = "//! The crate.\n//!\n//! Its details.\n\nfn a_test_of_four_words() {\n    \
                      let x = 'a'; // One\n    // comment.\n    say::<'a>(\"three short words\", \"two words\");\n}\n";
        let blocks = rust(source);
        let expected =
            ["the crate", "its details", "a test of four words", "one comment", "three short words"];
        assert_eq!(words(&blocks), expected);
        assert_eq!(blocks[0].kind, Kind::Summary);
        assert_eq!(blocks[1].kind, Kind::Comment);
        assert_eq!(blocks[4].tokens[0].line, 8);
    }

    #[test]
    fn quotes_in_literals_do_not_end_strings() {
        let blocks =
            rust("f('\"', '\\'', \"it says \\\"a b\\\" here\", r#\"raw \" string of words\"#); // end");
        assert_eq!(words(&blocks), ["it says a b here", "raw string of words", "end"]);
    }

    #[test]
    fn fenced_code_in_doc_comments_is_omitted() {
        let blocks = rust("/// Sends it.\n/// ```\n/// call(); // hidden\n/// ```\n/// Done.\nfn f() {}\n");
        assert_eq!(words(&blocks), ["sends it", "done"]);
    }
}
