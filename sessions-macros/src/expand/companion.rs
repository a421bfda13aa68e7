//! The dyn-compatible companion `DynTrait` and the forwarding implementations of the trait.
//!
//! Every implementation of the trait implements `DynTrait`. `dyn DynTrait`, `&T`, `Box<T>`, `Arc<T>` and, with
//! a client, `WithOptions<T>` implement the trait, so users call the same methods on all of them. The methods of the companion have
//! hidden names: with the names of the trait, calls would be ambiguous if both traits are imported.

use super::{Scope, allow_lints, allow_nullable, call_lifetime, local, name_lifetimes, type_parameter};
use crate::model::{Forwarded, companion_name};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

/// Generates the companion, and the view of its objects with options.
pub(super) fn declaration(scope: &Scope<'_>) -> TokenStream {
    let Scope { api, rt, private, params, defaulted, idents, where_clause, .. } = scope;
    let vis = &api.item.vis;
    let name = &api.item.ident;
    let companion = companion_name(name);
    let allow = allow_lints();
    let declared = api.forwarded().map(|method| {
        let (cfgs, signature) = (method.cfgs, signature(scope, &method));
        let allow_nullable = allow_nullable(method.params.iter().map(|&(_, ty)| ty));
        quote!(#(#cfgs)* #[doc(hidden)] #allow_nullable #signature;)
    });
    let doc = format!(
        "Dyn-compatible companion of [`{name}`], implemented for all its implementations. `Arc<dyn {companion}>`, \
         `Box<dyn {companion}>` and `&dyn {companion}` implement [`{name}`]."
    );
    // Only a client reads options.
    let with = api.halves.has_client().then(|| {
        quote! {
            #allow
            impl<#params> dyn #companion<#idents> + '_ #where_clause {
                /// Returns a view whose calls use `options`, with all their limits, headers and tokens, also through
                /// implementations that call a client inside. The view implements the same trait.
                pub fn with(&self, options: #rt::CallOptions) -> #rt::WithOptions<&Self> {
                    #rt::WithOptions::new(self, options)
                }
            }
        }
    });
    quote! {
        #[doc = #doc]
        #[allow(private_bounds, private_interfaces)] // Reported once, at the trait.
        #allow
        #vis trait #companion<#defaulted>: #private::Send + #private::Sync #where_clause { #(#declared)* }

        #with
    }
}

/// Generates the implementations of the companion, and of the trait for objects, pointers and views.
pub(super) fn implementations(scope: &Scope<'_>) -> TokenStream {
    let Scope { api, private, contract, params, idents, where_clause, .. } = scope;
    let companion = companion_name(&api.item.ident);
    let this = type_parameter("Service");
    let boxed = api.forwarded().map(|method| {
        let (cfgs, ident, signature) = (method.cfgs, method.ident, signature(scope, &method));
        let arguments = arguments(&method);
        quote! {
            #(#cfgs)*
            #signature { #private::Box::pin(<Self as #contract>::#ident(self, #(#arguments),*)) }
        }
    });
    let through_companion = scope.impl_items(api.forwarded().map(|method| {
        let (hidden, arguments, object) = (hidden(&method), arguments(&method), local("object"));
        let call = quote! {
            #private::call_object(
                self,
                (#(#arguments,)*),
                |#object, #private::Lent((#(#arguments,)*), ..)| #object.#hidden(#(#arguments),*),
            )
        };
        (method, call)
    }));
    let through_pointer = scope.impl_items(api.forwarded().map(|method| {
        let (ident, arguments) = (method.ident, arguments(&method));
        let call = quote!(<#this as #contract>::#ident(&**self, #(#arguments),*));
        (method, call)
    }));
    let pointers = [quote!(&#this), quote!(#private::Box<#this>), quote!(#private::Arc<#this>)];
    let pointers = pointers.map(|pointer| {
        quote! {
            impl<#this: #contract + ?#private::Sized, #params> #contract for #pointer
            #where_clause { #through_pointer }
        }
    });
    let views = api.halves.has_client().then(|| views(scope));
    quote! {
        impl<#this: #contract, #params> #companion<#idents> for #this #where_clause { #(#boxed)* }

        impl<#params> #contract for dyn #companion<#idents> + '_ #where_clause { #through_companion }

        #(#pointers)*

        #views
    }
}

/// Generates the implementation of the trait for views with options.
fn views(scope: &Scope<'_>) -> TokenStream {
    let Scope { api, rt, private, contract, params, where_clause, .. } = scope;
    let this = type_parameter("Service");
    let module = &api.names.module;
    let through_view = scope.impl_items(api.forwarded().map(|method| {
        let (ident, arguments) = (method.ident, arguments(&method));
        let call = quote! {
            #private::scoped(
                #private::enter(self, #module::CONTRACT),
                <#this as #contract>::#ident(#rt::WithOptions::get_ref(self), #(#arguments),*),
            )
        };
        (method, call)
    }));
    quote! {
        impl<#this: #contract, #params> #contract for #rt::WithOptions<#this>
        #where_clause { #through_view }
    }
}

fn hidden(method: &Forwarded<'_>) -> Ident {
    // Too long to be similar to the name of the method, which the compiler would otherwise replace by this one in a
    // suggestion if the trait is not imported.
    format_ident!("__{0}_{0}", method.ident)
}

fn arguments(method: &Forwarded<'_>) -> Vec<Ident> {
    method.params.iter().map(|(ident, _)| (*ident).clone()).collect()
}

/// Generates the signature of a hidden method. All elided lifetimes become one, because the returned box must
/// not outlive any of them.
fn signature(scope: &Scope<'_>, method: &Forwarded<'_>) -> TokenStream {
    let Scope { private, idents, .. } = scope;
    let call = call_lifetime();
    let (hidden, output) = (hidden(method), method.output);
    let inputs = method.params.iter().map(|(ident, ty)| {
        let (ty, _) = name_lifetimes(ty, &call);
        quote!(#ident: #ty)
    });
    let outlives = (!idents.is_empty()).then(|| {
        let idents = idents.iter();
        quote!(where #(#idents: #call),*)
    });
    quote!(fn #hidden<#call>(&#call self, #(#inputs),*) -> #private::BoxFuture<#call, #output> #outlives)
}
