//! The trait itself, as users implement and call it.
//!
//! Each `async fn` is declared as `fn … -> impl Future + Send`. A plain `async fn` can implement it, and a
//! body that is not `Send` is reported where it is written. Rejected alternative: boxed futures
//! (`async_trait`), because they require an allocation for each call and an attribute on each implementation.

use super::{allow_nullable, docs, future_of};
use crate::model::{Api, Operation};
use proc_macro2::TokenStream;
use quote::quote;
use syn::token::RArrow;
use syn::visit::Visit;
use syn::{ItemTrait, Path, ReturnType, TraitItem, TraitItemFn, Type};

/// Maximum number of parameters, including `self`, before clippy warns.
const CLIPPY_LIMIT: usize = 7;

pub(super) fn expand(api: &Api) -> TokenStream {
    let runtime = &api.runtime;
    let mut item = ItemTrait { generics: api.declared.clone(), ..api.item.clone() };
    item.supertraits.push(syn::parse_quote!(#runtime::__private::Send));
    item.supertraits.push(syn::parse_quote!(#runtime::__private::Sync));
    item.colon_token.get_or_insert_with(Default::default);
    let keeps_async_fns =
        item.attrs.iter().any(|a| a.path().segments.last().is_some_and(|last| last.ident == "async_trait"));
    let mut methods = api.methods.iter().zip(&api.provided);
    for trait_item in &mut item.items {
        match trait_item {
            TraitItem::Fn(method) => match methods.next() {
                Some((Some(operation), _)) => {
                    *trait_item = TraitItem::Verbatim(declaration(runtime, method, operation));
                }
                Some((_, Some(provided))) => provide(runtime, method, &provided.output),
                _ => stub(runtime, method, keeps_async_fns),
            },
            // Already reported; the default value means that implementations do not have to define it.
            TraitItem::Const(constant) if constant.default.is_none() => {
                constant.default =
                    Some((syn::token::Eq::default(), syn::parse_quote!(#runtime::__private::broken())));
            }
            _ => {}
        }
    }
    quote!(#item)
}

/// Returns the declaration of a valid operation, with an explicit `Send` future.
fn declaration(runtime: &Path, method: &mut TraitItemFn, operation: &Operation) -> TokenStream {
    return_future(runtime, method, &operation.output);
    let TraitItemFn { attrs, sig, .. } = method;
    let end = docs::operation(operation);
    let allow_many = (sig.inputs.len() > CLIPPY_LIMIT).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    let allow_nullable = allow_nullable(operation.params.iter().map(|param| &param.ty));
    let body =
        if operation.incomplete { quote!({ async { #runtime::__private::broken() } }) } else { quote!(;) };
    quote!(#(#attrs)* #[doc = #end] #allow_many #allow_nullable #sig #body)
}

/// Declares a provided method with an explicit `Send` future around its body.
fn provide(runtime: &Path, method: &mut TraitItemFn, output: &Type) {
    return_future(runtime, method, output);
    if let Some(body) = &method.default {
        method.default = Some(syn::parse_quote!({ async move #body }));
    }
}

fn return_future(runtime: &Path, method: &mut TraitItemFn, output: &Type) {
    method.sig.asyncness = None;
    let future = future_of(&quote!(#runtime::__private), output);
    method.sig.output = ReturnType::Type(RArrow::default(), Box::new(Type::Verbatim(future)));
}

/// Gives an invalid method a default body, so that it need not be implemented and code that calls or
/// implements it still type-checks.
fn stub(runtime: &Path, method: &mut TraitItemFn, keeps_async_fns: bool) {
    let private = quote!(#runtime::__private);
    let broken = quote!(#private::broken());
    let signature = &mut method.sig;
    let body = if keeps_async_fns {
        quote!({ #broken })
    } else if signature.asyncness.take().is_some() {
        let output = match &signature.output {
            ReturnType::Type(_, ty) => quote!(#ty),
            ReturnType::Default => quote!(()),
        };
        // The method's own type parameters may not be `Send`, and neither may a `dyn Trait`.
        let mut objects = FindTraitObject(false);
        objects.visit_signature(signature);
        let maybe_send = signature.generics.type_params().next().is_none() && !objects.0;
        let send = maybe_send.then(|| quote!(+ #private::Send));
        signature.output = syn::parse_quote!(-> impl #private::Future<Output = #output> #send);
        quote!({ async { #broken } })
    } else if matches!(&signature.output, ReturnType::Type(_, ty) if matches!(**ty, Type::ImplTrait(_))) {
        // Assumes that the return type is `impl Future`.
        quote!({ async { #broken } })
    } else {
        quote!({ #broken })
    };
    method.attrs.push(syn::parse_quote!(#[allow(unused_variables, unused_mut)]));
    method.default = Some(syn::parse_quote!(#body));
    method.semi_token = None;
}

struct FindTraitObject(bool);

impl Visit<'_> for FindTraitObject {
    fn visit_type_trait_object(&mut self, _: &syn::TypeTraitObject) {
        self.0 = true;
    }
}
