//! What the text of a time is made of.

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// Its value, of nine digits at most, and how many digits there are.
    Number(i64, usize),
    /// One of `: - + . )`.
    Symbol(char),
    Word(Word),
    Space,
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// How many hours it adds.
    HalfDay(i64),
    Month(i64),
    /// Hours from UTC.
    Zone(i64),
    /// `Z`, which is also a zone.
    Z,
    /// `T`.
    Time,
    Unknown,
}

/// Words by their first three letters. Only months may be longer.
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
    pub(super) fn of(text: &str) -> Self {
        let length = text.chars().count();
        let prefix: String = text.chars().take(3).map(|c| c.to_ascii_lowercase()).collect();
        let known = WORDS
            .iter()
            .find(|(word, kind)| *word == prefix && (length <= 3 || matches!(kind, Self::Month(_))));
        known.map_or(Self::Unknown, |(_, word)| *word)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Tokens<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { rest: text }
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
            return Some(Token::Word(Word::of(self.take(|c| c >= 'A' && !is_space(c)))));
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

    pub(super) fn skip(&mut self, symbol: char) -> bool {
        let is_next = self.peek() == Some(Token::Symbol(symbol));
        if is_next {
            self.next();
        }
        is_next
    }

    /// The next token if it is a number of `digits` digits for which `fits` holds.
    pub(super) fn fixed(&mut self, digits: usize, fits: impl Fn(i64) -> bool) -> Option<i64> {
        match self.peek()? {
            Token::Number(number, length) if length == digits && fits(number) => {
                self.next();
                Some(number)
            }
            _ => None,
        }
    }

    pub(super) fn take(&mut self, belongs: impl Fn(char) -> bool) -> &str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    pub(super) fn skip_parentheses(&mut self) {
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

pub(super) fn is_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}
