//! The way back: from a request to the trait's method, and from its result to a response.

use super::{Scope, allowances, call_for, local, site, type_parameter};
use crate::model::{Operation, Param, Place, Shape};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

pub(super) fn expand(scope: &Scope<'_>) -> TokenStream {
    let Scope { api, rt, private, contract, params, defaulted, idents, where_clause } = scope;
    let service_type = type_parameter("Service");
    let (service, request) = (local("service"), local("request"));
    let arms = api.operations().map(|operation| arm(scope, operation));
    let phantom = scope.phantom();
    let comma = (!idents.is_empty()).then(|| quote!(,));
    let allow = allowances();
    quote! {
        /// Answers one request with `service`, or says why it cannot be answered.
        ///
        /// It knows no server: whatever reads requests and writes responses can call it.
        #allow
        pub async fn dispatch<#service_type: #contract + ?#private::Sized, #params>(
            #service: &#service_type,
            #request: #rt::Incoming,
        ) -> #rt::Response #where_clause {
            #(#arms)*
            #request.unmatched(ROUTES)
        }

        /// [`dispatch`] as a value: a service for servers and in-process transports.
        pub struct Handler<#service_type #comma #defaulted> #where_clause {
            service: #service_type,
            payloads: #phantom,
        }

        #allow
        impl<#service_type: #contract, #params> Handler<#service_type #comma #idents> #where_clause {
            /// Serves `service`.
            pub fn new(service: #service_type) -> Self {
                Self { service, payloads: #private::PhantomData }
            }
        }

        #allow
        impl<#service_type: #contract, #params> #rt::Handler for Handler<#service_type #comma #idents>
        #where_clause {
            fn handle(
                &self,
                #request: #rt::Incoming,
            ) -> impl #private::Future<Output = #rt::Response> + #private::Send {
                dispatch(&self.service, #request)
            }
        }

        impl<#service_type: #private::Clone, #params> #private::Clone for Handler<#service_type #comma #idents>
        #where_clause {
            fn clone(&self) -> Self {
                Self { service: #private::Clone::clone(&self.service), payloads: #private::PhantomData }
            }
        }

        impl<#service_type, #params> #private::Debug for Handler<#service_type #comma #idents> #where_clause {
            fn fmt(&self, formatter: &mut #private::Formatter<'_>) -> #private::fmt::Result {
                #private::opaque(formatter, "Handler")
            }
        }
    }
}

fn arm(scope: &Scope<'_>, operation: &Operation) -> TokenStream {
    let Scope { rt, private, contract, .. } = scope;
    let (service, request, arguments) = (local("service"), local("request"), local("arguments"));
    let (cfgs, route, method) = (&operation.cfgs, &operation.const_ident, &operation.ident);
    let output = &operation.output;
    let names = operation.params.iter().map(|param| &param.ident);
    let reads = operation.params.iter().enumerate().map(|(index, param)| read(scope, index, param));
    let lent = operation.params.iter().map(|param| lend(scope, param));
    let mut outcome = local("outcome");
    // An error about the outcome is shown where its type is written.
    outcome.set_span(outcome.span().located_at(site(output)));
    let respond = call_for(output, rt, "respond", &quote!(#route, #outcome));
    // All are read before any is missed, so that one answer names every argument that is wrong.
    quote! {
        #(#cfgs)*
        if let #private::Some(mut #arguments) = #request.arguments(#route) {
            let (#(#private::Ok(#names),)* #private::Ok(())) = (#(#reads,)* #arguments.finish()) else {
                return #arguments.refuse();
            };
            let #outcome = <_ as #contract>::#method(#service, #(#lent),*).await;
            return #respond;
        }
    }
}

/// Reads one argument as its owned form: `&T` as `T::Owned`, `Option<&T>` as `Option<T::Owned>`.
fn read(scope: &Scope<'_>, index: usize, param: &Param) -> TokenStream {
    let private = &scope.private;
    let arguments = local("arguments");
    let span = site(&param.ty);
    let ty = match &param.shape {
        Shape::Borrowed(inner) => quote_spanned!(span => <#inner as #private::OwnedForm>::Owned),
        Shape::OptionalBorrowed(inner) => {
            quote_spanned!(span => #private::Option<<#inner as #private::OwnedForm>::Owned>)
        }
        Shape::Optional(_) | Shape::Owned => {
            let ty = &param.ty;
            quote!(#ty)
        }
    };
    let json = param.places.iter().any(|place| matches!(place, Place::Field(_) | Place::Body));
    if json {
        quote_spanned!(span => #arguments.json::<#ty>(#index))
    } else {
        quote_spanned!(span => #arguments.text::<#ty>(#index))
    }
}

fn lend(scope: &Scope<'_>, param: &Param) -> TokenStream {
    let (private, ident) = (&scope.private, &param.ident);
    match &param.shape {
        Shape::Borrowed(inner) => quote!(<#inner as #private::OwnedForm>::lend(&#ident)),
        Shape::OptionalBorrowed(inner) => {
            quote!(#private::Option::map(
                #private::Option::as_ref(&#ident),
                <#inner as #private::OwnedForm>::lend,
            ))
        }
        Shape::Optional(_) | Shape::Owned => quote!(#ident),
    }
}
