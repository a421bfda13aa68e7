//! Parsing of the annotations: `#[http_api(…)]`, `#[post("/…", …)]`, `#[field]` and the others.
//!
//! This module checks syntax only; `model` checks whether the annotations make sense together.

use crate::errors::Errors;
use proc_macro2::TokenStream;
use quote::ToTokens;
use std::time::Duration;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Ident, LitInt, LitStr, Meta, Path, Token, Type};

/// HTTP method of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
    Options,
}

impl Verb {
    pub(crate) const ALL: [Self; 7] =
        [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Head, Self::Options];

    /// Returns the name of the annotation, which is the method in lower case.
    pub(crate) const fn attribute(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Head => "head",
            Self::Options => "options",
        }
    }

    /// Returns the method in upper case, which is also the name of its constant in `http::Method`.
    pub(crate) fn method(self) -> String {
        self.attribute().to_ascii_uppercase()
    }

    /// Returns the method with its article, for messages.
    pub(crate) fn with_article(self) -> String {
        let article = if self == Self::Options { "an" } else { "a" };
        format!("{article} {}", self.method())
    }

    /// Returns whether the method may be retried by default (RFC 9110, section 9.2.2).
    pub(crate) const fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }

    /// Returns whether arguments can be sent in a body. RFC 9110 defines no meaning for one in a GET or HEAD
    /// request, and none that is in use for OPTIONS.
    pub(crate) const fn can_have_a_body(self) -> bool {
        !matches!(self, Self::Get | Self::Head | Self::Options)
    }

    /// Returns whether a request has a JSON body even if no argument is a field.
    pub(crate) const fn always_has_a_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }

    /// Returns the method that `attribute` names, if it is a route annotation.
    pub(crate) fn of(attribute: &Attribute) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| attribute.path().is_ident(verb.attribute()))
    }

    /// Returns the error for an attribute that is meant as a route annotation, but is not one: a method in
    /// upper case, or one that is not supported.
    pub(crate) fn mistake(attribute: &Attribute) -> Option<String> {
        let written = attribute.path().get_ident()?.to_string();
        let name = written.to_ascii_lowercase();
        if matches!(&*name, "connect" | "trace") {
            let method = name.to_ascii_uppercase();
            return Some(format!(
                "{method} is not supported, because it is for proxies and diagnostics: remove this operation, or write \
                 `#[get(\"/…\")]` or another method"
            ));
        }
        let verb = Self::ALL.into_iter().find(|verb| written != name && name == verb.attribute())?;
        Some(format!("`#[{written}]` must be in lower case: write `#[{}(\"/…\")]`", verb.attribute()))
    }
}

/// Halves of a contract for which code is generated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Halves {
    #[default]
    Both,
    /// No `received` operations, no dispatcher.
    ClientOnly,
    /// No client, no operations to send.
    ServerOnly,
}

impl Halves {
    pub(crate) const fn has_client(self) -> bool {
        !matches!(self, Self::ServerOnly)
    }

    pub(crate) const fn has_server(self) -> bool {
        !matches!(self, Self::ClientOnly)
    }

    /// Returns the halves that the flag `name` selects, if it is one.
    fn of(name: &Path) -> Option<Self> {
        if name.is_ident("client_only") {
            Some(Self::ClientOnly)
        } else if name.is_ident("server_only") {
            Some(Self::ServerOnly)
        } else {
            None
        }
    }

    /// Selects `half`, whose flag has just been read.
    fn read(&mut self, half: Self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        let flag = meta.path.require_ident()?;
        let message = if *self == half {
            format!("duplicate flag `{flag}`: remove one of them")
        } else if *self != Self::Both {
            "only one of `client_only` and `server_only` is allowed: remove both to generate client and service"
                .to_owned()
        } else if meta.input.is_empty() || meta.input.peek(Token![,]) {
            *self = half;
            return Ok(());
        } else {
            *self = half;
            format!("`{flag}` does not take a value: write `{flag}`")
        };
        Err(meta.error(message))
    }
}

