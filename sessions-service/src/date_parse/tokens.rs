//! The tokens of a time string.

/// A token of a time string.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// The value of the first nine significant digits, and the number of all digits.
    Number(i64, usize),
    /// One of `: - + . )`.
    Symbol(char),
    Word(Word),
    Space,
    Other,
}

/// The meaning of a word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// `AM` or `PM`, with the hours that it adds.
    HalfDay(i64),
    /// The number of the month from 1.
    Month(i64),
    /// A time zone, with its offset from UTC in hours.
    Zone(i64),
    /// `Z`, which is also a time zone.
    Z,
    /// `T`.
    Time,
    Unknown,
}

/// The known words by their first three letters. Only names of months may be longer.
const WORDS: &[(&str, Word)] = &[
    ("jan", Word::Month(1)),
    ("feb", Word::Month(2)),
    ("mar", Word::Month(3)),
    ("apr", Word::Month(4)),
    ("may", Word::Month(5)),
    ("jun", Word::Month(6)),
    ("jul", Word::Month(7)),
    ("aug", Word::Month(8)),
    ("sep", Word::Month(9)),
    ("oct", Word::Month(10)),
    ("nov", Word::Month(11)),
    ("dec", Word::Month(12)),
    ("am", Word::HalfDay(0)),
    ("pm", Word::HalfDay(12)),
    ("ut", Word::Zone(0)),
    ("utc", Word::Zone(0)),
    ("z", Word::Z),
    ("gmt", Word::Zone(0)),
    ("cdt", Word::Zone(-5)),
    ("cst", Word::Zone(-6)),
    ("edt", Word::Zone(-4)),
    ("est", Word::Zone(-5)),
    ("mdt", Word::Zone(-6)),
    ("mst", Word::Zone(-7)),
    ("pdt", Word::Zone(-7)),
    ("pst", Word::Zone(-8)),
    ("t", Word::Time),
];

impl Word {
    fn new(word: &str) -> Self {
        let length = word.chars().count();
        let prefix: String = word.chars().take(3).map(|c| c.to_ascii_lowercase()).collect();
        let known = WORDS
            .iter()
            .find(|(known, kind)| *known == prefix && (length <= 3 || matches!(kind, Self::Month(_))));
        known.map_or(Self::Unknown, |(_, word)| *word)
    }
}

/// A tokenizer. Copies continue independently.
#[derive(Clone, Copy)]
pub(super) struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(string: &'t str) -> Self {
        Self { rest: string }
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        let first = self.rest.chars().next()?;
        if first.is_ascii_digit() {
            let digits = self.take(|c| c.is_ascii_digit());
            let significant = digits.trim_start_matches('0');
            let value = significant[..significant.len().min(9)].parse().unwrap_or(0);
            return Some(Token::Number(value, digits.len()));
        }
        if first >= 'A' && !is_space(first) {
            return Some(Token::Word(Word::new(self.take(|c| c >= 'A' && !is_space(c)))));
        }
        if first == '(' {
            self.skip_parentheses();
            return Some(Token::Other);
        }
        self.rest = &self.rest[first.len_utf8()..];
        Some(match first {
            ':' | '-' | '+' | '.' | ')' => Token::Symbol(first),
            _ if is_space(first) => Token::Space,
            _ => Token::Other,
        })
    }

    pub(super) fn peek(&self) -> Option<Token> {
        Self { ..*self }.next()
    }

    /// Consumes the next token if it is `symbol`, and returns whether it was.
    pub(super) fn skip(&mut self, symbol: char) -> bool {
        let is_next = self.peek() == Some(Token::Symbol(symbol));
        if is_next {
            self.next();
        }
        is_next
    }

    /// Consumes the next token and returns its value if it is a number of `digits` digits that satisfies
    /// `fits`.
    pub(super) fn fixed(&mut self, digits: usize, fits: impl Fn(i64) -> bool) -> Option<i64> {
        match self.peek()? {
            Token::Number(number, length) if length == digits && fits(number) => {
                self.next();
                Some(number)
            }
            _ => None,
        }
    }

    /// Consumes the characters that satisfy `includes`.
    fn take(&mut self, includes: impl Fn(char) -> bool) -> &str {
        let end = self.rest.find(|c| !includes(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Consumes a comment in parentheses, which may be nested.
    fn skip_parentheses(&mut self) {
        let mut open = 0_usize;
        for (at, c) in self.rest.char_indices() {
            match c {
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
            if open == 0 {
                self.rest = &self.rest[at + 1..];
                return;
            }
        }
        self.rest = "";
    }
}

/// Returns whether JavaScript treats the character as white space.
fn is_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}
