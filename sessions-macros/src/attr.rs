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
use syn::{Attribute, Ident, LitStr, Meta, Path, Token};

/// HTTP method of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    pub(crate) const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// Returns the name of the annotation, which is the method in lower case.
    pub(crate) const fn attribute(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// Returns the method in upper case, which is also the name of its constant in `http::Method`.
    pub(crate) fn method(self) -> String {
        self.attribute().to_ascii_uppercase()
    }

    /// Returns whether the method may be retried by default (RFC 9110, section 9.2.2).
    pub(crate) const fn is_idempotent(self) -> bool {
        matches!(self, Self::Get | Self::Put | Self::Delete)
    }

    /// Returns whether a request has a JSON body even if no argument is a field.
    pub(crate) const fn always_has_a_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }

    /// Returns the method that `attribute` names, if it is a route annotation.
    pub(crate) fn of(attribute: &Attribute) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| attribute.path().is_ident(verb.attribute()))
    }
}

/// Arguments of `#[http_api(prefix = "/v1", client = Client, module = api, errors = path, crate = path)]`.
#[derive(Default)]
pub(crate) struct ApiArgs {
    pub(crate) prefix: ApiArg<LitStr>,
    pub(crate) client: ApiArg<Ident>,
    pub(crate) module: ApiArg<Ident>,
    pub(crate) runtime: ApiArg<Path>,
    pub(crate) errors: ApiArg<Path>,
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
            } else if meta.path.is_ident("errors") {
                args.errors.read(&meta, "a path: write `errors = MyErrors`", Path::parse_mod_style)
            } else {
                let unknown = meta.path.to_token_stream();
                let message = format!(
                    "unknown argument `{unknown}`: expected `client = Name`, `module = name`, `prefix = \"/…\"`, \
                     `errors = path` or `crate = path`"
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
            let mut route = Self { verb, path: input.parse()?, idempotent: None, timeout: None };
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
        } else {
            return Err(syn::Error::new(flag.span(), format_args!("unknown flag `{flag}`: {FLAGS}")));
        }
        Ok(())
    }
}

/// Valid flags of a route, for error messages.
const FLAGS: &str = "expected `idempotent`, `not_idempotent` or `timeout = \"5s\"`";

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
    Query,
    Header,
    Field,
    Body,
    Correlation,
}

/// Argument annotation: `#[query]`, `#[query("name")]`, `#[header("x-name")]`, `#[field]`, `#[body]` or
/// `#[correlation]`.
pub(crate) struct PlaceAttr<'a> {
    pub(crate) kind: PlaceKind,
    /// Name on the wire, if it is given explicitly.
    pub(crate) name: Option<LitStr>,
    pub(crate) attribute: &'a Attribute,
}

/// Valid annotations of an argument, for error messages.
pub(crate) const PLACES: &str = "`#[query]`, `#[header(\"…\")]`, `#[field]`, `#[body]` or `#[correlation]`";

impl<'a> PlaceAttr<'a> {
    pub(crate) fn parse(attribute: &'a Attribute) -> syn::Result<Self> {
        let path = attribute.path();
        let kind = if path.is_ident("query") {
            PlaceKind::Query
        } else if path.is_ident("header") {
            PlaceKind::Header
        } else if path.is_ident("field") {
            PlaceKind::Field
        } else if path.is_ident("body") {
            PlaceKind::Body
        } else if path.is_ident("correlation") {
            PlaceKind::Correlation
        } else {
            let name = path.to_token_stream();
            let message = format!("unknown annotation `#[{name}]`: expected {PLACES}");
            return Err(syn::Error::new_spanned(attribute, message));
        };
        let name = match &attribute.meta {
            Meta::Path(_) => None,
            Meta::List(_) => Some(attribute.parse_args::<LitStr>().map_err(|error| {
                syn::Error::new(error.span(), "the name on the wire must be a string, such as `\"user_id\"`")
            })?),
            Meta::NameValue(_) => {
                let name = path.require_ident()?;
                let message =
                    format!("the name on the wire must be in parentheses: write `#[{name}(\"…\")]`");
                return Err(syn::Error::new_spanned(attribute, message));
            }
        };
        Ok(Self { kind, name, attribute })
    }
}
