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
    /// Placeholder `{name}`, filled by an argument.
    Placeholder { name: String, span: Span, extent: Extent },
    /// Invalid placeholder, already reported. It may refer to any argument.
    Invalid,
}

/// The part of the path that a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// A whole segment: `/{name}/`.
    Whole,
    /// A part of a segment: `/{name}.json`.
    Part,
    /// All segments that remain: `/{*name}`.
    Rest,
}

/// Splits `literal` at its placeholders. Reports every mistake and returns the segments that could be parsed,
/// so that an invalid template does not cause follow-up errors.
pub(crate) fn parse(literal: &LitStr, errors: &mut Errors) -> Vec<Segment> {
    let before = errors.count();
    let path = check_path(literal, errors);
    let mut segments = Vec::new();
    if errors.count() > before {
        // The mistake may be a placeholder of another form.
        segments.push(Segment::Invalid);
    }
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
        let span = span_of(literal, open..close + 1);
        match placeholder(&path, open, close) {
            Ok((name, extent)) => segments.push(Segment::Placeholder { name: name.to_owned(), span, extent }),
            Err(message) => {
                segments.push(Segment::Invalid);
                errors.at(span, message);
            }
        }
        rest = close + 1;
    }
    if rest < path.len() {
        segments.push(Segment::Literal(path[rest..].to_owned()));
    }
    segments
}

/// Returns the name and the form of the placeholder between the braces at `open` and `close`.
fn placeholder(path: &str, open: usize, close: usize) -> Result<(&str, Extent), String> {
    let inside = &path[open + 1..close];
    let (name, is_rest) = match inside.strip_prefix('*') {
        Some(name) => (name, true),
        None => (inside, false),
    };
    // Accepts keywords: an argument named `r#type` is `type` on the wire.
    if !(is_name(name) || Ident::parse_any.parse_str(name).is_ok()) {
        return Err(format!(
            "`{{{inside}}}` is not a valid placeholder: write the name of an argument, such as `{}`",
            corrected(inside)
        ));
    }
    let starts_segment = path[..open].ends_with('/');
    let after = path.as_bytes().get(close + 1);
    if is_rest {
        return if starts_segment && after.is_none() {
            Ok((name, Extent::Rest))
        } else {
            Err(format!(
                "`{{*{name}}}` must be the last segment of the path: remove what follows it, or write `{{{name}}}` for one \
                 segment"
            ))
        };
    }
    if after == Some(&b'{') {
        let message = format!(
            "`{{{name}}}` and the placeholder after it cannot be distinguished: write a character between them, such as `/`"
        );
        return Err(message);
    }
    let is_whole = starts_segment && matches!(after, None | Some(b'/'));
    Ok((name, if is_whole { Extent::Whole } else { Extent::Part }))
}

/// Returns whether `name` can be the name of a placeholder: an identifier, or similar to one, as `x-id` is.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c))
        && !name.contains("..")
}

/// Returns the placeholder that was probably meant, in the syntax of other frameworks.
fn corrected(inside: &str) -> String {
    let is_rest = inside.starts_with('*')
        || inside.ends_with("...")
        || inside.contains(":.*")
        || inside.contains(":.+")
        || inside.contains(":path");
    let inside = inside.trim().trim_start_matches('*');
    let (inside, _) = inside.split_once(':').unwrap_or((inside, ""));
    let name = inside.trim_end_matches('.').trim_end_matches('?').trim();
    match (is_name(name), is_rest) {
        (true, true) => format!("{{*{name}}}"),
        (true, false) => format!("{{{name}}}"),
        (false, _) => "{id}".to_owned(),
    }
}

/// Reports characters and segments outside placeholders that would not be sent verbatim. Returns the part of the
/// path that can be parsed.
pub(crate) fn check_path(literal: &LitStr, errors: &mut Errors) -> String {
    let path = literal.value();
    if let Some((scheme, rest)) = path.split_once("://") {
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        errors.at(
            literal.span(),
            format_args!(
                "the address of the service is not part of the contract: write `\"/{path}\"`, and pass `{scheme}://{host}` \
                 to `connect` of the client"
            ),
        );
        return format!("/{path}");
    }
    if let Some((at, c)) = outside_braces(&path).find(|&(_, c)| matches!(c, '?' | '#')) {
        let message = if c == '?' {
            in_query(&path[at + 1..])
        } else {
            "a path cannot contain `#`, which is for browsers: remove it, or write `%23`".to_owned()
        };
        errors.at(span_of(literal, at..path.len()), message);
        return path[..at].to_owned();
    }
    if !path.starts_with('/') {
        errors.at(literal.span(), format_args!("a path must start with `/`: write `\"/{path}\"`"));
    }
    if let Some((range, name, prefix)) = foreign_placeholder(&path) {
        let written = &path[range.clone()];
        errors.at(
            span_of(literal, range),
            format_args!("`{written}` is not a placeholder here: write `{{{prefix}{name}}}`"),
        );
    } else if let Some((at, c)) = outside_braces(&path).find(|&(_, c)| !is_path_char(c)) {
        errors.at(
            span_of(literal, at..at + c.len_utf8()),
            format_args!("`{}` is not allowed in a path: write `{}`", shown(c), escaped(c)),
        );
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
    path
}

/// Returns the error for a path with `query` after a `?`.
fn in_query(query: &str) -> String {
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty()).map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if value.starts_with('{') || name.starts_with('{') {
            let argument = if name.starts_with('{') { name } else { value };
            let argument = argument.trim_matches(['{', '}', '*']);
            if argument == name || name.starts_with('{') {
                format!("`#[query] {argument}: …` as an argument")
            } else {
                format!("`#[query(\"{name}\")] {argument}: …` as an argument")
            }
        } else {
            format!("`#[query(\"{name}\", \"{value}\")]` on the operation")
        }
    });
    let parameters: Vec<_> = parameters.collect();
    if parameters.is_empty() {
        return "a path cannot contain `?`: remove it".to_owned();
    }
    format!("a path cannot contain a query: write {}", parameters.join(" and "))
}