/// Arguments of `#[http_api(prefix = "/v1", client = Client, module = api, error = Type, crate = path)]`.
#[derive(Default)]
pub(crate) struct ApiArgs {
    pub(crate) halves: Halves,
    pub(crate) prefix: ApiArg<LitStr>,
    pub(crate) client: ApiArg<Ident>,
    pub(crate) module: ApiArg<Ident>,
    pub(crate) runtime: ApiArg<Path>,
    pub(crate) error: ApiArg<Type>,
    pub(crate) errors: ApiArg<Path>,
    pub(crate) request: ApiArg<Path>,
    pub(crate) response: ApiArg<Path>,
    /// True if the `None`s of all fields are left out of the body.
    pub(crate) omit_none: bool,
}

/// Argument of `http_api`.
#[derive(Default)]
pub(crate) enum ApiArg<T> {
    #[default]
    Missing,
    /// The argument is present but invalid. The error is already reported, so it must not be reported as
    /// missing.
    Invalid,
    Given(T),
}

impl<T> ApiArg<T> {
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Missing | Self::Invalid => None,
        }
    }

    fn read(
        &mut self,
        meta: &ParseNestedMeta<'_>,
        expected: &str,
        read: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
    ) -> syn::Result<()> {
        let name = meta.path.require_ident()?;
        if !matches!(self, Self::Missing) {
            return Err(meta.error(format_args!("duplicate argument `{name}`: remove one of them")));
        }
        *self = Self::Invalid;
        let value = meta.value().and_then(read);
        let value = value
            .map_err(|error| syn::Error::new(error.span(), format_args!("`{name}` must be {expected}")))?;
        *self = Self::Given(value);
        Ok(())
    }
}

impl ApiArgs {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let parser = syn::meta::parser(|meta| {
            let outcome = if meta.path.is_ident("prefix") {
                args.prefix.read(&meta, "a string: write `prefix = \"/v1\"`", Parse::parse)
            } else if meta.path.is_ident("client") {
                args.client.read(&meta, "a name: write `client = Client`", Parse::parse)
            } else if meta.path.is_ident("module") {
                args.module.read(&meta, "a name: write `module = api`", Parse::parse)
            } else if meta.path.is_ident("crate") {
                args.runtime.read(&meta, "a path: write `crate = ::wiretrait`", Path::parse_mod_style)
            } else if meta.path.is_ident("error") {
                args.error.read(&meta, "a type: write `error = MyError`", Parse::parse)
            } else if meta.path.is_ident("errors") {
                args.errors.read(&meta, "a path: write `errors = MyErrors`", Path::parse_mod_style)
            } else if let Some(half) = Halves::of(&meta.path) {
                args.halves.read(half, &meta)
            } else if meta.path.is_ident("request") {
                args.request.read(&meta, "a codec: write `request = Form`", Path::parse_mod_style)
            } else if meta.path.is_ident("response") {
                args.response.read(&meta, "a codec: write `response = Text`", Path::parse_mod_style)
            } else if meta.path.is_ident("omit_none") {
                if std::mem::replace(&mut args.omit_none, true) {
                    Err(meta.error("duplicate argument `omit_none`: remove one of them"))
                } else if meta.input.is_empty() || meta.input.peek(Token![,]) {
                    Ok(())
                } else {
                    Err(meta.error("`omit_none` does not take a value: write `omit_none`"))
                }
            } else {
                let unknown = meta.path.to_token_stream();
                let message = format!(
                    "unknown argument `{unknown}`: expected `client = Name`, `module = name`, `prefix = \"/…\"`, \
                     `error = Type`, `errors = path`, `request = Codec`, `response = Codec`, `crate = path`, \
                     `client_only`, `server_only` or `omit_none`"
                );
                Err(syn::Error::new_spanned(&meta.path, message))
            };
            match outcome {
                Ok(()) => Ok(()),
                // Skips the rest of an invalid argument, so that the arguments after it are still parsed.
                Err(error) => {
                    errors.push(error);
                    skip_value(meta.input)
                }
            }
        });
        let outcome = parser.parse2(tokens);
        errors.ok(outcome);
        args
    }
}

