//! Path templates: `/things/{id}/parts/{part}`.

use crate::errors::Errors;
use proc_macro2::Span;
use std::ops::Range;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, LitStr};

/// A piece of a path template.
#[derive(Clone)]
pub(crate) enum Segment {
    /// Text that is sent as it stands.
    Literal(String),
    /// `{name}`, filled by the argument of that name.
    Placeholder { name: String, span: Span },
    /// A placeholder that cannot be read, which is noted. It may be meant for any argument.
    Broken,
}

/// Splits `literal` at its placeholders. Every mistake is noted, and what could be read is returned, so
/// that a broken template still counts as one and draws no second error.
pub(crate) fn parse(literal: &LitStr, errors: &mut Errors) -> Vec<Segment> {
    let text = literal.value();
    check_path(literal, errors);
    let mut segments = Vec::new();
    let mut rest = 0;
    while let Some(open) = text[rest..].find(['{', '}']).map(|at| rest + at) {
        if open > rest {
            segments.push(Segment::Literal(text[rest..open].to_owned()));
        }
        if text[open..].starts_with('}') {
            errors
                .at(span_of(literal, open..open + 1), "`}` without `{` before it: a placeholder is `{name}`");
            segments.push(Segment::Broken);
            rest = open + 1;
            continue;
        }
        let Some(close) = text[open..].find('}').map(|at| open + at) else {
            errors.at(span_of(literal, open..text.len()), "`{` is never closed: a placeholder is `{name}`");
            segments.push(Segment::Broken);
            return segments;
        };
        let name = &text[open + 1..close];
        let span = span_of(literal, open..close + 1);
        // Keywords are names here: an argument called `r#type` is `type` on the wire.
        if Ident::parse_any.parse_str(name).is_ok() {
            check_whole_segment(&text, open, close, span, errors);
            segments.push(Segment::Placeholder { name: name.to_owned(), span });
        } else {
            segments.push(Segment::Broken);
            errors.at(
                span,
                format_args!("`{{{name}}}` is no placeholder: write an argument's name, like `{{id}}`"),
            );
        }
        rest = close + 1;
    }
    if rest < text.len() {
        segments.push(Segment::Literal(text[rest..].to_owned()));
    }
    segments
}

/// Reports what would make `literal`, its placeholders apart, another path than the one that is sent.
pub(crate) fn check_path(literal: &LitStr, errors: &mut Errors) {
    let text = literal.value();
    if !text.starts_with('/') {
        errors.at(literal.span(), format_args!("a path starts with `/`: write `\"/{text}\"`"));
    }
    if let Some((at, c)) = outside_braces(&text).find(|&(_, c)| !may_stand_in_a_path(c)) {
        if matches!(c, '?' | '#') {
            errors.at(
                span_of(literal, at..text.len()),
                format_args!(
                    "a path ends before `{c}`: annotate arguments with `#[query]` to have them sent in the query"
                ),
            );
        } else {
            errors.at(
                span_of(literal, at..at + c.len_utf8()),
                format_args!("`{}` cannot stand in a path: write `{}`", c.escape_debug(), escaped(c)),
            );
        }
    } else if let Some((at, _)) = outside_braces(&text).find(|&(at, c)| c == '%' && !is_escape(&text[at..])) {
        errors.at(
            span_of(literal, at..at + 1),
            "`%` begins an escape of two hexadecimal digits: write `%25` for the character itself",
        );
    }
    if text.contains("//") {
        errors.at(literal.span(), "`//` is an empty segment, which servers may fold away: write `/`");
    }
    let leads_elsewhere =
        |segment: &str| matches!(&*segment.to_ascii_lowercase().replace("%2e", "."), "." | "..");
    if text.split('/').any(leads_elsewhere) {
        errors.at(literal.span(), "`.` and `..` are folded away by URL parsers: write the path without them");
    }
}

/// What is inside of a placeholder is never sent, and judged as a name.
fn outside_braces(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut inside = false;
    text.char_indices().filter(move |&(_, c)| {
        inside = c == '{' || inside && c != '}';
        !inside && c != '}'
    })
}

/// RFC 3986 `pchar` and the separator.
fn may_stand_in_a_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@%/".contains(c)
}

fn is_escape(text: &str) -> bool {
    text.bytes().skip(1).take_while(u8::is_ascii_hexdigit).take(2).count() == 2
}

fn escaped(c: char) -> String {
    let mut buffer = [0; 4];
    let escapes: Vec<_> = c.encode_utf8(&mut buffer).bytes().map(|byte| format!("%{byte:02X}")).collect();
    escapes.concat()
}

/// A placeholder is a whole segment: the way back, from a path to its arguments, would be ambiguous
/// otherwise.
fn check_whole_segment(text: &str, open: usize, close: usize, span: Span, errors: &mut Errors) {
    let before = text[..open].ends_with('/');
    let after = matches!(text.as_bytes().get(close + 1), None | Some(b'/'));
    if !(before && after) {
        errors.at(span, "a placeholder is a whole path segment: put `/` on both sides of it");
    }
}

/// The span of a byte range inside the literal: exact where the compiler can tell (nightly, editors), the
/// whole literal elsewhere.
fn span_of(literal: &LitStr, range: Range<usize>) -> Span {
    let token = literal.token();
    let plain = token.to_string().len() == literal.value().len() + 2;
    plain.then(|| token.subspan(range.start + 1..=range.end)).flatten().unwrap_or_else(|| literal.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of `path`, placeholders in braces, if there is nothing wrong with it.
    fn pieces(path: &str) -> Option<Vec<String>> {
        let mut errors = Errors::default();
        let segments = parse(&LitStr::new(path, Span::call_site()), &mut errors);
        let written = segments.into_iter().map(|segment| match segment {
            Segment::Literal(text) => text,
            Segment::Placeholder { name, .. } => format!("{{{name}}}"),
            Segment::Broken => "broken".to_owned(),
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
                pieces(path).as_deref(),
                Some(&expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..])
            );
        }
    }

    #[test]
    fn what_would_be_sent_otherwise_than_written_is_no_path() {
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
            assert_eq!(pieces(path), None, "{path}");
        }
    }

    #[test]
    fn a_placeholder_is_a_name_in_braces_and_a_whole_segment() {
        for path in [
            "/{", "/}", "/{}", "/{a", "/a}", "/{a}b", "/a{b}", "/{a}{b}", "/{{a}}", "/{1}", "/{a-b}", "/{*a}",
        ] {
            assert_eq!(pieces(path), None, "{path}");
        }
    }
}
