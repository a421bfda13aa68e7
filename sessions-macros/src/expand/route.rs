//! The route of each operation and the route table, which describe the contract as data.

use super::{Scope, error_span};
use crate::model::{Constant, Constants, ErrorFormat, NoneAs, Operation, Param, Place, is_header};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

pub(super) fn expand(scope: &Scope<'_>, operation: &Operation) -> TokenStream {
    let Scope { api, rt, private, .. } = scope;
    let prefix = &api.prefix;
    let (ident, cfgs, deprecated) = (&operation.const_ident, &operation.cfgs, &operation.deprecated);
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
    let (has_body, content_type) = body(scope, operation);
    let accept = match (&operation.codecs.response, operation.codecs.custom_response()) {
        (None, _) => quote!("application/json"),
        (Some(codec), None) => quote!(#private::json_type::<#codec>()),
        (Some(_), Some(codec)) => quote!(<#codec as #rt::codec::Codec>::ACCEPT),
    };
    let none = operation.none.iter().map(
        |status| quote_spanned!(Span::call_site().located_at(status.span()) => #private::status(#status)),
    );
    let Constants { headers, queries } = &operation.constants;
    let headers = headers.iter().map(|Constant { name, value }| quote!((#rt::Place::Header(#name), #value)));
    let queries = queries.iter().map(|Constant { name, value }| quote!((#rt::Place::Query(#name), #value)));
    let constants = headers.chain(queries);
    let params = operation.params.iter().map(|param| self::param(scope, param));
    let documentation = operation.doc(private);
    let doc = format!("Route of {}: `{method} {template}`.", scope.link(operation));
    quote! {
        #(#cfgs)*
        #(#deprecated)*
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
            content_type: #content_type,
            accept: #accept,
            none: &[#(#none),*],
            constants: &[#(#constants),*],
            params: &[#(#params),*],
        };
    }
}

/// Returns whether requests have a body, and its media type.
fn body(scope: &Scope<'_>, operation: &Operation) -> (TokenStream, TokenStream) {
    let Scope { rt, private, .. } = scope;
    let has_arguments = operation.has_arguments_in_body();
    if !has_arguments && !operation.verb.always_has_a_body() {
        return (quote!(false), quote!(""));
    }
    match (&operation.codecs.request, operation.codecs.custom_request()) {
        (None, _) => (quote!(true), quote!("application/json")),
        (Some(codec), None) => (quote!(true), quote!(#private::json_type::<#codec>())),
        (Some(_), Some(codec)) if has_arguments => {
            (quote!(true), quote!(<#codec as #rt::codec::Codec>::MEDIA_TYPE))
        }
        (Some(_), Some(codec)) => {
            let content_type = quote!(#private::type_without_arguments::<#codec>());
            (quote!(!#content_type.is_empty()), content_type)
        }
    }
}

fn param(scope: &Scope<'_>, param: &Param) -> TokenStream {
    let rt = &scope.rt;
    let (name, required) = (param.name(), !param.is_optional());
    let places = param.places.iter().map(|place| match place {
        Place::Path(name) => quote!(#rt::Place::Path(#name)),
        Place::Query(name) => quote!(#rt::Place::Query(#name)),
        Place::QueryList(name) => quote!(#rt::Place::QueryList(#name)),
        Place::QueryFields => quote!(#rt::Place::QueryFields),
        Place::Header(name) => quote!(#rt::Place::Header(#name)),
        Place::HeaderList(name) => quote!(#rt::Place::HeaderList(#name)),
        Place::Field(name) => quote!(#rt::Place::Field(#name)),
        Place::Body => quote!(#rt::Place::Body),
        Place::Correlation(name) if is_header(name) => {
            quote!(#rt::Place::Header(#name), #rt::Place::Correlation(#name))
        }
        Place::Correlation(name) => quote!(#rt::Place::Correlation(#name)),
    });
    let described = quote!(#rt::Param::new(#name, #required, &[#(#places),*]));
    match param.none_as {
        NoneAs::Null => described,
        NoneAs::Omitted => quote!(#described.with_none_as(#rt::NoneAs::Omitted)),
        NoneAs::OmittedOrNull => quote!(#described.with_none_as(#rt::NoneAs::OmittedOrNull)),
    }
}

pub(super) fn table(scope: &Scope<'_>) -> TokenStream {
    let Scope { api, rt, private, .. } = scope;
    let name = api.item.ident.unraw().to_string();
    let errors = match &api.errors {
        None => quote!(&#rt::PlainErrors),
        // If it is not an error body or format, the compiler reports that here.
        Some(ErrorFormat::Body(ty)) => {
            quote_spanned!(error_span(ty) => &#rt::TypedErrors::<#ty>::NEW)
        }
        Some(ErrorFormat::Value(path)) => {
            quote_spanned!(Span::call_site().located_at(path.span()) => &#path)
        }
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
