//! Detection of routes that match the same requests.

use super::Operation;
use crate::attr::Verb;
use crate::errors::Errors;

/// Reports and removes operations whose requests match an earlier route, since the first match is used.
pub(super) fn check(methods: &mut [Option<Operation>], errors: &mut Errors) {
    let mut earlier: Vec<(Verb, String, String)> = Vec::new();
    for method in methods {
        // Ignores operations with `#[cfg]`, because only one of them may be compiled.
        let Some(operation) = method.as_ref().filter(|operation| operation.cfgs.is_empty()) else { continue };
        let (verb, template, name) = (operation.verb, operation.template.clone(), operation.name());
        let method_name = verb.method();
        let mut same_verb = earlier.iter().filter(|(v, ..)| *v == verb);
        let message = if let Some((_, covering, other)) =
            same_verb.clone().find(|(_, t, _)| covers(t, &template))
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
            same_verb.find_map(|(_, t, other)| Some((shared(t, &template)?, other)))
        {
            format!(
                "`{method_name} {shared}` matches both `{other}` and `{name}`, and only `{other}` would be called: change \
                 one of the routes"
            )
        } else {
            earlier.push((verb, template, name));
            continue;
        };
        errors.on(&operation.ident, message);
        *method = None;
    }
}

/// Returns whether `covering` matches every path that `template` matches.
fn covers(covering: &str, template: &str) -> bool {
    let (a, b) = (covering.split('/'), template.split('/'));
    a.clone().count() == b.clone().count() && a.zip(b).all(|(a, b)| segment_covers(a, b))
}

/// Returns the template of the paths that both match, if each also matches other paths. If one covers the
/// other, declaration order decides which is called.
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