/// Returns the first placeholder in the syntax of another framework, `:name`, `<name>` or `*name`, with its name
/// and the prefix that it has here.
fn foreign_placeholder(path: &str) -> Option<(Range<usize>, &str, &'static str)> {
    let mut start = 0;
    for segment in path.split('/') {
        let range = start..start + segment.len();
        start = range.end + 1;
        let is_name = |name: &str| Ident::parse_any.parse_str(name).is_ok();
        if let Some(name) = segment.strip_prefix(':').filter(|name| is_name(name)) {
            return Some((range, name, ""));
        }
        if let Some(name) = segment.strip_prefix('*').filter(|name| is_name(name)) {
            return Some((range, name, "*"));
        }
        if let Some(open) = segment.find('<')
            && let Some(close) = segment[open..].find('>').map(|at| open + at)
        {
            let inside = &segment[open + 1..close];
            let name = inside.split(':').next_back().unwrap_or(inside).trim_end_matches('.');
            if is_name(name) {
                let prefix = if inside.ends_with("..") || inside.starts_with("path:") { "*" } else { "" };
                return Some((range.start + open..range.start + close + 1, name, prefix));
            }
        }
    }
    None
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

/// Returns `c` as it can be read in a message.
fn shown(c: char) -> String {
    if c.is_control() { c.escape_debug().to_string() } else { c.to_string() }
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
            Segment::Placeholder { name, extent: Extent::Whole, .. } => format!("{{{name}}}"),
            Segment::Placeholder { name, extent: Extent::Part, .. } => format!("{{{name}}} in part"),
            Segment::Placeholder { name, extent: Extent::Rest, .. } => format!("{{*{name}}}"),
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
            ("/{x-id}/{1}", &["/", "{x-id}", "/", "{1}"]),
            ("/a/{*b}", &["/a/", "{*b}"]),
            ("/{a}.json/c", &["/", "{a} in part", ".json/c"]),
            ("/v{a}", &["/v", "{a} in part"]),
            ("/{a}:cancel", &["/", "{a} in part", ":cancel"]),
            ("/{a}...{b}", &["/", "{a} in part", "...", "{b} in part"]),
            ("/things:list", &["/things:list"]),
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
    fn a_placeholder_must_be_a_name_and_separate_from_others() {
        for path in [
            "/{",
            "/}",
            "/{}",
            "/{a",
            "/a}",
            "/{a}{b}",
            "/{{a}}",
            "/{a b}",
            "/{*}",
            "/{*a}/b",
            "/x{*a}",
            "/{*a}.json",
            "/{a..b}",
        ] {
            assert_eq!(segments(path), None, "{path}");
        }
    }

    fn message(path: &str) -> String {
        let mut errors = Errors::default();
        parse(&LitStr::new(path, Span::call_site()), &mut errors);
        assert_eq!(errors.count(), 1, "{path}");
        errors.into_tokens().to_string().replace("\\\"", "\"")
    }

    #[test]
    fn placeholders_of_other_frameworks_are_corrected() {
        for (path, correction) in [
            ("/:id", "`:id` is not a placeholder here: write `{id}`"),
            ("/a/:id/b", "`:id` is not a placeholder here: write `{id}`"),
            ("/<id>", "`<id>` is not a placeholder here: write `{id}`"),
            ("/<int:id>", "`<int:id>` is not a placeholder here: write `{id}`"),
            ("/<rest..>", "`<rest..>` is not a placeholder here: write `{*rest}`"),
            ("/files/*rest", "`*rest` is not a placeholder here: write `{*rest}`"),
            ("/{**rest}", "such as `{*rest}`"),
            ("/{rest...}", "such as `{*rest}`"),
            ("/{rest:.*}", "such as `{*rest}`"),
            ("/{id:int}", "such as `{id}`"),
            ("/{id?}", "such as `{id}`"),
            ("/{}", "such as `{id}`"),
            ("/a\\b", "`\\\\` is not allowed in a path: write `%5C`"),
        ] {
            let message = message(path);
            assert!(message.contains(correction), "{path}: {message}");
        }
    }

    #[test]
    fn parts_of_a_url_that_do_not_belong_into_a_path_have_another_place() {
        for (path, correction) in [
            (
                "https://api.github.com/users/{id}",
                "write `\"/users/{id}\"`, and pass `https://api.github.com` to `connect` of the client",
            ),
            ("https://api.github.com", "write `\"/\"`, and pass `https://api.github.com` to"),
            ("/a?fixed=1", "write `#[query(\"fixed\", \"1\")]` on the operation"),
            (
                "/a?b=1&c={c}&d={e}&{f}",
                "write `#[query(\"b\", \"1\")]` on the operation and `#[query] c: …` as an argument and \
                 `#[query(\"d\")] e: …` as an argument and `#[query] f: …` as an argument",
            ),
            ("/a?", "a path cannot contain `?`: remove it"),
            ("/a#b", "a path cannot contain `#`"),
        ] {
            let message = message(path);
            assert!(message.contains(correction), "{path}: {message}");
        }
    }
}
