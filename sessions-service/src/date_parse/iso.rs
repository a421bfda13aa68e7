//! The parser of ISO 8601, the format of the standard.

use super::tokens::{Token, Tokens, Word};
use super::{Parts, Zone, is_day, is_month, milliseconds};

/// The outcome of [`parse_iso`].
#[derive(PartialEq, Eq)]
pub(super) enum Outcome {
    Complete,
    /// The rest is not ISO 8601: the legacy parser continues.
    Incomplete,
}

/// Parses as much of ISO 8601 as there is. Returns `None` if the part after the `T` is invalid.
pub(super) fn parse_iso(tokens: &mut Tokens<'_>, parts: &mut Parts) -> Option<Outcome> {
    let start = *tokens;
    let sign = match tokens.peek() {
        Some(Token::Symbol('-')) => -1,
        Some(Token::Symbol('+')) => 1,
        _ => 0,
    };
    let year = if sign == 0 {
        tokens.fixed(4, |_| true)
    } else {
        tokens.next();
        tokens.fixed(6, |year| sign > 0 || year > 0).map(|year| sign * year)
    };
    let Some(year) = year else {
        *tokens = start;
        return Some(Outcome::Incomplete);
    };
    parts.day.push(year);
    for fits in [is_month, is_day] {
        if !tokens.skip('-') {
            break;
        }
        match tokens.fixed(2, fits) {
            Some(number) => parts.day.push(number),
            None => return Some(Outcome::Incomplete),
        }
    }
    match tokens.peek() {
        None => parts.zone.set(0),
        Some(Token::Word(Word::Time)) => {
            tokens.next();
            parse_time(tokens, parts)?;
        }
        Some(_) => return Some(Outcome::Incomplete),
    }
    parts.iso = true;
    Some(Outcome::Complete)
}

fn parse_time(tokens: &mut Tokens<'_>, parts: &mut Parts) -> Option<()> {
    let hour = tokens.fixed(2, |hour| hour <= 24)?;
    let is_below_60 = |number| number < 60 && (hour < 24 || number == 0);
    parts.time.push(hour);
    if !tokens.skip(':') {
        return None;
    }
    parts.time.push(tokens.fixed(2, is_below_60)?);
    if tokens.skip(':') {
        parts.time.push(tokens.fixed(2, is_below_60)?);
        if tokens.skip('.') {
            match tokens.next()? {
                Token::Number(number, length) if hour < 24 || number == 0 => {
                    parts.time.push(milliseconds(number, length));
                }
                _ => return None,
            }
        }
    }
    match tokens.next() {
        None => return Some(()),
        Some(Token::Word(Word::Z)) => parts.zone.set(0),
        Some(Token::Symbol(sign @ ('+' | '-'))) => {
            let hhmm = tokens.fixed(4, |hhmm| hhmm / 100 < 24 && hhmm % 100 < 60);
            let (hour, minute) = match hhmm.map(|hhmm| (hhmm / 100, hhmm % 100)) {
                Some(offset) => offset,
                None => (
                    tokens.fixed(2, |hour| hour < 24)?,
                    tokens.skip(':').then(|| tokens.fixed(2, |minute| minute < 60))??,
                ),
            };
            let sign = if sign == '-' { -1 } else { 1 };
            parts.zone = Zone { sign: Some(sign), hour: Some(hour), minute: Some(minute) };
        }
        Some(_) => return None,
    }
    tokens.peek().is_none().then_some(())
}
