//! The syntax of the annotations: `#[http_api(…)]`, `#[post("/…", …)]`, `#[field]` and their siblings.
//!
//! What is read here is only well-formed; whether it makes sense is decided in `model`.

use crate::errors::Errors;
use proc_macro2::TokenStream;
use quote::ToTokens;
use std::time::Duration;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Ident, LitStr, Meta, Path, Token};

/// The HTTP methods, by the name of the annotation that asks for them.
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

    /// The annotation, which is also the method in lower case.
    pub(crate) const fn attribute(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// The method as it is sent, and the name of its constant in `http::Method`.
    pub(crate) fn method(self) -> String {
        self.attribute().to_ascii_uppercase()
    }

    /// RFC 9110, 9.2.2: what may be repeated when the route says nothing.
    pub(crate) const fn is_idempotent(self) -> bool {
        matches!(self, Self::Get | Self::Put | Self::Delete)
    }

    /// Whether a request carries a JSON object even when it has no field to put in it.
    pub(crate) const fn always_has_a_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }

    pub(crate) fn of(attribute: &Attribute) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| attribute.path().is_ident(verb.attribute()))
    }
}

/// `#[http_api(prefix = "/v1", client = Client, module = api, crate = path)]`
#[derive(Default)]
pub(crate) struct ApiArgs {
    pub(crate) prefix: Given<LitStr>,
    pub(crate) client: Given<Ident>,
    pub(crate) module: Given<Ident>,
    pub(crate) runtime: Given<Path>,
}

/// An argument of `http_api`.
#[derive(Default)]
pub(crate) enum Given<T> {
    #[default]
    No,
    /// It could not be read, which is noted: it is not missing on top of that.
    Broken,
    Yes(T),
}

impl<T> Given<T> {
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Yes(value) => Some(value),
            Self::No | Self::Broken => None,
        }
    }

    fn read(
        &mut self,
        meta: &ParseNestedMeta<'_>,
        expected: &str,
        read: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
    ) -> syn::Result<()> {
        let name = meta.path.require_ident()?;
        if !matches!(self, Self::No) {
            return Err(meta.error(format_args!("`{name}` is given twice: drop one of the two")));
        }
        *self = Self::Broken;
        let value = meta.value().and_then(read);
        let value =
            value.map_err(|error| syn::Error::new(error.span(), format_args!("`{name}` is {expected}")))?;
        *self = Self::Yes(value);
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
                args.runtime.read(&meta, "a path: write `crate = ::sessions_client`", Path::parse_mod_style)
            } else {
                let unknown = meta.path.to_token_stream();
                let message = format!(
                    "unknown argument `{unknown}`: `http_api` takes `prefix = \"/…\"`, `client = Name`, \
                     `module = name` and `crate = path`"
                );
                Err(syn::Error::new_spanned(&meta.path, message))
            };
            match outcome {
                Ok(()) => Ok(()),
                // What is left of an argument that could not be read must not stop the ones after it.
                Err(error) => {
                    errors.push(error);
                    skip_value(meta.input)
                }
            }
        });
        let outcome = parser.parse2(tokens);
        errors.keep(outcome);
        args
    }
}

