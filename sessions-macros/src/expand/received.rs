//! The owned form of an operation, which a service decodes from a request before it calls the method, and a
//! test decodes from a request that was sent.
//!
//! These structs have the same names as the operation structs and are in a separate module. Rejected
//! alternative: a suffix, because it adds one more name per operation that can collide.

use super::fields::{Field, Generics, where_clause_with};
use super::{Scope, allow_lints, allow_nullable, docs, error_span, local, name_lifetimes, values};
use crate::model::{Operation, Param, Place, Shape};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Lifetime, Path};

/// Generates the module `received`. `scope` must be relative to that module.
pub(super) fn module(scope: &Scope<'_>) -> TokenStream {
    let items = scope.api.operations().map(|operation| expand(scope, operation));
    quote! {
        /// Operations as a service receives them, with owned arguments: `String` for `&str`, `Vec<T>` for
        /// `&[T]`.
        pub mod received {
            use super::*;
            #(#items)*
        }
    }
}

fn expand(scope: &Scope<'_>, operation: &Operation) -> TokenStream {
    let Scope { rt, private, .. } = scope;
    let (cfgs, type_ident, route) = (&operation.cfgs, &operation.type_ident, &operation.const_ident);
    let deprecated = &operation.deprecated;
    let fields: Vec<Field<'_>> = operation.params.iter().map(Field::new).collect();
    let generics = Generics::of(scope, &fields);
    let Generics { params, defaulted, idents, where_clause, .. } = &generics;

    let names: Vec<_> = operation.params.iter().map(|param| &param.ident).collect();
    let declarations = operation.params.iter().map(|param| {
        let (ident, ty, doc) = (&param.ident, owned(scope, param), docs::argument(param));
        quote!(#doc pub #ident: #ty)
    });
    let receive = receive(scope, operation);
    let as_operation =
        scope.api.halves.has_client().then(|| as_operation(scope, operation, &fields, &generics));
    let owners = operation.params.iter().filter(|param| !param.is_clone_when_owned());
    let owners = owners.map(|param| owner(scope, param));
    let clone_if = where_clause_with(scope, where_clause, "CloneIf", owners);
    let name = type_ident.to_string();
    let about = match &as_operation {
        Some(_) => format!("Owned arguments of [`{name}`](super::{name}), as a service receives them."),
        None => format!("Owned arguments of {}, as a service receives them.", scope.link(operation)),
    };
    let allow_nullable = allow_nullable(operation.params.iter().map(|param| &param.ty));
    quote! {
        #(#cfgs)*
        #[doc = #about]
        #allow_nullable
        #(#deprecated)*
        #[non_exhaustive]
        pub struct #type_ident<#defaulted> #where_clause { #(#declarations),* }

        #as_operation

        #(#cfgs)*
        impl<#params> #rt::Received for #type_ident<#idents> #where_clause {
            const ROUTE: &'static #rt::Route = #route;
            #receive
        }

        #(#cfgs)*
        impl<#params> #private::Clone for #type_ident<#idents> #clone_if {
            fn clone(&self) -> Self { Self { #(#names: #private::Clone::clone(&self.#names)),* } }
        }

        #(#cfgs)*
        impl<#params> #private::Debug for #type_ident<#idents> #where_clause {
            fn fmt(&self, formatter: &mut #private::Formatter<'_>) -> #private::fmt::Result {
                #private::opaque(formatter, #name)
            }
        }
    }
}