fn skip_value(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

/// Route annotation such as `#[post("/path/{placeholder}", idempotent, timeout = "5s")]`.
pub(crate) struct RouteAttr {
    pub(crate) verb: Verb,
    pub(crate) path: LitStr,
    pub(crate) idempotent: Option<bool>,
    pub(crate) timeout: Option<Duration>,
    /// Codec of the request's body.
    pub(crate) request: Option<Path>,
    /// Codec of the response's body.
    pub(crate) response: Option<Path>,
    /// Statuses that mean `None`.
    pub(crate) none: Vec<LitInt>,
    /// True if there is the flag `none`, even an invalid one, which must not cause a second error.
    pub(crate) declares_none: bool,
    /// True if the `None`s of all fields are left out of the body.
    pub(crate) omit_none: bool,
}

impl RouteAttr {
    /// Parses the route. Returns `None` only if the path is missing or unreadable.
    pub(crate) fn parse(verb: Verb, attribute: &Attribute, errors: &mut Errors) -> Option<Self> {
        let example = format!("`#[{}(\"/…\")]`", verb.attribute());
        if !matches!(attribute.meta, Meta::List(_)) {
            errors.on(attribute, format_args!("missing path: write {example}"));
            return None;
        }
        let parsed = attribute.parse_args_with(|input: ParseStream<'_>| {
            if !input.peek(LitStr) {
                return Err(if input.is_empty() {
                    syn::Error::new_spanned(attribute, format_args!("missing path: write {example}"))
                } else {
                    input.error(format_args!("the path must be the first argument: write {example}"))
                });
            }
            let mut route = Self {
                verb,
                path: input.parse()?,
                idempotent: None,
                timeout: None,
                request: None,
                response: None,
                none: Vec::new(),
                declares_none: false,
                omit_none: false,
            };
            while !input.is_empty() {
                input.parse::<Token![,]>()?;
                if input.is_empty() {
                    break;
                }
                if let Err(error) = route.parse_flag(input) {
                    errors.push(error);
                    skip_value(input)?;
                }
            }
            Ok(route)
        });
        errors.ok(parsed)
    }

    fn parse_flag(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let Ok(flag) = input.call(Ident::parse_any) else {
            return Err(input.error(format_args!("invalid flag: {FLAGS}")));
        };
        if flag == "idempotent" || flag == "not_idempotent" {
            if !(input.is_empty() || input.peek(Token![,])) {
                let message =
                    format!("`{flag}` does not take a value: write either `idempotent` or `not_idempotent`");
                return Err(syn::Error::new(flag.span(), message));
            }
            if self.idempotent.replace(flag == "idempotent").is_some() {
                let message = format!(
                    "only one of `idempotent` and `not_idempotent` is allowed: remove `{flag}` or the flag before it"
                );
                return Err(syn::Error::new(flag.span(), message));
            }
        } else if flag == "timeout" {
            let timeout = if input.peek(Token![=]) && input.peek2(LitStr) {
                input.parse::<Token![=]>()?;
                let literal: LitStr = input.parse()?;
                parse_duration(&literal)?
            } else {
                return Err(syn::Error::new(
                    flag.span(),
                    "`timeout` must be a string with a unit: write `timeout = \"5s\"`",
                ));
            };
            if self.timeout.replace(timeout).is_some() {
                return Err(syn::Error::new(flag.span(), "duplicate flag `timeout`: remove one of them"));
            }
        } else if flag == "request" {
            parse_codec(&flag, &mut self.request, input)?;
        } else if flag == "response" {
            parse_codec(&flag, &mut self.response, input)?;
        } else if flag == "none" {
            if !self.none.is_empty() {
                let message =
                    "duplicate flag `none`: write all statuses in one list, such as `none = [404, 410]`";
                return Err(syn::Error::new(flag.span(), message));
            }
            self.declares_none = true;
            self.none = parse_statuses(&flag, input)?;
        } else if flag == "omit_none" {
            if !(input.is_empty() || input.peek(Token![,])) {
                return Err(syn::Error::new(
                    flag.span(),
                    "`omit_none` does not take a value: write `omit_none`",
                ));
            }
            if std::mem::replace(&mut self.omit_none, true) {
                return Err(syn::Error::new(flag.span(), "duplicate flag `omit_none`: remove one of them"));
            }
        } else {
            return Err(syn::Error::new(flag.span(), format_args!("unknown flag `{flag}`: {FLAGS}")));
        }
        Ok(())
    }
}

