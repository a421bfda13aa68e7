//! Code generation for a contract. It cannot fail, because `model` has validated the contract.
//!
//! The generated code contains no logic and no derives, and is hygienic:
//! - It refers to every item by absolute path through the runtime's hidden module, so that it does not depend
//!   on the prelude or on the user's `Result`, `Option` or `mod std`.
//! - Its local variables have `mixed_site` spans and its type parameters start with `__`, so that arguments
//!   and payload types can have any name.

mod client;
mod companion;
mod dispatch;
mod fields;
mod native;
mod operation;
mod received;
mod relocate;
mod route;

use crate::model::{Api, Names, Operation};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    ConstParam, GenericParam, Ident, Lifetime, Token, TraitItem, TraitItemType, Type, TypeParam, WhereClause,
};

pub(crate) fn expand(api: &Api) -> TokenStream {
    let native = native::expand(api);
    let scope = Scope::new(api, &TokenStream::new());
    let companion = companion::expand(&scope);
    let client = client::expand(&scope, &api.names);
    let module = module(api, &api.names);
    quote! {
        #native
        #companion
        #client
        #module
    }
}

fn module(api: &Api, names: &Names) -> TokenStream {
    let api = &relocate::one_module_deeper(api);
    // Refers to the trait by path, because the struct of an operation may have the same name.
    let scope = Scope::new(api, &quote!(super::));
    let operations = api.operations().map(|operation| {
        let route = route::expand(&scope, operation);
        let operation = operation::expand(&scope, operation);
        quote!(#route #operation)
    });
    let table = route::table(&scope);
    let deeper = relocate::one_module_deeper(api);
    let received = received::module(&Scope::new(&deeper, &quote!(super::super::)));
    let dispatch = dispatch::expand(&scope);
    let (vis, module) = (&api.item.vis, &names.module);
    let doc = format!("Operations, routes and dispatcher of [`{}`].", api.item.ident);
    quote! {
        #[doc = #doc]
        #vis mod #module {
            use super::*;
            #(#operations)*
            #table
            #received
            #dispatch
        }
    }
}

/// Input of all generators: the contract, and its type parameters in the forms that Rust requires.
struct Scope<'a> {
    api: &'a Api,
    /// Runtime crate, `::wiretrait`
    rt: TokenStream,
    /// Hidden module of the runtime, `::wiretrait::__private`
    private: TokenStream,
    /// The trait with its generic arguments: `Api<U, D>`, or `super::Api<U, D>` in the generated module.
    contract: TokenStream,
    /// Type parameters with bounds, `U: Payload, D: Payload`
    params: Punctuated<TypeParam, Token![,]>,
    /// Type parameters with bounds and defaults, `U: Payload = Value, D: Payload = Value`
    defaulted: Punctuated<TypeParam, Token![,]>,
    /// Names of the type parameters, `U, D`
    idents: Punctuated<Ident, Token![,]>,
    where_clause: Option<&'a WhereClause>,
}

