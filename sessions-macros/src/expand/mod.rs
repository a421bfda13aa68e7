//! Code generation for a contract. It cannot fail, because `model` has validated the contract.
//!
//! The generated code contains no logic and no derives, and is hygienic:
//! - It refers to every item through the runtime's hidden module, so that it does not depend on the prelude or on
//!   the user's `Result`, `Option` or `mod std`. Generated modules and blocks import that module as `__rt`:
//!   absolute paths would be half of all tokens, and each token costs compile time.
//! - Its local variables have `mixed_site` spans and its type parameters start with `__`, so that arguments
//!   and payload types can have any name.

mod client;
mod companion;
mod dispatch;
mod docs;
mod fields;
mod native;
mod operation;
mod received;
mod relocate;
mod route;
mod values;

use crate::attr::Halves;
use crate::model::{Api, Form, Forwarded, Operation, is_nullable};
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
    let scope = Scope::of_user_module(api);
    let companion = companion::declaration(&scope);
    let client = api.names.client.as_ref().map(|client| client::expand(&scope, client));
    let implementations = implementations(api);
    let module = module(api);
    quote! {
        #native
        #companion
        #client
        #implementations
        #module
    }
}

/// Generates the implementations of the trait, in a block whose import the user's module does not see.
fn implementations(api: &Api) -> TokenStream {
    let scope = Scope::with_import(api, 0);
    let import = import(api);
    let companion = companion::implementations(&scope);
    let client = api.names.client.as_ref().map(|client| client::implementation(&scope, client));
    let allow = allow_lints();
    quote! {
        #allow
        const _: () = {
            #import
            #companion
            #client
        };
    }
}