fn as_operation(
    scope: &Scope<'_>,
    operation: &Operation,
    fields: &[Field<'_>],
    generics: &Generics,
) -> TokenStream {
    let private = &scope.private;
    let (cfgs, type_ident, allow) = (&operation.cfgs, &operation.type_ident, allow_lints());
    let Generics { params, idents, where_clause, .. } = generics;
    let lifetime = fields.iter().any(|field| field.borrows).then(|| quote!('_,));
    let values = operation.params.iter().map(|param| {
        let (ident, lent) = (&param.ident, lend(scope, param, &quote!(self)));
        if param.is_by_value() {
            quote!(#ident: #private::Clone::clone(&#lent))
        } else {
            quote!(#ident: #lent)
        }
    });
    let by_value = operation.params.iter().filter(|param| !param.is_copy());
    let by_value = by_value.map(|param| owner(scope, param));
    let clone_if = where_clause_with(scope, &TokenStream::new(), "CloneIf", by_value);
    quote! {
        #(#cfgs)*
        #allow
        impl<#params> #type_ident<#idents> #where_clause {
            /// Returns this call as an operation, which can be inspected, encoded or sent again.
            #[must_use]
            pub fn as_operation(&self) -> super::#type_ident<#lifetime #idents> #clone_if {
                super::#type_ident { #(#values),* }
            }
        }
    }
}

/// Generates the argument as the method takes it, borrowed from the owned `received`.
pub(super) fn lend(scope: &Scope<'_>, param: &Param, received: &TokenStream) -> TokenStream {
    let (private, ident) = (&scope.private, &param.ident);
    match &param.shape {
        // Coerced from the owned form: `&String` to `&str`.
        Shape::Borrowed(_) => quote!(&#received.#ident),
        Shape::OptionalBorrowed(inner) => quote!(#private::lend_option::<#inner>(&#received.#ident)),
        Shape::NullableBorrowed(inner) => {
            quote!(#private::Option::map(
                #private::Option::as_ref(&#received.#ident),
                #private::lend_option::<#inner>,
            ))
        }
        Shape::Optional(_) | Shape::Owned => quote!(#received.#ident),
    }
}

/// Generates `receive`, which reads all arguments before it fails, so that one response names every invalid
/// argument. The fields of the struct determine the types that are read.
fn receive(scope: &Scope<'_>, operation: &Operation) -> TokenStream {
    let Scope { rt, private, .. } = scope;
    let arguments = local("arguments");
    let names: Vec<_> = operation.params.iter().map(|param| &param.ident).collect();
    let codec = operation.codecs.custom_request();
    let reads = operation.params.iter().enumerate().map(|(index, param)| read(scope, index, param, codec));
    let has_fields = |param: &Param| param.places.iter().any(|place| matches!(place, Place::Field(_)));
    let fields = codec.filter(|_| operation.params.iter().any(has_fields)).map(|codec| {
        let fields = local("fields");
        quote!(let mut #fields = #arguments.fields_as::<#codec>();)
    });
    let body = if names.is_empty() {
        quote!(#private::Ok(Self {}))
    } else {
        quote! {
            #fields
            let (#(#private::Ok(#names),)*) = (#(#reads,)*) else { return #private::Err(#rt::Unreadable) };
            #private::Ok(Self { #(#names),* })
        }
    };
    quote! {
        fn receive(#arguments: &mut #rt::Arguments<'_>) -> #private::Result<Self, #rt::Unreadable> { #body }
    }
}

fn read(scope: &Scope<'_>, index: usize, param: &Param, codec: Option<&Path>) -> TokenStream {
    let private = &scope.private;
    let (arguments, span, ty) = (local("arguments"), error_span(&param.ty), owned(scope, param));
    match codec {
        _ if param.places.contains(&Place::QueryFields) => {
            if param.is_optional() {
                quote_spanned!(span => #arguments.optional_query_fields(#index))
            } else {
                quote_spanned!(span => #arguments.query_fields(#index))
            }
        }
        _ if !param.is_in_body() => {
            if let Some(reader) = values::reader(scope, param) {
                let read = values::with_span(quote!(#private::read), span);
                quote_spanned!(span => #read::<#reader, _>(#arguments, #index))
            } else {
                quote_spanned!(span => #arguments.text(#index))
            }
        }
        None if param.is_nullable() => quote_spanned!(span => #arguments.nullable(#index)),
        None => quote_spanned!(span => #arguments.json(#index)),
        Some(codec) if param.places.contains(&Place::Body) => {
            let function = if param.is_optional() { quote!(optional_body_as) } else { quote!(body_as) };
            let ty = match &param.shape {
                Shape::Optional(inner) => quote!(#inner),
                Shape::OptionalBorrowed(_) | Shape::NullableBorrowed(_) => owner(scope, param),
                Shape::Borrowed(_) | Shape::Owned => ty,
            };
            quote_spanned!(span => #arguments.#function::<#codec, #ty>(#index))
        }
        Some(codec) if param.is_nullable() => {
            let fields = local("fields");
            quote_spanned!(span => #arguments.nullable_field_as::<#codec, _>(&mut #fields, #index))
        }
        Some(codec) => {
            let fields = local("fields");
            quote_spanned!(span => #arguments.field_as::<#codec, #ty>(&mut #fields, #index))
        }
    }
}

/// Returns the owned type of an argument: `T::Owned` for `&T`, `Option<T::Owned>` for `Option<&T>`.
fn owned(scope: &Scope<'_>, param: &Param) -> TokenStream {
    let (private, owner) = (&scope.private, owner(scope, param));
    match &param.shape {
        Shape::OptionalBorrowed(_) => quote_spanned!(error_span(&param.ty) => #private::Option<#owner>),
        Shape::NullableBorrowed(_) => {
            quote_spanned!(error_span(&param.ty) => #private::Option<#private::Option<#owner>>)
        }
        Shape::Borrowed(_) | Shape::Optional(_) | Shape::Owned => owner,
    }
}

/// Returns the part of the owned type that decides whether it implements `Clone`. A `Cow<'_, str>` is `'static`.
fn owner(scope: &Scope<'_>, param: &Param) -> TokenStream {
    let private = &scope.private;
    let owned = |ty| name_lifetimes(ty, &Lifetime::new("'static", Span::call_site())).0;
    match &param.shape {
        Shape::Borrowed(inner) | Shape::OptionalBorrowed(inner) | Shape::NullableBorrowed(inner) => {
            let inner = owned(inner);
            quote_spanned!(error_span(&param.ty) => <#inner as #private::OwnedForm>::Owned)
        }
        Shape::Optional(_) | Shape::Owned => owned(&param.ty).into_token_stream(),
    }
}
