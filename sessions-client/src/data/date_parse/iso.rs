//! The reading by the standard.

use super::tokens::{Token, Tokens, Word};
use super::{Parts, Zone, is_day, is_month, milliseconds};

#[derive(PartialEq, Eq)]
pub(super) enum Reading {
    Finished,
    /// What follows is no ISO 8601, but may be something else.
    Unfinished,
}

/// Reads as much of ISO 8601 as there is; nothing where it goes wrong after the `T`.
pub(super) fn iso(tokens: &mut Tokens<'_>, parts: &mut Parts) -> Option<Reading> {
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
        return Some(Reading::Unfinished);
    };
    parts.day.push(year);
    for fits in [is_month, is_day] {
        if !tokens.skip('-') {
            break;
        }
        match tokens.fixed(2, fits) {
            Some(number) => parts.day.push(number),
            None => return Some(Reading::Unfinished),
        }
    }
    match tokens.peek() {
        None => parts.zone.set(0),
        Some(Token::Word(Word::Time)) => {
            tokens.next();
            iso_time(tokens, parts)?;
        }
        Some(_) => return Some(Reading::Unfinished),
    }
    parts.iso = true;
    Some(Reading::Finished)
}

pub(super) fn iso_time(tokens: &mut Tokens<'_>, parts: &mut Parts) -> Option<()> {
    let hour = tokens.fixed(2, |hour| hour <= 24)?;
    let sixtieth = |number| number < 60 && (hour < 24 || number == 0);
    parts.time.push(hour);
    if !tokens.skip(':') {
        return None;
    }
    parts.time.push(tokens.fixed(2, sixtieth)?);
    if tokens.skip(':') {
        parts.time.push(tokens.fixed(2, sixtieth)?);
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
            let together = tokens.fixed(4, |both| both / 100 < 24 && both % 100 < 60);
            let (hour, minute) = match together.map(|both| (both / 100, both % 100)) {
                Some(both) => both,
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
