//! The header `Link` of RFC 8288.

use http::header::{HeaderMap, LINK};

/// Returns the target of the first link with a relation. A link with another context (`anchor`) is skipped.
pub(super) fn target<'h>(headers: &'h HeaderMap, relation: &str) -> Option<&'h str> {
    let values = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| Links { rest: value }).find(|link| link.has(relation)).map(|link| link.target)
}

/// The links of a header. They end at the first one that is malformed.
struct Links<'h> {
    rest: &'h str,
}

/// A link, with its parameters as they are written.
struct Link<'h> {
    target: &'h str,
    parameters: Vec<(&'h str, &'h str)>,
}

impl<'h> Iterator for Links<'h> {
    type Item = Link<'h>;

    fn next(&mut self) -> Option<Link<'h>> {
        let rest = self.rest.trim_start_matches([' ', '\t', ',']);
        let (target, rest) = rest.strip_prefix('<')?.split_once('>')?;
        // A comma and a semicolon in quotes belong to a value.
        let end = unquoted(rest, ',').next().unwrap_or(rest.len());
        let (parameters, rest) = rest.split_at(end);
        self.rest = rest;
        let starts: Vec<usize> = unquoted(parameters, ';').chain([parameters.len()]).collect();
        let parameters = starts.windows(2).map(|bounds| &parameters[bounds[0] + 1..bounds[1]]);
        let pair = |parameter: &'h str| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (name.trim(), value.trim().trim_matches('"'))
        };
        Some(Link { target: target.trim(), parameters: parameters.map(pair).collect() })
    }
}

impl Link<'_> {
    /// Returns whether the link has a relation, which may be one of several. The first `rel` counts.
    fn has(&self, relation: &str) -> bool {
        let of = |name: &str| self.parameters.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        let relations = of("rel").map_or("", |(_, value)| value);
        of("anchor").is_none()
            && relations.split_ascii_whitespace().any(|other| other.eq_ignore_ascii_case(relation))
    }
}

/// Returns the offsets of a character outside of quotes. A backslash escapes the next character in quotes.
fn unquoted(text: &str, wanted: char) -> impl Iterator<Item = usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.char_indices().filter_map(move |(offset, character)| {
        if is_escaped {
            is_escaped = false;
        } else if is_quoted && character == '\\' {
            is_escaped = true;
        } else if character == '"' {
            is_quoted = !is_quoted;
        }
        (!is_quoted && character == wanted).then_some(offset)
    })
}

#[cfg(test)]
mod tests {
    use super::target;
    use http::header::{HeaderMap, HeaderValue, LINK};

    fn next(values: &[&'static str]) -> Option<String> {
        let headers: HeaderMap = values.iter().map(|value| (LINK, HeaderValue::from_static(value))).collect();
        target(&headers, "next").map(str::to_owned)
    }

    #[test]
    fn the_target_of_a_relation_is_found() {
        for values in [
            &[r#"<https://h/a?page=2>; rel="next", <https://h/a?page=9>; rel="last""#][..],
            &[r#"<https://h/a?page=1>; rel="prev",<https://h/a?page=2>;rel="next""#],
            &[r"<https://h/a?page=1>; rel=prev", r"<https://h/a?page=2>; rel=next"],
            &[r#"<https://h/a?page=2>; title="a, b; \" c"; rel="alternate NEXT""#],
            &[r#"<https://h/a,b>; rel=first, , < https://h/a?page=2 > ; REL = "next""#],
            &[r#"<https://h/a?page=1>; rel=next; anchor="/b", <https://h/a?page=2>; rel=next"#],
            &[r"<https://h/a?page=1>; rel=prev; rel=next, <https://h/a?page=2>; rel=next; crossorigin"],
        ] {
            assert_eq!(next(values).as_deref(), Some("https://h/a?page=2"), "{values:?}");
        }
    }

    #[test]
    fn a_header_without_the_relation_has_no_target() {
        for values in [
            &[][..],
            &[""],
            &["https://h/a; rel=next"],
            &["<https://h/a; rel=next"],
            &[r#"<https://h/a>; rel="nextpage""#],
            &[r#"<https://h/a>; title="x; rel=next""#],
            &["<https://h/a>"],
            &["<https://h/a>;"],
        ] {
            assert_eq!(next(values), None, "{values:?}");
        }
    }
}