fn skip_value(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

/// `#[post("/path/{placeholder}", idempotent, timeout = "5s")]`
pub(crate) struct RouteAttr {
    pub(crate) verb: Verb,
    pub(crate) path: LitStr,
    pub(crate) idempotent: Option<bool>,
    pub(crate) timeout: Option<Duration>,
}

impl RouteAttr {
    /// Reads the route; `None` only where there is no path to go on with.
    pub(crate) fn parse(verb: Verb, attribute: &Attribute, errors: &mut Errors) -> Option<Self> {
        let example = format!("`#[{}(\"/…\")]`", verb.attribute());
        if !matches!(attribute.meta, Meta::List(_)) {
            errors.on(attribute, format_args!("a route needs its path: write {example}"));
            return None;
        }
        let parsed = attribute.parse_args_with(|input: ParseStream<'_>| {
            if !input.peek(LitStr) {
                let message = format!("a route begins with its path: write {example}");
                return Err(if input.is_empty() {
                    syn::Error::new_spanned(attribute, message)
                } else {
                    input.error(message)
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
        errors.keep(parsed)
    }

    fn parse_flag(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let Ok(flag) = input.call(Ident::parse_any) else {
            return Err(input.error(format_args!("a flag is a word: {FLAGS}")));
        };
        if flag == "idempotent" || flag == "unsafe_to_repeat" {
            if !(input.is_empty() || input.peek(Token![,])) {
                let message = format!(
                    "`{flag}` takes no value: write the one that is true of the operation, `idempotent` or \
                     `unsafe_to_repeat`"
                );
                return Err(syn::Error::new(flag.span(), message));
            }
            if self.idempotent.replace(flag == "idempotent").is_some() {
                let message =
                    "say once whether the operation may be repeated: `idempotent` or `unsafe_to_repeat`";
                return Err(syn::Error::new(flag.span(), message));
            }
        } else if flag == "timeout" {
            let timeout = if input.peek(Token![=]) && input.peek2(LitStr) {
                input.parse::<Token![=]>()?;
                let literal: LitStr = input.parse()?;
                parse_duration(&literal)?
            } else {
                return Err(syn::Error::new(flag.span(), "a timeout is written `timeout = \"5s\"`"));
            };
            if self.timeout.replace(timeout).is_some() {
                return Err(syn::Error::new(flag.span(), "`timeout` is given twice: drop one of the two"));
            }
        } else {
            return Err(syn::Error::new(flag.span(), format_args!("unknown flag `{flag}`: {FLAGS}")));
        }
        Ok(())
    }
}

/// What a route takes besides its path, for messages.
const FLAGS: &str = "after its path a route takes `idempotent`, `unsafe_to_repeat` and `timeout = \"5s\"`";

/// `250ms`, `5s`, `2m`: a whole number above zero and a unit.
fn parse_duration(literal: &LitStr) -> syn::Result<Duration> {
    let text = literal.value();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let millis_a_unit = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        _ => None,
    };
    number
        .parse::<u64>()
        .ok()
        .filter(|&number| number > 0)
        .zip(millis_a_unit)
        .and_then(|(number, millis)| number.checked_mul(millis))
        .map(Duration::from_millis)
        .ok_or_else(|| {
            let message = format!(
                "`{text}` is no timeout: write a whole number above zero and `ms`, `s` or `m`, like `250ms`"
            );
            syn::Error::new(literal.span(), message)
        })
}

/// The place that an annotation of an argument asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaceKind {
    Query,
    Header,
    Field,
    Body,
    Correlation,
}

/// `#[query]`, `#[query("name")]`, `#[header("x-name")]`, `#[field]`, `#[body]`, `#[correlation]`
pub(crate) struct PlaceAttr<'a> {
    pub(crate) kind: PlaceKind,
    /// The name on the wire, where it differs from the argument's.
    pub(crate) name: Option<LitStr>,
    pub(crate) attribute: &'a Attribute,
}

/// What an argument can be annotated with, for messages.
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
            let message = format!("unknown annotation `#[{name}]`: an argument takes {PLACES}");
            return Err(syn::Error::new_spanned(attribute, message));
        };
        let name = match &attribute.meta {
            Meta::Path(_) => None,
            Meta::List(_) => Some(attribute.parse_args::<LitStr>().map_err(|error| {
                syn::Error::new(error.span(), "the name on the wire is one string, like `\"user_id\"`")
            })?),
            Meta::NameValue(_) => {
                let name = path.require_ident()?;
                let message = format!("write the name on the wire in parentheses: `#[{name}(\"…\")]`");
                return Err(syn::Error::new_spanned(attribute, message));
            }
        };
        Ok(Self { kind, name, attribute })
    }
}
