//! The struct of an operation, which holds the arguments, encodes requests and decodes responses without I/O.

use super::fields::{Field, Generics, where_clause_with};
use super::{
    Scope, allow_lints, call_lifetime, error_span, local, name_lifetimes, runtime_call, type_parameter,
};
use crate::model::{Operation, Place, Shape};
use crate::template::Segment;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

pub(super) fn expand(scope: &Scope<'_>, operation: &Operation) -> TokenStream {
    let Scope { rt, private, .. } = scope;
    let (cfgs, docs, type_ident) = (&operation.cfgs, &operation.docs, &operation.type_ident);
    let call = call_lifetime();
    let fields: Vec<Field<'_>> = operation.params.iter().map(Field::new).collect();
    let generics = Generics::of(scope, &fields);
    let Generics { params, defaulted, idents, where_clause, .. } = &generics;
    let lifetime = fields.iter().any(|field| field.borrows).then(|| quote!(#call,));

    let declarations = fields.iter().map(|field| {
        let (ident, ty, doc) = (&field.param.ident, &field.ty, format!("Argument `{}`.", field.param.name()));
        quote!(#[doc = #doc] pub #ident: #ty)
    });
    let new = new(scope, operation, &fields);
    let setters = fields.iter().map(|field| setter(scope, field));
    let methods = methods(scope, operation, &generics);
    let encode = encode(scope, operation);
    let route = &operation.const_ident;
    let name = type_ident.to_string();
    let gap = if docs.is_empty() { "" } else { "\n\n" };
    let about = format!("Arguments of {}.{gap}", scope.link(operation));
    let allow = allow_lints();
    let by_value = fields.iter().filter(|field| field.param.is_by_value()).map(|field| &field.ty);
    let clone_if = where_clause_with(scope, where_clause, "CloneIf", by_value.clone());
    let copy_if = where_clause_with(scope, where_clause, "CopyIf", by_value);
    let idents_of_fields: Vec<_> = fields.iter().map(|field| &field.param.ident).collect();
    quote! {
        #(#cfgs)*
        #[doc = #about]
        #(#docs)*
        #[non_exhaustive]
        pub struct #type_ident<#lifetime #defaulted> #where_clause { #(#declarations),* }

        #(#cfgs)*
        #allow
        impl<#lifetime #params> #type_ident<#lifetime #idents> #where_clause { #new #(#setters)* #methods }

        #(#cfgs)*
        impl<#lifetime #params> #rt::Operation for #type_ident<#lifetime #idents> #where_clause {
            const ROUTE: &'static #rt::Route = #route;
            #encode
        }

        #(#cfgs)*
        #[automatically_derived] // Clippy would ask for `derive(Clone)`, which would require `Clone` of the payload types.
        impl<#lifetime #params> #private::Clone for #type_ident<#lifetime #idents> #clone_if {
            fn clone(&self) -> Self {
                Self { #(#idents_of_fields: #private::Clone::clone(&self.#idents_of_fields)),* }
            }
        }

        #(#cfgs)*
        impl<#lifetime #params> #private::Copy for #type_ident<#lifetime #idents> #copy_if {}

        #(#cfgs)*
        impl<#lifetime #params> #private::Debug for #type_ident<#lifetime #idents> #where_clause {
            fn fmt(&self, formatter: &mut #private::Formatter<'_>) -> #private::fmt::Result {
                #private::opaque(formatter, #name)
            }
        }
    }
}

fn new(scope: &Scope<'_>, operation: &Operation, fields: &[Field<'_>]) -> TokenStream {
    let private = &scope.private;
    let required = fields.iter().filter(|field| !field.param.is_optional());
    let inputs = required.clone().map(|field| {
        let (ident, ty) = (&field.param.ident, &field.ty);
        quote!(#ident: #ty)
    });
    let values = fields.iter().map(|field| {
        let ident = &field.param.ident;
        if field.param.is_optional() { quote!(#ident: #private::None) } else { quote!(#ident) }
    });
    let doc = match required.count() {
        0 => format!("Creates a call of `{}` with no arguments.", operation.name()),
        _ => format!("Creates a call of `{}` with its required arguments.", operation.name()),
    };
    quote! {
        #[doc = #doc]
        #[must_use]
        pub fn new(#(#inputs),*) -> Self { Self { #(#values),* } }
    }
}

fn setter(scope: &Scope<'_>, field: &Field<'_>) -> TokenStream {
    let private = &scope.private;
    let (Shape::Optional(inner) | Shape::OptionalBorrowed(inner)) = &field.param.shape else {
        return TokenStream::new();
    };
    let ident = &field.param.ident;
    let call = call_lifetime();
    let (inner, _) = name_lifetimes(inner, &call);
    let reference = matches!(field.param.shape, Shape::OptionalBorrowed(_)).then(|| quote!(&#call));
    let ty = quote!(#reference #inner);
    let doc = format!("Sets the optional argument `{}`.", field.param.name());
    let this = local("operation");
    quote! {
        #[doc = #doc]
        #[must_use]
        pub fn #ident(self, #ident: #ty) -> Self {
            let mut #this = self;
            #this.#ident = #private::Some(#ident);
            #this
        }
    }
}

fn methods(scope: &Scope<'_>, operation: &Operation, generics: &Generics) -> TokenStream {
    let Scope { rt, private, contract, .. } = scope;
    let (method, route, output) = (&operation.ident, &operation.const_ident, &operation.output);
    let Generics { rest, rest_where, .. } = generics;
    let service_type = type_parameter("Service");
    let service = local("service");
    let fields = operation.params.iter().map(|param| &param.ident);
    let errors = format!(
        "# Errors\n\nReturns an error if the response is an error response or does not match the return type of {}.",
        scope.link(operation)
    );
    let decode = runtime_call(output, rt, "decode", &quote!(#route, response));
    quote! {
        /// Decodes the result of this operation from `response`, without I/O.
        ///
        #[doc = #errors]
        pub fn decode<#rest>(response: #rt::Response) -> #output where #rest_where {
            #decode
        }

        /// Calls this operation on `service`, a client or any other implementation of the trait.
        ///
        /// # Errors
        ///
        /// Returns the error of the call.
        pub async fn send<#service_type, #rest>(self, #service: &#service_type) -> #output
        where #service_type: #contract + ?#private::Sized, #rest_where
        {
            <#service_type as #contract>::#method(#service, #(self.#fields),*).await
        }
    }
}

/// Generates one statement for each part of the request that carries an argument: first the path, then the
/// arguments in declaration order, since the order of query parameters and JSON keys is part of the contract.
fn encode(scope: &Scope<'_>, operation: &Operation) -> TokenStream {
    let Scope { rt, private, .. } = scope;
    let (encoder, encoding) = (local("encoder"), local("encoding"));
    let path = operation.segments.iter().map(|segment| match segment {
        Segment::Literal(literal) => quote!(#encoder.literal(#literal);),
        Segment::Placeholder { name, .. } => {
            let Some(param) = operation.param(name) else { return TokenStream::new() };
            let ident = &param.ident;
            quote_spanned!(error_span(&param.ty) => #encoder.path(#name, &self.#ident)?;)
        }
        // A valid operation has none.
        Segment::Invalid => TokenStream::new(),
    });
    let rest = operation.params.iter().flat_map(|param| {
        let encoder = &encoder;
        param.places.iter().map(move |place| {
            let (ident, argument) = (&param.ident, param.name());
            let span = error_span(&param.ty);
            match place {
                Place::Path(_) => TokenStream::new(),
                Place::Query(name) => {
                    quote_spanned!(span => #encoder.query(#argument, #name, &self.#ident)?;)
                }
                Place::Header(name) => {
                    quote_spanned!(span => #encoder.header(#argument, #name, &self.#ident)?;)
                }
                Place::Correlation(name) => {
                    quote_spanned!(span => #encoder.correlation(#argument, #name, &self.#ident)?;)
                }
                Place::Field(name) => {
                    quote_spanned!(span => #encoder.field(#argument, #name, &self.#ident)?;)
                }
                Place::Body => quote_spanned!(span => #encoder.body(#argument, &self.#ident)?;),
            }
        })
    });
    quote! {
        fn encode_with(&self, #encoding: &#rt::Encoding) -> #private::Result<#rt::Request, #rt::Error> {
            let mut #encoder = #rt::Encoder::new(<Self as #rt::Operation>::ROUTE, #encoding);
            #(#path)*
            #(#rest)*
            #encoder.finish()
        }
    }
}
