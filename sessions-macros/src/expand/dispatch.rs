//! The dispatcher, which calls the trait method for a request and converts its result to a response.

use super::fields::own_parameters;
use super::received::lend;
use super::{
    Scope, allow_lints, call_with_form, error_span, has_default_form, local, none_check, runtime_call,
    type_parameter,
};
use crate::model::Operation;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

pub(super) fn expand(scope: &Scope<'_>) -> TokenStream {
    let Scope { api, rt, private, contract, params, defaulted, idents, where_clause, .. } = scope;
    let service_type = type_parameter("Service");
    let (service, request) = (local("service"), local("request"));
    let arms = api.operations().map(|operation| arm(scope, operation));
    let phantom = scope.phantom();
    let comma = (!idents.is_empty()).then(|| quote!(,));
    let allow = allow_lints();
    quote! {
        /// Calls the operation of `service` whose route matches `request`, and returns the response.
        ///
        /// Returns an error response if no route matches or an argument is invalid. It does not depend on
        /// an HTTP server: any code that reads requests and writes responses can call it.
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

        /// Request handler that calls [`dispatch`], for servers and in-process transports.
        pub struct Handler<#service_type #comma #defaulted> #where_clause {
            service: #service_type,
            payloads: #phantom,
        }

        #allow
        impl<#service_type: #contract, #params> Handler<#service_type #comma #idents> #where_clause {
            /// Creates a handler that serves `service`.
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
    let (service, request) = (local("service"), local("request"));
    let (received, refusal) = (local("received"), local("refusal"));
    let (cfgs, route, method) = (&operation.cfgs, &operation.const_ident, &operation.ident);
    let name = operation.name();
    let (type_ident, output) = (&operation.type_ident, &operation.output);
    let own = own_parameters(scope, operation);
    let lent = operation.params.iter().map(|param| lend(scope, param, &quote!(#received)));
    // Shows errors about the outcome at the return type.
    let span = error_span(output);
    let outcome = quote_spanned!(span => <_ as #contract>::#method(#service, #(#lent),*).await);
    // A client has the same check.
    let none = (!scope.api.halves.has_client()).then(|| none_check(scope, operation)).flatten();
    let arguments = quote!(#route, #outcome);
    let respond = if has_default_form(operation) {
        runtime_call(output, rt, "respond", &arguments)
    } else {
        call_with_form(scope, operation, "respond_as", &arguments)
    };
    let respond = quote! {
        match #private::receive::<received::#type_ident<#own>>(#request) {
            #private::Ok(#received) => #respond,
            #private::Err(#refusal) => #private::refuse(#route, &#refusal),
        }
    };
    let respond = if none.is_some() { quote!({ #none #respond }) } else { respond };
    quote!(#(#cfgs)* #private::Some(#name) => #respond,)
}