/// Parses `= path` after the flag `request` or `response`.
fn parse_codec(flag: &Ident, codec: &mut Option<Path>, input: ParseStream<'_>) -> syn::Result<()> {
    let example = if flag == "request" { "Form" } else { "Text" };
    let parsed = input.parse::<Token![=]>().and_then(|_| input.call(Path::parse_mod_style));
    let path = parsed.map_err(|_| {
        syn::Error::new(flag.span(), format_args!("`{flag}` must be a codec: write `{flag} = {example}`"))
    })?;
    if codec.replace(path).is_some() {
        return Err(syn::Error::new(
            flag.span(),
            format_args!("duplicate flag `{flag}`: remove one of them"),
        ));
    }
    Ok(())
}

/// Parses `= 404` or `= [404, 410]` after the flag `none`.
fn parse_statuses(flag: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<LitInt>> {
    let parse = || {
        input.parse::<Token![=]>()?;
        if !input.peek(syn::token::Bracket) {
            return Ok(vec![input.parse::<LitInt>()?]);
        }
        let list;
        syn::bracketed!(list in input);
        Ok(list.parse_terminated(<LitInt as Parse>::parse, Token![,])?.into_iter().collect())
    };
    let statuses: Vec<LitInt> = parse().unwrap_or_default();
    if statuses.is_empty() {
        let message = "`none` must be one or several statuses: write `none = 404` or `none = [404, 410]`";
        return Err(syn::Error::new(flag.span(), message));
    }
    for status in &statuses {
        if !status.base10_parse::<u16>().is_ok_and(|status| (200..=599).contains(&status)) {
            let message = format!("`{status}` is not a valid status: write a number from 200 to 599");
            return Err(syn::Error::new(status.span(), message));
        }
        let why = match status.base10_digits() {
            "200" => "is the status of a response with a value, which would be lost",
            "204" | "205" => "never has a value, and is `None` without this flag",
            _ => continue,
        };
        let message = format!("`{status}` {why}: write the status of a missing value, such as `none = 404`");
        return Err(syn::Error::new(status.span(), message));
    }
    Ok(statuses)
}

/// Valid flags of a route, for error messages.
const FLAGS: &str = "expected `idempotent`, `not_idempotent`, `timeout = \"5s\"`, `none = 404`, `omit_none`, \
                     `request = Codec` or `response = Codec`";

/// Parses a positive whole number and a unit: `250ms`, `5s`, `2m`.
fn parse_duration(literal: &LitStr) -> syn::Result<Duration> {
    let value = literal.value();
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let millis_per_unit = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        _ => None,
    };
    number
        .parse::<u64>()
        .ok()
        .filter(|&number| number > 0)
        .zip(millis_per_unit)
        .and_then(|(number, millis)| number.checked_mul(millis))
        .map(Duration::from_millis)
        .ok_or_else(|| {
            let message = format!(
                "`{value}` is not a valid timeout: write a positive whole number and `ms`, `s` or `m`, such as `250ms`"
            );
            syn::Error::new(literal.span(), message)
        })
}

