//! Routes that a service could not tell apart.

use super::Operation;
use crate::attr::Verb;
use crate::errors::Errors;

/// Takes out the operations whose requests an earlier one answers: the first route that fits is taken.
pub(super) fn check(methods: &mut [Option<Operation>], errors: &mut Errors) {
    let mut earlier: Vec<(Verb, String, String)> = Vec::new();
    for method in methods {
        // What is not always there takes no route away for certain.
        let Some(operation) = method.as_ref().filter(|operation| operation.cfgs.is_empty()) else { continue };
        let (verb, template, name) = (operation.verb, operation.template.clone(), operation.name());
        let method_name = verb.method();
        let mut rivals = earlier.iter().filter(|(v, ..)| *v == verb);
        let message = if let Some((_, covering, other)) =
            rivals.clone().find(|(_, t, _)| covers(t, &template))
        {
            if covers(&template, covering) {
                format!(
                    "`{other}` and `{name}` are both `{method_name} {covering}`: give one of them another route"
                )
            } else {
                format!(
                    "`{name}` is never reached, since `{method_name} {covering}` of `{other}` fits its requests too: \
                     declare `{name}` before `{other}`"
                )
            }
        } else if let Some((shared, other)) =
            rivals.find_map(|(_, t, other)| Some((shared(t, &template)?, other)))
        {
            format!(
                "`{method_name} {shared}` fits both `{other}` and `{name}`, and `{other}` would answer it: give one of \
                 them another route"
            )
        } else {
            earlier.push((verb, template, name));
            continue;
        };
        errors.on(&operation.ident, message);
        *method = None;
    }
}

/// Whether every path of `template` is one of `covering` as well.
fn covers(covering: &str, template: &str) -> bool {
    let (a, b) = (covering.split('/'), template.split('/'));
    a.clone().count() == b.clone().count() && a.zip(b).all(|(a, b)| segment_covers(a, b))
}

/// The paths that both templates have, if each has others besides: where one covers the other, their order
/// tells which is meant.
fn shared(a: &str, b: &str) -> Option<String> {
    if a.split('/').count() != b.split('/').count() || covers(a, b) || covers(b, a) {
        return None;
    }
    let narrower = |(a, b)| {
        if segment_covers(a, b) { Some(b) } else { segment_covers(b, a).then_some(a) }
    };
    let segments: Option<Vec<&str>> = a.split('/').zip(b.split('/')).map(narrower).collect();
    Some(segments?.join("/"))
}

fn segment_covers(covering: &str, segment: &str) -> bool {
    if is_placeholder(covering) {
        return !segment.is_empty();
    }
    !is_placeholder(segment) && decoded(covering).eq(decoded(segment))
}

fn is_placeholder(segment: &str) -> bool {
    segment.starts_with('{')
}

/// The bytes that a literal stands for: a service compares those.
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