impl<'a> Scope<'a> {
    /// Creates the scope of a module; `parent` is the path from there to the module of the trait.
    fn new(api: &'a Api, parent: &TokenStream) -> Self {
        let runtime = &api.runtime;
        let defaulted: Punctuated<TypeParam, Token![,]> = api
            .item
            .generics
            .params
            .iter()
            .filter_map(|param| match param {
                GenericParam::Type(param) => Some(param.clone()),
                _ => None,
            })
            .collect();
        let contract = &api.item.ident;
        let arguments = api.declared.params.iter().map(generic_argument);
        Self {
            api,
            rt: quote!(#runtime),
            private: quote!(#runtime::__private),
            contract: quote!(#parent #contract<#(#arguments),*>),
            params: defaulted.iter().map(without_default).collect(),
            idents: defaulted.iter().map(|param| param.ident.clone()).collect(),
            defaulted,
            where_clause: api.item.generics.where_clause.as_ref(),
        }
    }

    /// Returns a marker type that uses every type parameter but owns none, so that it is always `Send` and
    /// `Sync`.
    fn phantom(&self) -> TokenStream {
        let (private, idents) = (&self.private, &self.idents);
        let tuple = if idents.is_empty() { quote!(()) } else { quote!((#idents,)) };
        quote!(#private::PhantomData<fn() -> #tuple>)
    }

    /// Returns a documentation link from the generated module to the method of `operation`.
    fn link(&self, operation: &Operation) -> String {
        let (contract, name) = (&self.api.item.ident, operation.name());
        format!("[`{contract}::{name}`](super::{contract}::{name})")
    }

    /// Returns the items of an implementation of the trait, with method bodies from `body`. Invalid methods
    /// have a default body in the trait.
    fn impl_items(&self, body: impl Fn(&Operation) -> TokenStream) -> TokenStream {
        let types = self.api.item.items.iter().filter_map(|trait_item| match trait_item {
            TraitItem::Type(TraitItemType { ident, generics, .. }) => {
                Some(quote!(type #ident #generics = ();))
            }
            _ => None,
        });
        let methods = self.api.operations().map(|operation| {
            let (cfgs, ident, output) = (&operation.cfgs, &operation.ident, &operation.output);
            let inputs = operation.params.iter().map(|param| {
                let (ident, ty) = (&param.ident, &param.ty);
                quote!(#ident: #ty)
            });
            let body = body(operation);
            quote!(#(#cfgs)* async fn #ident(&self, #(#inputs),*) -> #output { #body })
        });
        quote!(#(#types)* #(#methods)*)
    }
}

/// Returns an `#[allow]` of lints that users control on the trait and that would fire again in generated
/// code.
fn allow_lints() -> TokenStream {
    quote!(#[allow(deprecated, clippy::too_many_arguments)])
}

/// Returns the argument that generated code passes for a parameter of the trait. Parameters other than types
/// are already reported, so any value is fine.
fn generic_argument(param: &GenericParam) -> TokenStream {
    match param {
        GenericParam::Type(TypeParam { ident, .. }) => quote!(#ident),
        GenericParam::Lifetime(_) => quote!('static),
        GenericParam::Const(ConstParam { ty, .. }) => match quote!(#ty).to_string().as_str() {
            "bool" => quote!(false),
            "char" => quote!(' '),
            _ => quote!(0),
        },
    }
}

fn without_default(param: &TypeParam) -> TypeParam {
    TypeParam { default: None, ..param.clone() }
}

/// Returns a span that shows errors in generated code at `ty`. Names still resolve at the call site: if the
/// type comes from a `macro_rules!`, its own span would not resolve `self`.
fn error_span(ty: &Type) -> Span {
    // The stable compiler does not join spans, so the span of `&Thing` would only cover the `&`.
    let inner = match ty {
        Type::Reference(reference) => &reference.elem,
        _ => ty,
    };
    Span::call_site().located_at(inner.span())
}

/// Generates a call of the runtime's `function` for the return type `output`. All tokens have its span, so
/// that unsatisfied bounds are reported there.
fn runtime_call(output: &Type, rt: &TokenStream, function: &str, arguments: &TokenStream) -> TokenStream {
    let span = error_span(output);
    let with_span = |mut token: TokenTree| {
        token.set_span(span);
        token
    };
    let rt: TokenStream = rt.clone().into_iter().map(with_span).collect();
    let function = Ident::new(function, span);
    quote_spanned!(span => #rt::#function::<#output>(#arguments))
}

/// Returns the name of a local variable that user code can neither see nor shadow.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// Returns the name of a type parameter. Types are not hygienic, so the `__` prefix avoids collisions.
fn type_parameter(name: &str) -> Ident {
    format_ident!("__{name}", span = Span::mixed_site())
}

/// Returns the lifetime of the borrowed arguments of a call.
fn call_lifetime() -> Lifetime {
    Lifetime::new("'call", Span::mixed_site())
}

/// Names every elided lifetime in `ty`, and returns whether there was one.
fn name_lifetimes(ty: &Type, lifetime: &Lifetime) -> (Type, bool) {
    struct Name<'a>(&'a Lifetime, bool);
    impl VisitMut for Name<'_> {
        fn visit_type_reference_mut(&mut self, node: &mut syn::TypeReference) {
            if node.lifetime.is_none() {
                node.lifetime = Some(self.0.clone());
                self.1 = true;
            }
            visit_mut::visit_type_reference_mut(self, node);
        }
        fn visit_lifetime_mut(&mut self, node: &mut Lifetime) {
            if node.ident == "_" {
                *node = self.0.clone();
                self.1 = true;
            }
        }
    }
    let mut named = ty.clone();
    let mut visitor = Name(lifetime, false);
    visitor.visit_type_mut(&mut named);
    (named, visitor.1)
}
