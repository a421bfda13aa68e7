//! Detection of routes that match the same requests.

use super::Operation;
use crate::attr::Verb;
use crate::errors::Errors;

/// Reports and removes operations whose requests match an earlier route, since the first match is used.
pub(super) fn check(methods: &mut [Option<Operation>], errors: &mut Errors) {
    let mut earlier: Vec<Earlier> = Vec::new();
    for method in methods {
        // Ignores operations with `#[cfg]`, because only one of them may be compiled.
        let Some(operation) = method.as_ref().filter(|operation| operation.cfgs.is_empty()) else { continue };
        let (verb, template, name) = (operation.verb, operation.template.clone(), operation.name());
        let (method_name, literals) = (verb.method(), literals(&template));
        // Most pairs of routes differ in a literal, and the other checks are slow in a debug build of this macro.
        let similar: Vec<&Earlier> = earlier
            .iter()
            .filter(|other| other.verb == verb && !differ(&other.literals, &literals))
            .collect();
        let message = if let Some(Earlier { template: covering, name: other, .. }) =
            similar.iter().find(|other| covers(&other.template, &template))
        {
            if covers(&template, covering) {
                format!(
                    "`{other}` and `{name}` have the same route `{method_name} {covering}`: change one of them"
                )
            } else {
                format!(
                    "`{name}` is never called, because `{method_name} {covering}` of `{other}` matches its requests \
                     first: declare `{name}` before `{other}`"
                )
            }
        } else if let Some((shared, other)) =
            similar.iter().find_map(|other| Some((shared(&other.template, &template)?, &other.name)))
        {
            format!(
                "`{method_name} {shared}` matches both `{other}` and `{name}`, and only `{other}` would be called: change \
                 one of the routes"
            )
        } else {
            earlier.push(Earlier { verb, template, literals, name });
            continue;
        };
        errors.on(&operation.ident, message);
        *method = None;
    }
}

/// Route that is declared before others.
struct Earlier {
    verb: Verb,
    template: String,
    /// The segments, as [`literals`] returns them.
    literals: Vec<Option<Vec<u8>>>,
    name: String,
}

/// Returns the decoded segments of a template; `None` for a segment with a placeholder.
fn literals(template: &str) -> Vec<Option<Vec<u8>>> {
    let literal = |segment: &str| (!segment.contains('{')).then(|| decoded(segment).collect());
    template.split('/').map(literal).collect()
}

/// Returns whether no path matches both templates, because they have different literals in the same segment.
fn differ(a: &[Option<Vec<u8>>], b: &[Option<Vec<u8>>]) -> bool {
    std::iter::zip(a, b).any(|(a, b)| a.is_some() && b.is_some() && a != b)
}

/// Returns whether `covering` matches every path that `template` matches.
fn covers(covering: &str, template: &str) -> bool {
    let mut segments = template.split('/');
    for covering in covering.split('/') {
        if is_rest(covering) {
            // An empty segment at the end is not a value.
            return segments.next().is_some_and(|segment| !segment.is_empty());
        }
        let Some(segment) = segments.next() else { return false };
        if is_rest(segment) || !segment_covers(covering, segment) {
            return false;
        }
    }
    segments.next().is_none()
}

/// Returns the template of the paths that both match, if each also matches other paths. If one covers the
/// other, declaration order decides which is called.
fn shared(a: &str, b: &str) -> Option<String> {
    if covers(a, b) || covers(b, a) {
        return None;
    }
    let (mut a, mut b) = (a.split('/'), b.split('/'));
    let mut shared: Vec<String> = Vec::new();
    loop {
        let (segment, rest, mut others) = match (a.next(), b.next()) {
            (None, None) => return Some(shared.join("/")),
            (Some(x), Some(y)) if is_rest(x) => (y, x, b),
            (Some(x), Some(y)) if is_rest(y) => (x, y, a),
            (Some(x), Some(y)) => {
                shared.push(shared_segment(x, y)?);
                continue;
            }
            _ => return None,
        };
        if segment.is_empty() {
            return None;
        }
        shared.push(if is_rest(segment) { rest } else { segment }.to_owned());
        shared.extend(others.by_ref().map(ToOwned::to_owned));
        return Some(shared.join("/"));
    }
}

fn is_rest(segment: &str) -> bool {
    segment.starts_with("{*")
}

fn segment_covers(covering: &str, segment: &str) -> bool {
    let (covering, segment) = (pattern(covering), pattern(segment));
    // One text instead of all values of the placeholders. No literal contains it.
    let text: Vec<Unit> = segment
        .iter()
        .map(|piece| if let Piece::Byte(byte) = piece { Unit::Byte(*byte) } else { Unit::Value })
        .collect();
    matches(&covering, &text)
}

/// Returns the narrower of two segments, or one example of what both match.
fn shared_segment(a: &str, b: &str) -> Option<String> {
    if segment_covers(a, b) {
        return Some(b.to_owned());
    }
    if segment_covers(b, a) {
        return Some(a.to_owned());
    }
    example(&pattern(a), &pattern(b))
}

/// Piece of the pattern of a segment.
#[derive(Clone, Copy, PartialEq)]
enum Piece {
    Byte(u8),
    /// Placeholder, which matches any text but the empty one.
    Any,
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Byte(u8),
    /// A value that no literal contains.
    Value,
}

fn pattern(segment: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = segment;
    while let Some((literal, after)) = rest.split_once('{') {
        pieces.extend(decoded(literal).map(Piece::Byte));
        pieces.push(Piece::Any);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    pieces.extend(decoded(rest).map(Piece::Byte));
    pieces
}

fn matches(pattern: &[Piece], text: &[Unit]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((Piece::Byte(byte), pattern)), Some((Unit::Byte(other), text))) if byte == other => {
            matches(pattern, text)
        }
        (Some((Piece::Any, rest)), Some((_, text))) => matches(rest, text) || matches(pattern, text),
        _ => false,
    }
}

/// Returns a text that both patterns match, with `*` for what only placeholders match.
fn example(a: &[Piece], b: &[Piece]) -> Option<String> {
    match (a.split_first(), b.split_first()) {
        (None, None) => Some(String::new()),
        (Some((Piece::Byte(x), rest_a)), Some((Piece::Byte(y), rest_b))) => {
            if x == y {
                prefixed(*x, example(rest_a, rest_b))
            } else {
                None
            }
        }
        (Some((Piece::Any, rest_a)), Some((Piece::Byte(y), rest_b))) => {
            prefixed(*y, example(rest_a, rest_b).or_else(|| example(a, rest_b)))
        }
        (Some((Piece::Byte(_), _)), Some((Piece::Any, _))) => example(b, a),
        (Some((Piece::Any, rest_a)), Some((Piece::Any, rest_b))) => {
            let rest = example(rest_a, rest_b).or_else(|| example(a, rest_b)).or_else(|| example(rest_a, b));
            prefixed(b'*', rest)
        }
        _ => None,
    }
}

fn prefixed(byte: u8, rest: Option<String>) -> Option<String> {
    Some(format!("{}{}", char::from(byte), rest?))
}

/// Returns the percent-decoded bytes of a literal, which a service compares.
fn decoded(literal: &str) -> impl Iterator<Item = u8> {
    let mut rest = literal.as_bytes();
    let hex = |digit: u8| char::from(digit).to_digit(16);
    std::iter::from_fn(move || {
        if let [b'%', high, low, after @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            rest = after;
            return u8::try_from(high * 16 + low).ok();
        }
        let (byte, after) = rest.split_first()?;
        rest = after;
        Some(*byte)
    })
}