/// Part of the request that an argument is annotated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaceKind {
    Path,
    Query,
    Header,
    Field,
    Body,
    Correlation,
}

impl PlaceKind {
    const ALL: [Self; 6] =
        [Self::Path, Self::Query, Self::Header, Self::Field, Self::Body, Self::Correlation];

    /// Returns the name of the annotation.
    pub(crate) const fn attribute(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Field => "field",
            Self::Body => "body",
            Self::Correlation => "correlation",
        }
    }

    /// Returns the flags that the annotation can have.
    const fn flags(self) -> &'static [Flag] {
        match self {
            Self::Path => &[Flag::Display, Flag::Serde],
            Self::Query => &[Flag::Display, Flag::Serde, Flag::Comma, Flag::Brackets, Flag::Flatten],
            Self::Header => &[Flag::Display, Flag::Serde, Flag::Comma],
            Self::Field => &[Flag::OmitNone],
            Self::Body | Self::Correlation => &[],
        }
    }
}

/// Flag of an annotation, which changes how the value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    /// The value is written by its `Display` and read by its `FromStr`.
    Display,
    /// The value is written and read by serde.
    Serde,
    /// The values of a list are joined by commas.
    Comma,
    /// The name of a list ends in `[]`.
    Brackets,
    /// Each field of the value is a query parameter.
    Flatten,
    /// A `None` is left out of the body.
    OmitNone,
}

impl Flag {
    const ALL: [Self; 6] =
        [Self::Display, Self::Serde, Self::Comma, Self::Brackets, Self::Flatten, Self::OmitNone];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Display => "display",
            Self::Serde => "serde",
            Self::Comma => "comma",
            Self::Brackets => "brackets",
            Self::Flatten => "flatten",
            Self::OmitNone => "omit_none",
        }
    }

    /// Returns whether only one of both flags makes sense.
    fn excludes(self, other: Self) -> bool {
        let is = |a, b| (self, other) == (a, b) || (self, other) == (b, a);
        is(Self::Display, Self::Serde)
            || is(Self::Comma, Self::Brackets)
            || self == Self::Flatten
            || other == Self::Flatten
    }
}

/// Argument annotation: `#[query]`, `#[query("name")]`, `#[query("name", display, comma)]`,
/// `#[header("x-name")]`, `#[field]`, `#[body]` or `#[correlation]`.
pub(crate) struct PlaceAttr<'a> {
    pub(crate) kind: PlaceKind,
    /// Name on the wire, if it is given explicitly.
    pub(crate) name: Option<LitStr>,
    /// Codec of the body, such as `Form` in `#[body(Form)]`.
    pub(crate) codec: Option<Path>,
    /// Flags in the order in which they are given, each with its token.
    pub(crate) flags: Vec<(Flag, Ident)>,
    pub(crate) attribute: &'a Attribute,
}

/// Returns whether `attribute` annotates an argument with a part of the request.
pub(crate) fn is_place(attribute: &Attribute) -> bool {
    ["query", "header", "field", "body", "path", "correlation"]
        .iter()
        .any(|place| attribute.path().is_ident(place))
}

/// Valid annotations of an argument, for error messages.
pub(crate) const PLACES: &str = "`#[query]`, `#[header(\"…\")]`, `#[field]`, `#[body]` or `#[correlation]`";

