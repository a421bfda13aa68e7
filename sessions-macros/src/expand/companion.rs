//! The dyn-compatible companion `DynTrait` and the forwarding implementations of the trait.
//!
//! Every implementation of the trait implements `DynTrait`. `dyn DynTrait`, `&T`, `Box<T>`, `Arc<T>` and
//! `WithOptions<T>` implement the trait, so users call the same methods on all of them. The methods of the companion have
//! hidden names: with the names of the trait, calls would be ambiguous if both traits are imported.

use super::{Scope, allow_lints, call_lifetime, name_lifetimes, type_parameter};
use crate::model::Operation;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

pub(super) fn expand(scope: &Scope<'_>) -> TokenStream {
    let Scope { api, rt, private, contract, params, defaulted, idents, where_clause } = scope;
    let vis = &api.item.vis;
    let name = &api.item.ident;
    let companion = format_ident!("Dyn{name}");
    let this = type_parameter("Service");
    let allow = allow_lints();

    let declared = api.operations().map(|operation| {
        let (cfgs, signature) = (&operation.cfgs, signature(scope, operation));
        quote!(#(#cfgs)* #[doc(hidden)] #allow #signature;)
    });
    let boxed = api.operations().map(|operation| {
        let (cfgs, ident, signature) = (&operation.cfgs, &operation.ident, signature(scope, operation));
        let arguments = arguments(operation);
        quote! {
            #(#cfgs)*
            #signature { #private::Box::pin(<Self as #contract>::#ident(self, #(#arguments),*)) }
        }
    });
    let through_companion = scope.impl_items(|operation| {
        let (hidden, arguments) = (hidden(operation), arguments(operation));
        quote!(self.#hidden(#(#arguments),*).await)
    });
    let through_pointer = scope.impl_items(|operation| {
        let (ident, arguments) = (&operation.ident, arguments(operation));
        quote!(<#this as #contract>::#ident(&**self, #(#arguments),*).await)
    });
    let pointers = [quote!(&#this), quote!(#private::Box<#this>), quote!(#private::Arc<#this>)];
    let pointers = pointers.map(|pointer| {
        quote! {
            #allow
            impl<#this: #contract + ?#private::Sized, #params> #contract for #pointer
            #where_clause { #through_pointer }
        }
    });
    let module = &api.names.module;
    let through_view = scope.impl_items(|operation| {
        let (ident, arguments) = (&operation.ident, arguments(operation));
        quote! {
            #private::scoped(self, #module::CONTRACT, || {
                <#this as #contract>::#ident(#rt::WithOptions::get_ref(self), #(#arguments),*)
            })
            .await
        }
    });
    let doc = format!(
        "Dyn-compatible companion of [`{name}`], implemented for all its implementations. `Arc<dyn {companion}>`, \
         `Box<dyn {companion}>` and `&dyn {companion}` implement [`{name}`]."
    );
    quote! {
        #[doc = #doc]
        #vis trait #companion<#defaulted>: #private::Send + #private::Sync #where_clause { #(#declared)* }

        #allow
        impl<#this: #contract, #params> #companion<#idents> for #this #where_clause { #(#boxed)* }

        #allow
        impl<#params> #contract for dyn #companion<#idents> + '_ #where_clause { #through_companion }

        #allow
        impl<#params> dyn #companion<#idents> + '_ #where_clause {
            /// Returns a view whose calls use `options`, with all their limits, headers and tokens, also through
            /// implementations that call a client inside. The view implements the same trait.
            pub fn with(&self, options: #rt::CallOptions) -> #rt::WithOptions<&Self> {
                #rt::WithOptions::new(self, options)
            }
        }

        #(#pointers)*

        #allow
        impl<#this: #contract, #params> #contract for #rt::WithOptions<#this>
        #where_clause { #through_view }
    }
}

fn hidden(operation: &Operation) -> proc_macro2::Ident {
    format_ident!("__{}", operation.name())
}

fn arguments(operation: &Operation) -> impl Iterator<Item = &proc_macro2::Ident> {
    operation.params.iter().map(|param| &param.ident)
}

/// Generates the signature of a hidden method. All elided lifetimes become one, because the returned box must
/// not outlive any of them.
fn signature(scope: &Scope<'_>, operation: &Operation) -> TokenStream {
    let Scope { private, idents, .. } = scope;
    let call = call_lifetime();
    let (hidden, output) = (hidden(operation), &operation.output);
    let inputs = operation.params.iter().map(|param| {
        let (ident, (ty, _)) = (&param.ident, name_lifetimes(&param.ty, &call));
        quote!(#ident: #ty)
    });
    let outlives = idents.iter().map(|ident| quote!(#ident: #call));
    quote! {
        fn #hidden<#call>(&#call self, #(#inputs),*) -> #private::BoxFuture<#call, #output>
        where Self: #call, #(#outlives),*
    }
}
