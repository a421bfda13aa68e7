//! The lenient legacy parser of V8.

use super::tokens::{Token, Tokens, Word};
use super::{Parts, Zone, milliseconds};

/// Parses the remaining tokens. Returns `None` if they are invalid.
pub(super) fn parse_legacy(tokens: &mut Tokens<'_>, parts: &mut Parts) -> Option<()> {
    let mut has_number = !parts.day.is_empty();
    while let Some(token) = tokens.next() {
        match token {
            Token::Number(number, _) => {
                has_number = true;
                parse_number(number, tokens, parts)?;
            }
            Token::Word(word) => match word {
                Word::HalfDay(hours) if !parts.time.is_empty() => parts.half_day = Some(hours),
                Word::Month(month) => {
                    parts.month = Some(month);
                    tokens.skip('-');
                }
                Word::Zone(hours) if has_number => parts.zone.set(hours),
                Word::Z if has_number => parts.zone.set(0),
                // Other words are valid only before the first number, and not directly before it.
                _ if has_number || matches!(tokens.peek(), Some(Token::Number(..))) => return None,
                _ => {}
            },
            Token::Symbol(sign @ ('+' | '-')) if parts.zone.is_utc() || !parts.time.is_empty() => {
                has_number = true;
                parse_offset(if sign == '-' { -1 } else { 1 }, tokens, parts)?;
            }
            Token::Symbol('+' | '-' | ')') if has_number => return None,
            Token::Symbol(_) | Token::Space | Token::Other => {}
        }
    }
    Some(())
}

fn parse_number(number: i64, tokens: &mut Tokens<'_>, parts: &mut Parts) -> Option<()> {
    let Parts { time, zone, day, .. } = parts;
    let expected = match time.len() {
        1 | 2 => number < 60,
        3 => number < 1000,
        _ => false,
    };
    if tokens.skip(':') {
        if tokens.skip(':') {
            if !time.is_empty() {
                return None;
            }
            time.extend([number, 0]);
        } else {
            if time.len() == 4 {
                return None;
            }
            time.push(number);
            tokens.skip('.');
        }
    } else if tokens.skip('.') && expected {
        time.push(number);
        let Some(Token::Number(number, length)) = tokens.next() else { return None };
        time.push(milliseconds(number, length));
        time.resize(4, 0);
    } else if zone.hour.is_some() && zone.minute.is_none() && number < 60 {
        zone.minute = Some(number);
    } else if expected {
        time.push(number);
        time.resize(4, 0);
        match tokens.peek() {
            None | Some(Token::Space | Token::Word(Word::Z) | Token::Symbol('+' | '-')) => {}
            Some(_) => return None,
        }
    } else {
        if day.len() == 3 {
            return None;
        }
        day.push(number);
        tokens.skip('-');
    }
    Some(())
}

fn parse_offset(sign: i64, tokens: &mut Tokens<'_>, parts: &mut Parts) -> Option<()> {
    let (mut number, mut length) = (0, 0);
    if let Some(Token::Number(following, digits)) = tokens.peek() {
        tokens.next();
        (number, length) = (following, digits);
    }
    let (hour, minute) = match length {
        _ if tokens.peek() == Some(Token::Symbol(':')) => (number, None),
        1 | 2 => (number, Some(0)),
        3 | 4 => (number / 100, Some(number % 100)),
        _ => return None,
    };
    parts.zone = Zone { sign: Some(sign), hour: Some(hour), minute };
    Some(())
}
