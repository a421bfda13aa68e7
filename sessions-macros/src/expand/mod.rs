//! Prints a contract. It cannot fail: all that could is settled in `model`.
//!
//! The printed code holds no logic and no derives. It names everything by absolute path through the
//! runtime's hidden module, so that neither the user's `Result`, `Option` or `mod std` nor a missing prelude
//! can touch it; its locals have `mixed_site` spans and its type parameters names that nobody writes, so that
//! arguments and payload types can have any name.

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
    // By its path: an operation's struct may have the name of the trait.
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
    let doc = format!("The operations, routes and dispatcher of [`{}`].", api.item.ident);
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

/// What every printer needs: the contract, and its type parameters in the forms that Rust asks for.
struct Scope<'a> {
    api: &'a Api,
    /// `::sessions_client`
    rt: TokenStream,
    /// `::sessions_client::__private`
    private: TokenStream,
    /// The trait with its arguments: `Api<U, D>`, or `super::Api<U, D>` in the generated module.
    contract: TokenStream,
    /// `U: Payload, D: Payload`
    params: Punctuated<TypeParam, Token![,]>,
    /// `U: Payload = Value, D: Payload = Value`
    defaulted: Punctuated<TypeParam, Token![,]>,
    /// `U, D`
    idents: Punctuated<Ident, Token![,]>,
    where_clause: Option<&'a WhereClause>,
}

impl<'a> Scope<'a> {
    /// `above` leads to the trait from where the code is printed.
    fn new(api: &'a Api, above: &TokenStream) -> Self {
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
        let arguments = api.declared.params.iter().map(argument);
        Self {
            api,
            rt: quote!(#runtime),
            private: quote!(#runtime::__private),
            contract: quote!(#above #contract<#(#arguments),*>),
            params: defaulted.iter().map(without_default).collect(),
            idents: defaulted.iter().map(|param| param.ident.clone()).collect(),
            defaulted,
            where_clause: api.item.generics.where_clause.as_ref(),
        }
    }

    /// A type that mentions every type parameter and holds none, so that it is `Send` and `Sync` whatever
    /// they are.
    fn phantom(&self) -> TokenStream {
        let (private, idents) = (&self.private, &self.idents);
        let tuple = if idents.is_empty() { quote!(()) } else { quote!((#idents,)) };
        quote!(#private::PhantomData<fn() -> #tuple>)
    }

    /// A link to the method of `operation`, from the generated module.
    fn link(&self, operation: &Operation) -> String {
        let (contract, name) = (&self.api.item.ident, operation.name());
        format!("[`{contract}::{name}`](super::{contract}::{name})")
    }

    /// The members of an implementation of the trait; `body` gives those of its methods. Methods with
    /// mistakes have a body in the trait.
    fn members(&self, body: impl Fn(&Operation) -> TokenStream) -> TokenStream {
        let types = self.api.item.items.iter().filter_map(|member| match member {
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

/// Lints that the contract's author settles on the trait, not on what is generated from it.
fn allowances() -> TokenStream {
    quote!(#[allow(deprecated, clippy::too_many_arguments)])
}

/// What generated code passes for a parameter of the trait. Those that are no types are mistakes, and any value
/// of theirs will do.
fn argument(param: &GenericParam) -> TokenStream {
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

/// Where errors in code that is generated for a type are shown. Names in that code resolve as in all the
/// rest of it, also when the type comes through a `macro_rules!` from somewhere else: `self` would not be
/// found there.
fn site(ty: &Type) -> Span {
    // A stable compiler joins no spans: that of `&Thing` would be `&` alone.
    let inner = match ty {
        Type::Reference(reference) => &reference.elem,
        _ => ty,
    };
    Span::call_site().located_at(inner.span())
}

/// A call of the runtime's `function` about `output`, all of it where that is written: what the runtime
/// demands of the type is missed there.
fn call_for(output: &Type, rt: &TokenStream, function: &str, arguments: &TokenStream) -> TokenStream {
    let site = site(output);
    let at_site = |mut token: TokenTree| {
        token.set_span(site);
        token
    };
    let rt: TokenStream = rt.clone().into_iter().map(at_site).collect();
    let function = Ident::new(function, site);
    quote_spanned!(site => #rt::#function::<#output>(#arguments))
}

/// A local of generated code: the user's code can neither see it nor collide with it.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// A type parameter of generated code. Types have no hygiene, so the name is one that nobody writes.
fn type_parameter(name: &str) -> Ident {
    format_ident!("__{name}", span = Span::mixed_site())
}

/// The lifetime of the borrowed arguments of one call.
fn call_lifetime() -> Lifetime {
    Lifetime::new("'call", Span::mixed_site())
}

/// `ty` with every elided lifetime named, and whether there was one.
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
