//! The way back: from a request to the trait's method, and from its result to a response.

use super::fields::own_parameters;
use super::received::lend;
use super::{Scope, allowances, call_for, local, site, type_parameter};
use crate::model::Operation;
use proc_macro2::TokenStream;
use quote::quote;

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
            match #private::route_of(&#request, ROUTES) {
                #(#arms)*
                _ => #request.unmatched(ROUTES),
            }
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
    let (service, request, received) = (local("service"), local("request"), local("received"));
    let (cfgs, route, method) = (&operation.cfgs, &operation.const_ident, &operation.ident);
    let name = operation.name();
    let (type_ident, output) = (&operation.type_ident, &operation.output);
    let own = own_parameters(scope, operation);
    let lent = operation.params.iter().map(|param| lend(scope, param, &quote!(#received)));
    let mut outcome = local("outcome");
    // An error about the outcome is shown where its type is written.
    outcome.set_span(outcome.span().located_at(site(output)));
    let respond = call_for(output, rt, "respond", &quote!(#route, #outcome));
    quote! {
        #(#cfgs)*
        #private::Some(#name) => {
            let #received = match #private::receive::<received::#type_ident<#own>>(#request) {
                #private::Ok(#received) => #received,
                #private::Err(refusal) => return #private::refuse(#route, &refusal),
            };
            let #outcome = <_ as #contract>::#method(#service, #(#lent),*).await;
            #respond
        }
    }
}
