//! Documentation of generated items: the route, the part of the request that carries each argument, and retries.

use crate::model::{NoneAs, Operation, Param, Place, is_header};
use proc_macro2::TokenStream;
use quote::quote;

/// Returns what separates the documentation of an operation from that of its request: a heading, because the former may
/// end with a section, such as `# Errors`.
fn gap(operation: &Operation) -> &'static str {
    if operation.docs.is_empty() { "\n\n" } else { "\n\n# Request\n\n" }
}

/// Returns the end of the documentation of a method: its route, its arguments and its retries.
pub(super) fn operation(operation: &Operation) -> String {
    let arguments = operation.params.iter().map(|param| format!("\n- `{}`: {}", param.name(), places(param)));
    let arguments: String = arguments.collect();
    let end = if arguments.is_empty() { "" } else { "\n" };
    format!("{}`{}`\n{arguments}{end}\n{}", gap(operation), route(operation), retries(operation))
}

/// Returns the documentation of an operation's struct: the first line `about`, that of the operation, its route and its
/// retries.
pub(super) fn operation_struct(operation: &Operation, about: &str) -> TokenStream {
    let docs = &operation.docs;
    let end = format!("{}`{}`\n\n{}", gap(operation), route(operation), retries(operation));
    if docs.is_empty() {
        let doc = format!("{about}{end}");
        return quote!(#[doc = #doc]);
    }
    let about = format!("{about}\n\n");
    quote!(#[doc = #about] #(#docs)* #[doc = #end])
}

fn route(operation: &Operation) -> String {
    format!("{} {}", operation.verb.method(), operation.template)
}

fn retries(operation: &Operation) -> &'static str {
    if operation.idempotent {
        "It is idempotent: clients may retry it after any transient failure."
    } else {
        "It is not idempotent: clients retry it only if the service has not processed the request."
    }
}

/// Returns the documentation of an argument as a field of a struct.
pub(super) fn argument(param: &Param) -> TokenStream {
    let (docs, sent) = (&param.docs, sentence(param));
    let default = docs.is_empty().then(|| format!("Argument `{}`.", param.name()));
    let sent = format!("{}\n\n{sent}", default.unwrap_or_default());
    quote!(#(#docs)* #[doc = #sent])
}

/// Returns the documentation of a setter.
pub(super) fn setter(param: &Param) -> TokenStream {
    let first = format!("Sets the optional argument `{}`.\n\n", param.name());
    let (docs, sent) = (&param.docs, sentence(param));
    if docs.is_empty() {
        let doc = first + &sent;
        return quote!(#[doc = #doc]);
    }
    let sent = format!("\n\n{sent}");
    quote!(#[doc = #first] #(#docs)* #[doc = #sent])
}

/// Returns a sentence about the part of the request that carries the argument, and about `None`.
fn sentence(param: &Param) -> String {
    let places = places(param);
    let is_body = param.places.contains(&Place::Body);
    let none = match param.none_as {
        _ if !param.is_optional() || is_body => "",
        NoneAs::Null if param.is_in_body() => " `None` is `null` in a JSON body, and is not sent elsewhere.",
        NoneAs::OmittedOrNull => " `None` is not sent, and `Some(None)` is sent as `null`.",
        NoneAs::Null | NoneAs::Omitted => " `None` is not sent.",
    };
    format!("Sent as {places}.{none}")
}

/// Describes the parts of the request that carry the argument.
fn places(param: &Param) -> String {
    let places = param.places.iter().map(|place| match place {
        Place::Path(name) => format!("`{{{name}}}` in the path"),
        Place::Query(name) => format!("the query parameter `{name}`"),
        Place::QueryList(name) => format!("the query parameter `{name}`, with commas between the values"),
        Place::QueryFields => "one query parameter for each of its fields".to_owned(),
        Place::Header(name) => format!("the header `{name}`"),
        Place::HeaderList(name) => format!("the header `{name}`, with commas between the values"),
        Place::Field(name) => format!("the field `{name}` of the body"),
        Place::Body => "the body".to_owned(),
        Place::Correlation(name) if is_header(name) => format!("the header `{name}`, a correlation id"),
        Place::Correlation(name) => {
            format!("the correlation id `{name}`, in the query, a header or both, as the client is set up")
        }
    });
    places.collect::<Vec<_>>().join(" and ")
}
