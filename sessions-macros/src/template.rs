//! Path templates such as `/things/{id}/parts/{part}`.

use crate::errors::Errors;
use proc_macro2::Span;
use std::ops::Range;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, LitStr};

/// Piece of a path template.
#[derive(Clone)]
pub(crate) enum Segment {
    /// Literal part of the path, sent verbatim.
    Literal(String),
    /// Placeholder `{name}`, filled by the argument of that name.
    Placeholder { name: String, span: Span },
    /// Invalid placeholder, already reported. It may refer to any argument.
    Invalid,
}

/// Splits `literal` at its placeholders. Reports every mistake and returns the segments that could be parsed,
/// so that an invalid template does not cause follow-up errors.
pub(crate) fn parse(literal: &LitStr, errors: &mut Errors) -> Vec<Segment> {
    let path = literal.value();
    check_path(literal, errors);
    let mut segments = Vec::new();
    let mut rest = 0;
    while let Some(open) = path[rest..].find(['{', '}']).map(|at| rest + at) {
        if open > rest {
            segments.push(Segment::Literal(path[rest..open].to_owned()));
        }
        if path[open..].starts_with('}') {
            errors.at(
                span_of(literal, open..open + 1),
                "unmatched `}` in the path: write a placeholder as `{name}`",
            );
            segments.push(Segment::Invalid);
            rest = open + 1;
            continue;
        }
        let Some(close) = path[open..].find('}').map(|at| open + at) else {
            errors.at(
                span_of(literal, open..path.len()),
                "unclosed `{` in the path: write a placeholder as `{name}`",
            );
            segments.push(Segment::Invalid);
            return segments;
        };
        let name = &path[open + 1..close];
        let span = span_of(literal, open..close + 1);
        // Accepts keywords: an argument named `r#type` is `type` on the wire.
        if Ident::parse_any.parse_str(name).is_ok() {
            check_whole_segment(&path, open, close, span, errors);
            segments.push(Segment::Placeholder { name: name.to_owned(), span });
        } else {
            segments.push(Segment::Invalid);
            errors.at(
                span,
                format_args!(
                    "`{{{name}}}` is not a valid placeholder: write the name of an argument, such as `{{id}}`"
                ),
            );
        }
        rest = close + 1;
    }
    if rest < path.len() {
        segments.push(Segment::Literal(path[rest..].to_owned()));
    }
    segments
}

/// Reports characters and segments outside placeholders that would not be sent verbatim.
pub(crate) fn check_path(literal: &LitStr, errors: &mut Errors) {
    let path = literal.value();
    if !path.starts_with('/') {
        errors.at(literal.span(), format_args!("a path must start with `/`: write `\"/{path}\"`"));
    }
    if let Some((at, c)) = outside_braces(&path).find(|&(_, c)| !is_path_char(c)) {
        if matches!(c, '?' | '#') {
            errors.at(
                span_of(literal, at..path.len()),
                format_args!(
                    "a path cannot contain `{c}`: annotate arguments with `#[query]` to send them in the query"
                ),
            );
        } else {
            errors.at(
                span_of(literal, at..at + c.len_utf8()),
                format_args!("`{}` is not allowed in a path: write `{}`", c.escape_debug(), escaped(c)),
            );
        }
    } else if let Some((at, _)) = outside_braces(&path).find(|&(at, c)| c == '%' && !is_escape(&path[at..])) {
        errors.at(
            span_of(literal, at..at + 1),
            "`%` must be followed by two hexadecimal digits: write `%25` for a literal `%`",
        );
    }
    if path.contains("//") {
        errors.at(literal.span(), "`//` is an empty path segment, which some servers remove: write `/`");
    }
    let is_dot_segment =
        |segment: &str| matches!(&*segment.to_ascii_lowercase().replace("%2e", "."), "." | "..");
    if path.split('/').any(is_dot_segment) {
        errors.at(literal.span(), "`.` and `..` are resolved by URL parsers: write the path without them");
    }
}