/// Returns the import of the runtime's hidden module.
fn import(api: &Api) -> TokenStream {
    let (runtime, alias) = (&api.runtime, runtime_alias());
    quote!(use #runtime::__private as #alias;)
}

fn module(api: &Api) -> TokenStream {
    let api = &relocate::into_module(api);
    // Refers to the trait by path, because the struct of an operation may have the same name.
    let scope = Scope::with_import(api, 1);
    let import = import(api);
    let operations = api.operations().map(|operation| {
        let route = route::expand(&scope, operation);
        let operation = api.halves.has_client().then(|| operation::expand(&scope, operation));
        quote!(#route #operation)
    });
    let table = route::table(&scope);
    let service = api.halves.has_server().then(|| {
        let deeper = relocate::one_module_deeper(api);
        let received = received::module(&Scope::with_import(&deeper, 2));
        let dispatch = dispatch::expand(&scope);
        quote!(#received #dispatch)
    });
    let (vis, module) = (&api.item.vis, &api.names.module);
    let content = match api.halves {
        Halves::Both => "Operations, routes and dispatcher",
        Halves::ClientOnly => "Operations and routes",
        Halves::ServerOnly => "Routes and dispatcher",
    };
    let doc = format!("{content} of [`{}`].", api.item.ident);
    // The module uses the items of deprecated operations itself.
    let deprecated = api.operations().any(|operation| !operation.deprecated.is_empty());
    let allow = deprecated.then(|| quote!(#[allow(deprecated)]));
    quote! {
        #[doc = #doc]
        #[allow(private_bounds, private_interfaces)] // Reported once, at the trait.
        #allow
        #vis mod #module {
            use super::*;
            #import
            #(#operations)*
            #table
            #service
        }
    }
}

/// Input of all generators: the contract, and its type parameters in the forms that Rust requires.
struct Scope<'a> {
    api: &'a Api,
    /// Number of generated modules around the code, above which the trait is.
    depth: usize,
    /// Runtime crate, `::wiretrait`; with the import, its hidden module, which has the public items that are used too
    rt: TokenStream,
    /// Hidden module of the runtime, `::wiretrait::__private`, or `__rt` with the import
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
    /// Creates the scope of the module of the trait.
    fn of_user_module(api: &'a Api) -> Self {
        let runtime = &api.runtime;
        Self::new(api, 0, quote!(#runtime), quote!(#runtime::__private))
    }

    /// Creates the scope of a block or a module that imports the runtime, `depth` modules below that of the trait.
    fn with_import(api: &'a Api, depth: usize) -> Self {
        let alias = runtime_alias();
        Self::new(api, depth, quote!(#alias), quote!(#alias))
    }

    fn new(api: &'a Api, depth: usize, rt: TokenStream, private: TokenStream) -> Self {
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
        let parents = std::iter::repeat_n(quote!(super::), depth);
        let arguments = api.declared.params.iter().map(generic_argument);
        let arguments = (!api.declared.params.is_empty()).then(|| quote!(<#(#arguments),*>));
        Self {
            api,
            depth,
            rt,
            private,
            contract: quote!(#(#parents)* #contract #arguments),
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
        let parents = "super::".repeat(self.depth);
        format!("[`{contract}::{name}`]({parents}{contract}::{name})")
    }

    /// Returns the items of an implementation of the trait: methods with the code that creates their futures. Invalid
    /// methods have a default body in the trait.
    ///
    /// Rejected alternative: `async fn`s, because each is one more state machine around that future.
    fn impl_items<'f>(&self, methods: impl Iterator<Item = (Forwarded<'f>, TokenStream)>) -> TokenStream {
        let types = self.api.item.items.iter().filter_map(|trait_item| match trait_item {
            TraitItem::Type(TraitItemType { ident, generics, .. }) => {
                Some(quote!(type #ident #generics = ();))
            }
            _ => None,
        });
        let methods = methods.map(|(Forwarded { ident, cfgs, params, output }, body)| {
            let inputs = params.iter().map(|(ident, ty)| quote!(#ident: #ty));
            let future = future_of(&self.private, output);
            quote!(#(#cfgs)* fn #ident(&self, #(#inputs),*) -> #future { #body })
        });
        quote!(#(#types)* #(#methods)*)
    }
}

/// Returns the return type of a method whose result has the type `output`.
fn future_of(private: &TokenStream, output: &Type) -> TokenStream {
    quote_spanned!(error_span(output) => impl #private::Future<Output = #output> + #private::Send)
}

/// Returns an `#[allow]` of lints that users control on the trait and that would fire again in generated
/// code.
fn allow_lints() -> TokenStream {
    quote!(#[allow(deprecated, clippy::too_many_arguments)])
}

/// Returns an `#[allow]` for an `Option` in an `Option`, if there is one in `types`: it is the form of a field that can be
/// absent or `null`.
fn allow_nullable<'a>(mut types: impl Iterator<Item = &'a Type>) -> Option<TokenStream> {
    types.any(is_nullable).then(|| quote!(#[allow(clippy::option_option)]))
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

/// Generates a call of the hidden `function` for the return type `output` in its form. All tokens have its span.
fn call_with_form(
    scope: &Scope<'_>,
    operation: &Operation,
    function: &str,
    arguments: &TokenStream,
) -> TokenStream {
    let (span, output, form) = (error_span(&operation.output), &operation.output, form(scope, operation));
    let function = Ident::new(function, span);
    let private = &scope.private;
    let tokens = quote_spanned!(span => #private::#function::<#form, #output>(#arguments));
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}

/// Returns the type that describes the form of the operation's return type to the runtime.
fn form(scope: &Scope<'_>, operation: &Operation) -> TokenStream {
    fn of(form: &Form, codec: Option<&syn::Path>, private: &TokenStream) -> TokenStream {
        match (form, codec) {
            (Form::WithHead(inner), _) => {
                let inner = of(inner, codec, private);
                quote!(#private::WithHead<#inner>)
            }
            (Form::Exists, _) => quote!(#private::Exists),
            (_, None) => quote!(#private::JsonValue),
            (Form::Value, Some(codec)) => quote!(#private::Value<#codec>),
            (Form::Optional, Some(codec)) => quote!(#private::Optional<#codec>),
            (Form::Nothing, Some(_)) => quote!(#private::Nothing),
        }
    }
    of(&operation.form(), operation.codecs.custom_response(), &scope.private)
}

/// Generates the check that an operation with the flag `none` returns an `Option`.
fn none_check(scope: &Scope<'_>, operation: &Operation) -> Option<TokenStream> {
    let check = || runtime_call(&operation.output, &scope.private, "declares_none", &TokenStream::new());
    (!operation.none.is_empty()).then(check).map(|check| quote!(#check;))
}

/// Returns whether the return type has the default form, for which the runtime has public functions.
fn has_default_form(operation: &Operation) -> bool {
    operation.codecs.custom_response().is_none()
        && !matches!(operation.form(), Form::WithHead(_) | Form::Exists)
}

/// Returns the name of a local variable that user code can neither see nor shadow.
fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// Returns the name of a type parameter. Types are not hygienic, so the `__` prefix avoids collisions.
fn type_parameter(name: &str) -> Ident {
    format_ident!("__{name}", span = Span::mixed_site())
}

/// Returns the name under which generated modules and blocks import the runtime's hidden module.
fn runtime_alias() -> Ident {
    format_ident!("__rt", span = Span::mixed_site())
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
