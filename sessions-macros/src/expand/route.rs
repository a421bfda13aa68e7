//! The route of each operation and the route table, which describe the contract as data.

use super::Scope;
use crate::model::{Operation, Param, Place};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

pub(super) fn expand(scope: &Scope<'_>, operation: &Operation) -> TokenStream {
    let Scope { api, rt, private, .. } = scope;
    let prefix = &api.prefix;
    let (ident, cfgs) = (&operation.const_ident, &operation.cfgs);
    let (name, template, idempotent) = (operation.name(), &operation.template, operation.idempotent);
    let method = format_ident!("{}", operation.verb.method());
    let timeout = match operation.timeout {
        None => quote!(#private::None),
        Some(timeout) => {
            // Parsed from a `u64` of milliseconds, so the conversion cannot fail.
            let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            quote!(#private::Some(#private::Duration::from_millis(#millis)))
        }
    };
    let has_body = operation.verb.always_has_a_body()
        || operation
            .params
            .iter()
            .flat_map(|param| &param.places)
            .any(|place| matches!(place, Place::Body | Place::Field(_)));
    let params = operation.params.iter().map(|param| self::param(scope, param));
    let documentation = operation.doc();
    let doc = format!("Route of {}: `{method} {template}`.", scope.link(operation));
    quote! {
        #(#cfgs)*
        #[doc = #doc]
        pub const #ident: &#rt::Route = &#rt::Route {
            contract: CONTRACT,
            name: #name,
            doc: #documentation,
            method: #private::Method::#method,
            path: #template,
            prefix: #prefix,
            idempotent: #idempotent,
            timeout: #timeout,
            has_body: #has_body,
            params: &[#(#params),*],
        };
    }
}

fn param(scope: &Scope<'_>, param: &Param) -> TokenStream {
    let rt = &scope.rt;
    let (name, required) = (param.name(), !param.is_optional());
    let places = param.places.iter().map(|place| match place {
        Place::Path(name) => quote!(#rt::Place::Path(#name)),
        Place::Query(name) => quote!(#rt::Place::Query(#name)),
        Place::Header(name) => quote!(#rt::Place::Header(#name)),
        Place::Field(name) => quote!(#rt::Place::Field(#name)),
        Place::Body => quote!(#rt::Place::Body),
        Place::Correlation(name) => quote!(#rt::Place::Correlation(#name)),
    });
    quote!(#rt::Param { name: #name, required: #required, places: &[#(#places),*] })
}

pub(super) fn table(scope: &Scope<'_>) -> TokenStream {
    let Scope { api, rt, private, .. } = scope;
    let name = api.item.ident.unraw().to_string();
    let errors = match &api.errors {
        None => quote!(&#rt::PlainErrors),
        // If the value is not an error format, the compiler reports it at its path.
        Some(errors) => quote_spanned!(Span::call_site().located_at(errors.span()) => &#errors),
    };
    let routes = api.operations().map(|operation| {
        let (cfgs, ident) = (&operation.cfgs, &operation.const_ident);
        quote!(#(#cfgs)* #ident)
    });
    quote! {
        /// Properties of the contract: its name, the user agent of its clients, and the format of its errors.
        pub const CONTRACT: &#rt::Contract = &#rt::Contract::new(
            #name,
            #private::concat!(#private::env!("CARGO_PKG_NAME"), "/", #private::env!("CARGO_PKG_VERSION")),
            #errors,
        );

        /// All routes of the contract, in declaration order.
        pub const ROUTES: &[&#rt::Route] = &[#(#routes),*];
    }
}
