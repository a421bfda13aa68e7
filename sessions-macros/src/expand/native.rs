//! The trait itself, as users implement and call it.
//!
//! `async fn` becomes `fn … -> impl Future + Send`: a plain `async fn` still implements it, and a body that
//! is not `Send` is reported at its own line. Boxed futures (`async_trait`) were refused: they cost every
//! caller an allocation and every implementor an attribute.

use super::site;
use crate::model::{Api, Operation};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{FnArg, ItemTrait, Path, ReceiverKind, ReturnType, TraitItem, TraitItemFn, Type};

/// More arguments than this, `self` included, and clippy speaks up.
const CLIPPY_LIMIT: usize = 7;

pub(super) fn expand(api: &Api) -> TokenStream {
    let runtime = &api.runtime;
    let mut item = ItemTrait { generics: api.declared.clone(), ..api.item.clone() };
    item.supertraits.push(syn::parse_quote!(#runtime::__private::Send));
    item.supertraits.push(syn::parse_quote!(#runtime::__private::Sync));
    item.colon_token.get_or_insert_with(Default::default);
    let mut methods = api.methods.iter();
    for member in &mut item.items {
        match member {
            TraitItem::Fn(method) => match methods.next() {
                Some(Some(operation)) => promise(runtime, method, operation),
                _ => excuse(runtime, method),
            },
            // It is a mistake, and nobody has to make up for it.
            TraitItem::Const(constant) if constant.default.is_none() => {
                constant.default =
                    Some((syn::token::Eq::default(), syn::parse_quote!(#runtime::__private::broken())));
            }
            _ => {}
        }
    }
    quote!(#item)
}

fn promise(runtime: &Path, method: &mut TraitItemFn, operation: &Operation) {
    let line = format!("\n\n`{} {}`", operation.verb.method(), operation.template);
    method.attrs.push(syn::parse_quote!(#[doc = #line]));
    if method.sig.inputs.len() > CLIPPY_LIMIT {
        method.attrs.push(syn::parse_quote!(#[allow(clippy::too_many_arguments)]));
    }
    method.sig.asyncness = None;
    let output = &operation.output;
    method.sig.output = syn::parse_quote_spanned! { site(output) =>
        -> impl #runtime::__private::Future<Output = #output> + #runtime::__private::Send
    };
}

/// Turns a method whose mistake is reported into one that type-checks wherever it is called or
/// implemented, and that need not be implemented.
fn excuse(runtime: &Path, method: &mut TraitItemFn) {
    let private = quote!(#runtime::__private);
    let broken = quote!(#private::broken());
    let signature = &mut method.sig;
    let body = if signature.asyncness.take().is_some() {
        let output = match &signature.output {
            ReturnType::Type(_, ty) => quote!(#ty),
            ReturnType::Default => quote!(()),
        };
        // What is generic over its own parameters cannot promise that they are `Send`.
        let send = signature.generics.type_params().next().is_none().then(|| quote!(+ #private::Send));
        signature.output = syn::parse_quote!(-> impl #private::Future<Output = #output> #send);
        quote!({ async { #broken } })
    } else if matches!(&signature.output, ReturnType::Type(_, ty) if matches!(**ty, Type::ImplTrait(_))) {
        // The one trait that an answer is likely to be hidden behind.
        quote!({ async { #broken } })
    } else {
        quote!({ #broken })
    };
    let by_value =
        |input: &FnArg| matches!(input, FnArg::Receiver(r) if matches!(r.kind, ReceiverKind::Value));
    if signature.inputs.first().is_some_and(by_value) {
        signature.generics.make_where_clause().predicates.push(syn::parse_quote!(Self: #private::Sized));
    }
    method.attrs.push(syn::parse_quote!(#[allow(unused_variables, unused_mut)]));
    method.default = Some(syn::parse_quote!(#body));
    method.semi_token = None;
}