/// Returns the characters outside placeholders. Those inside are never sent and are checked as a name.
fn outside_braces(path: &str) -> impl Iterator<Item = (usize, char)> {
    let mut inside = false;
    path.char_indices().filter(move |&(_, c)| {
        inside = c == '{' || inside && c != '}';
        !inside && c != '}'
    })
}

/// Returns whether `c` is a `pchar` of RFC 3986 or the separator `/`.
fn is_path_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@%/".contains(c)
}

fn is_escape(path: &str) -> bool {
    path.bytes().skip(1).take_while(u8::is_ascii_hexdigit).take(2).count() == 2
}

fn escaped(c: char) -> String {
    let mut buffer = [0; 4];
    let escapes: Vec<_> = c.encode_utf8(&mut buffer).bytes().map(|byte| format!("%{byte:02X}")).collect();
    escapes.concat()
}

/// Reports a placeholder that is only part of a segment: reading the arguments back from a path would be
/// ambiguous.
fn check_whole_segment(path: &str, open: usize, close: usize, span: Span, errors: &mut Errors) {
    let before = path[..open].ends_with('/');
    let after = matches!(path.as_bytes().get(close + 1), None | Some(b'/'));
    if !(before && after) {
        let placeholder = &path[open..=close];
        let message = format!(
            "`{placeholder}` must be a whole path segment: separate it from the rest of the path with `/`"
        );
        errors.at(span, message);
    }
}

/// Returns the span of a byte range of the literal if the compiler supports it (nightly, editors), otherwise
/// the span of the whole literal.
fn span_of(literal: &LitStr, range: Range<usize>) -> Span {
    let token = literal.token();
    let plain = token.to_string().len() == literal.value().len() + 2;
    plain.then(|| token.subspan(range.start + 1..=range.end)).flatten().unwrap_or_else(|| literal.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the segments of `path`, with placeholders in braces, or `None` if the path is invalid.
    fn segments(path: &str) -> Option<Vec<String>> {
        let mut errors = Errors::default();
        let segments = parse(&LitStr::new(path, Span::call_site()), &mut errors);
        let written = segments.into_iter().map(|segment| match segment {
            Segment::Literal(literal) => literal,
            Segment::Placeholder { name, .. } => format!("{{{name}}}"),
            Segment::Invalid => "invalid".to_owned(),
        });
        (errors.count() == 0).then(|| written.collect())
    }

    #[test]
    fn a_path_is_split_at_its_placeholders() {
        for (path, expected) in [
            ("/", &["/"][..]),
            ("/things", &["/things"]),
            ("/{id}", &["/", "{id}"]),
            ("/a/{b}/c/{type}", &["/a/", "{b}", "/c/", "{type}"]),
            ("/{a}/{b}/", &["/", "{a}", "/", "{b}", "/"]),
            ("/{größe}", &["/", "{größe}"]),
            ("/a%20b/.well-known/x:y", &["/a%20b/.well-known/x:y"]),
        ] {
            assert_eq!(
                segments(path).as_deref(),
                Some(&expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..])
            );
        }
    }

    #[test]
    fn a_path_that_would_not_be_sent_verbatim_is_rejected() {
        for path in [
            "",
            "a",
            "/a b",
            "/ä",
            "/a?b",
            "/a#b",
            "/a//b",
            "//a",
            "/.",
            "/..",
            "/a/../b",
            "/%2E%2e/a",
            "/%",
            "/%2",
            "/%2g",
            "/a\\b",
            "/\"",
        ] {
            assert_eq!(segments(path), None, "{path}");
        }
    }

    #[test]
    fn a_placeholder_must_be_a_name_and_a_whole_segment() {
        for path in [
            "/{", "/}", "/{}", "/{a", "/a}", "/{a}b", "/a{b}", "/{a}{b}", "/{{a}}", "/{1}", "/{a-b}", "/{*a}",
        ] {
            assert_eq!(segments(path), None, "{path}");
        }
    }
}
