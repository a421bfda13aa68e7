//! Constant headers and query parameters, which a contract or an operation declares: `#[header("x-a", "b")]`.

use super::param::{invalid_header_name, is_header_name, is_media_type, is_set_by_transports};
use super::{Operation, Place};
use crate::errors::Errors;
use proc_macro2::{Span, TokenTree};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, LitStr, Meta, Token};

/// Constant headers and query parameters.
#[derive(Clone, Default)]
pub(crate) struct Constants {
    /// Headers, with names in lower case.
    pub(crate) headers: Vec<Constant>,
    /// Query parameters. A name may occur several times.
    pub(crate) queries: Vec<Constant>,
}

#[derive(Clone)]
pub(crate) struct Constant {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Headers that belong to the connection, besides those that transports set.
const OF_THE_CONNECTION: [&str; 8] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

impl Constants {
    /// Returns whether `name` is that of an annotation for constants.
    pub(crate) fn is_annotation(name: &Ident) -> bool {
        name == "header" || name == "query"
    }

    /// Removes the annotations from `attributes` and reads them.
    pub(crate) fn take(attributes: &mut Vec<Attribute>, errors: &mut Errors) -> Self {
        let mut constants = Self::default();
        attributes.retain(|attribute| match attribute.path().get_ident() {
            Some(name) if Self::is_annotation(name) => {
                let outcome = constants.add(name, attribute);
                errors.ok(outcome);
                false
            }
            Some(name) if name == "cfg_attr" && is_conditional(attribute) => {
                errors.on(
                    attribute,
                    "`#[cfg_attr]` is not supported here: it is expanded after this macro. Use `#[cfg]` on the trait",
                );
                false
            }
            _ => true,
        });
        constants
    }

    fn add(&mut self, kind: &Ident, attribute: &Attribute) -> syn::Result<()> {
        let example = if kind == "header" { "\"x-api-version\", \"2\"" } else { "\"per_page\", \"100\"" };
        let parse = Punctuated::<LitStr, Token![,]>::parse_terminated;
        let literals = match &attribute.meta {
            Meta::List(_) => attribute.parse_args_with(parse).ok(),
            Meta::Path(_) | Meta::NameValue(_) => None,
        };
        let literals: Vec<_> = literals.into_iter().flatten().collect();
        let [name, value] = &literals[..] else {
            let message = format!(
                "`#[{kind}]` here requires a constant name and value: write `#[{kind}({example})]`, or annotate an \
                 argument instead"
            );
            return Err(syn::Error::new_spanned(attribute, message));
        };
        let constant = Constant { name: name.value(), value: value.value() };
        if kind == "header" {
            self.add_header(constant, name.span(), value.span())
        } else if constant.name.is_empty() {
            Err(syn::Error::new(name.span(), "the name of the query parameter is empty: write a name"))
        } else {
            self.queries.push(constant);
            Ok(())
        }
    }

    fn add_header(&mut self, header: Constant, name_span: Span, value_span: Span) -> syn::Result<()> {
        let Constant { name: written, value } = header;
        let name = written.to_ascii_lowercase();
        if !is_header_name(&name) {
            return Err(syn::Error::new(name_span, invalid_header_name(&written)));
        }
        if is_set_by_transports(&name) || OF_THE_CONNECTION.contains(&&*name) {
            let message = format!("`{name}` is set by the client: remove this header");
            return Err(syn::Error::new(name_span, message));
        }
        let is_safe = value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) && value.trim() == value;
        if !is_safe {
            let message = "the value of a header cannot have control characters, non-ASCII characters, or spaces at its \
                           start or end: remove them";
            return Err(syn::Error::new(value_span, message));
        }
        if self.headers.iter().any(|other| other.name == name) {
            let message = format!(
                "duplicate header `{name}`: remove one of them, or write both values into one, separated by `, `"
            );
            return Err(syn::Error::new(name_span, message));
        }
        self.headers.push(Constant { name, value });
        Ok(())
    }

    /// Adds those of `contract` whose names are not declared here, in front.
    fn inherit(&mut self, contract: &Self) {
        let add = |own: &mut Vec<Constant>, inherited: &[Constant]| {
            let is_own = |name: &str| own.iter().any(|constant| constant.name == name);
            let mut all: Vec<_> =
                inherited.iter().filter(|constant| !is_own(&constant.name)).cloned().collect();
            all.append(own);
            *own = all;
        };
        add(&mut self.headers, &contract.headers);
        add(&mut self.queries, &contract.queries);
    }

    /// Returns the annotation of the constant that `place` would duplicate.
    fn repeated_by(&self, place: &Place) -> Option<String> {
        let header = |name: &str| {
            let name = name.to_ascii_lowercase();
            self.headers.iter().any(|header| header.name == name).then(|| format!("#[header(\"{name}\", …)]"))
        };
        let query = |name: &str| {
            self.queries.iter().any(|query| query.name == name).then(|| format!("#[query(\"{name}\", …)]"))
        };
        match place {
            Place::Header(name) | Place::HeaderList(name) => header(name),
            Place::Query(name) | Place::QueryList(name) => query(name),
            Place::Correlation(name) => header(name).or_else(|| query(name)),
            _ => None,
        }
    }
}

/// Returns whether a `#[cfg_attr]` contains an annotation for constants.
fn is_conditional(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    list.tokens
        .clone()
        .into_iter()
        .any(|token| matches!(token, TokenTree::Ident(name) if Constants::is_annotation(&name)))
}

/// Adds the constants of the contract to those of its operations. Reports and removes operations with an
/// argument of the same name.
pub(super) fn inherit(methods: &mut [Option<Operation>], contract: &Constants, errors: &mut Errors) {
    for method in methods {
        let Some(operation) = method else { continue };
        let own = operation.constants.clone();
        operation.constants.inherit(contract);
        let mut is_valid = true;
        for param in &operation.params {
            let constant = param.places.iter().find_map(|place| {
                // An argument replaces the media type of the contract.
                let replaces = matches!(place, Place::Header(name) if is_media_type(name));
                (if replaces { &own } else { &operation.constants }).repeated_by(place)
            });
            if let Some(constant) = constant {
                let message = format!(
                    "`{}` has the name of the constant `{constant}`: remove the argument or the constant",
                    param.ident
                );
                errors.on(&param.ident, message);
                is_valid = false;
            }
        }
        if !is_valid {
            *method = None;
        }
    }
}