impl<'a> PlaceAttr<'a> {
    pub(crate) fn parse(attribute: &'a Attribute) -> syn::Result<Self> {
        let path = attribute.path();
        let Some(kind) = PlaceKind::ALL.into_iter().find(|kind| path.is_ident(kind.attribute())) else {
            let name = path.to_token_stream();
            let message = format!("unknown annotation `#[{name}]`: expected {PLACES}");
            return Err(syn::Error::new_spanned(attribute, message));
        };
        if kind == PlaceKind::Body
            && let Meta::List(list) = &attribute.meta
            && let Ok(codec) = list.parse_args_with(Path::parse_mod_style)
        {
            return Ok(Self { kind, name: None, codec: Some(codec), flags: Vec::new(), attribute });
        }
        let mut place = Self { kind, name: None, codec: None, flags: Vec::new(), attribute };
        match &attribute.meta {
            Meta::Path(_) => {}
            Meta::List(_) => {
                attribute.parse_args_with(|input: ParseStream<'_>| place.parse_arguments(input))?;
            }
            Meta::NameValue(_) => {
                let name = kind.attribute();
                let message =
                    format!("the name on the wire must be in parentheses: write `#[{name}(\"…\")]`");
                return Err(syn::Error::new_spanned(attribute, message));
            }
        }
        Ok(place)
    }

    /// Returns whether the annotation has `flag`.
    pub(crate) fn has(&self, flag: Flag) -> bool {
        self.flag(flag).is_some()
    }

    /// Returns the token of `flag`, if the annotation has it.
    pub(crate) fn flag(&self, flag: Flag) -> Option<&Ident> {
        self.flags.iter().find_map(|(given, token)| (*given == flag).then_some(token))
    }

    /// Parses the optional name on the wire and the flags after it.
    fn parse_arguments(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let is_a_word = input.peek(Ident::peek_any);
        if input.is_empty() || !(input.peek(LitStr) || (is_a_word && !self.kind.flags().is_empty())) {
            return Err(input.error("the name on the wire must be a string, such as `\"user_id\"`"));
        }
        if input.peek(LitStr) {
            self.name = Some(input.parse()?);
        } else {
            self.parse_flag(input)?;
        }
        while !input.is_empty() {
            input.parse::<Token![,]>().map_err(|error| {
                syn::Error::new(error.span(), "expected `,` between the arguments of an annotation")
            })?;
            if input.is_empty() {
                break;
            }
            self.parse_flag(input)?;
        }
        Ok(())
    }

    fn parse_flag(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let kind = self.kind.attribute();
        let valid = self.kind.flags();
        let expected = || match valid {
            [] => format!("`#[{kind}]` does not have flags"),
            [flag] => format!("expected `{}`", flag.name()),
            [flags @ .., last] => {
                let flags: Vec<_> = flags.iter().map(|flag| format!("`{}`", flag.name())).collect();
                format!("expected {} or `{}`", flags.join(", "), last.name())
            }
        };
        if input.peek(LitStr) {
            let message = "the name on the wire must be the first argument, and there is only one";
            return Err(input.error(message));
        }
        let Ok(token) = input.call(Ident::parse_any) else {
            return Err(input.error(format_args!("invalid flag: {}", expected())));
        };
        let Some(flag) = Flag::ALL.into_iter().find(|flag| token == flag.name()) else {
            let name = if self.name.is_none() && self.flags.is_empty() {
                format!(", or the name on the wire as a string: `\"{token}\"`")
            } else {
                String::new()
            };
            return Err(syn::Error::new(
                token.span(),
                format_args!("unknown flag `{token}`: {}{name}", expected()),
            ));
        };
        if !valid.contains(&flag) {
            let message = format!("`{token}` is not a flag of `#[{kind}]`: {}", expected());
            return Err(syn::Error::new(token.span(), message));
        }
        if !(input.is_empty() || input.peek(Token![,])) {
            let message = format!("`{token}` does not take a value: write `{token}`");
            return Err(syn::Error::new(token.span(), message));
        }
        for (earlier, _) in &self.flags {
            if *earlier == flag {
                let message = format!("duplicate flag `{token}`: remove one of them");
                return Err(syn::Error::new(token.span(), message));
            }
            if earlier.excludes(flag) {
                let message =
                    format!("`{}` and `{token}` exclude each other: remove one of them", earlier.name());
                return Err(syn::Error::new(token.span(), message));
            }
        }
        self.flags.push((flag, token));
        Ok(())
    }
}
