//! The generated client, which implements the trait on top of a transport.

use super::fields::own_parameters;
use super::{Scope, error_span, form, has_default_form, type_parameter};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Ident, Type, TypeParam};

/// Generates the client with its constructors and settings.
pub(super) fn expand(scope: &Scope<'_>, client: &Ident) -> TokenStream {
    let Scope { api, rt, private, params, defaulted, idents, where_clause, .. } = scope;
    let vis = &api.item.vis;
    let transport = type_parameter("Transport");
    let phantom = scope.phantom();
    let comma = (!idents.is_empty()).then(|| quote!(,));
    let constructors = constructors(scope, client);
    let name = client.to_string();
    let doc = format!(
        "HTTP client for [`{}`], generic over its transport.\n\nClones are cheap and share the transport.",
        api.item.ident
    );
    quote! {
        #[doc = #doc]
        #vis struct #client<#defaulted #comma #transport = #rt::DefaultTransport> #where_clause {
            caller: #rt::Caller<#transport>,
            payloads: #phantom,
        }

        #constructors

        impl<#params #comma #transport> #client<#idents #comma #transport> #where_clause {
            /// Creates a client that sends its calls through `caller`.
            pub fn from_caller(caller: #rt::Caller<#transport>) -> Self {
                Self { caller, payloads: #private::PhantomData }
            }

            /// Returns the transport together with the settings for its calls.
            pub fn caller(&self) -> &#rt::Caller<#transport> {
                &self.caller
            }

            /// Returns a view of this client whose calls use `options`. The view borrows the client, costs
            /// nothing to create, and implements the same trait.
            pub fn with(&self, options: #rt::CallOptions) -> #client<#idents #comma &#transport> {
                #client::from_caller(#rt::Caller::with(&self.caller, options))
            }

            /// Sets `options` for all calls of this client.
            pub fn with_options(self, options: #rt::CallOptions) -> Self {
                Self::from_caller(self.caller.with_options(options))
            }

            /// Sets how requests are encoded.
            pub fn with_encoding(self, encoding: #rt::Encoding) -> Self {
                Self::from_caller(self.caller.with_encoding(encoding))
            }

            /// Sets the observer that is notified of each finished call.
            pub fn with_observer(self, observer: #private::Arc<dyn #rt::telemetry::CallObserver>) -> Self {
                Self::from_caller(self.caller.with_observer(observer))
            }
        }

        impl<#params #comma #transport: #private::Clone> #private::Clone for #client<#idents #comma #transport>
        #where_clause {
            fn clone(&self) -> Self {
                Self { caller: #private::Clone::clone(&self.caller), payloads: #private::PhantomData }
            }
        }

        impl<#params #comma #transport> #private::Debug for #client<#idents #comma #transport> #where_clause {
            fn fmt(&self, formatter: &mut #private::Formatter<'_>) -> #private::fmt::Result {
                #private::opaque(formatter, #name)
            }
        }
    }
}

/// Generates the implementation of the trait for the client.
pub(super) fn implementation(scope: &Scope<'_>, client: &Ident) -> TokenStream {
    let Scope { api, rt, private, contract, params, idents, where_clause, .. } = scope;
    let module = &api.names.module;
    let transport = type_parameter("Transport");
    let comma = (!idents.is_empty()).then(|| quote!(,));
    let methods = scope.impl_items(api.operations().map(|operation| {
        let type_ident = &operation.type_ident;
        let fields = operation.params.iter().map(|param| &param.ident);
        // The compiler cannot infer a parameter used only in a projection such as `T::Key`.
        let own = own_parameters(scope, operation);
        let own = (!own.is_empty()).then(|| quote!(::<#own>));
        let call = quote!(#private::prepare(&self.caller, &#module::#type_ident #own { #(#fields),* }));
        let span = error_span(&operation.output);
        let call = if has_default_form(operation) {
            quote_spanned!(span => #call.call())
        } else {
            let form = form(scope, operation);
            quote_spanned!(span => #call.call_as::<#form, _>())
        };
        (operation.into(), call)
    }));
    quote! {
        impl<#params #comma #transport: #rt::Transport> #contract for #client<#idents #comma #transport>
        #where_clause { #methods }
    }
}

/// Generates the constructors, for the default payload types if there are any. Expressions do not use the defaults of
/// type parameters, so `Client::new(transport)` would be ambiguous if it were generic over them.
fn constructors(scope: &Scope<'_>, client: &Ident) -> TokenStream {
    let Scope { api, rt, private, params, defaulted, idents, where_clause, .. } = scope;
    let module = &api.names.module;
    let transport = type_parameter("Transport");
    let comma = (!idents.is_empty()).then(|| quote!(,));
    let defaults = all_defaults(defaulted).filter(|defaults| !defaults.is_empty());
    let allow = quote!(#[allow(private_bounds)]);
    let with_payloads = defaults.is_some().then(|| {
        quote! {
            /// Changes the payload types of this client.
            #allow
            pub fn with_payloads<#params>(self) -> #client<#idents #comma #transport> #where_clause {
                #client::from_caller(self.caller)
            }
        }
    });
    let (own, arguments) = match &defaults {
        Some(defaults) => (quote!(), quote!(#(#defaults,)*)),
        None => (quote!(#params #comma), quote!(#idents #comma)),
    };
    let where_clause = if defaults.is_some() { quote!() } else { quote!(#where_clause) };
    quote! {
        impl<#own #transport> #client<#arguments #transport> #where_clause {
            /// Creates a client over `transport`, with only the limits and retries of the transport itself.
            pub fn new(transport: #transport) -> Self
            where
                #transport: #rt::Transport,
            {
                Self::from_caller(#rt::Caller::new(transport))
            }

            #with_payloads
        }

        #rt::__if_tokio! {
            impl<#own #transport: #rt::Transport> #client<#arguments #rt::Policies<#transport>> #where_clause {
                /// Creates a client over `transport` with all settings of `config`, including its limits and retries, its
                /// base route and its correlation place.
                ///
                /// # Errors
                ///
                /// If the configuration is not valid.
                pub fn from_transport(
                    transport: #transport,
                    config: &#rt::ClientConfig,
                ) -> #private::Result<Self, #rt::Error> {
                    #private::from_transport(transport, config).map(Self::from_caller)
                }
            }
        }

        #rt::__if_network! {
            impl<#own> #client<#arguments> #where_clause {
                /// Creates a client of the service at `url`, such as `http://localhost:8080`, with default settings: with
                /// time limits and retries.
                ///
                /// Reuse the client or its clones, which share connections. It does not open a connection before the
                /// first call.
                ///
                /// # Errors
                ///
                /// If `url` cannot be used.
                pub fn connect(url: &#private::str) -> #private::Result<Self, #rt::Error> {
                    Self::from_config(&#rt::ClientConfig::from_url(url)?)
                }

                /// Creates a client with all settings of `config`.
                ///
                /// # Errors
                ///
                /// If the configuration is not valid, or has no address that can be used.
                pub fn from_config(config: &#rt::ClientConfig) -> #private::Result<Self, #rt::Error> {
                    #private::from_config(#module::CONTRACT, config).map(Self::from_caller)
                }
            }
        }
    }
}

/// Returns the defaults of all parameters, if every parameter has one. Earlier parameters used in a default
/// are replaced by their own defaults.
fn all_defaults<'a>(params: impl IntoIterator<Item = &'a TypeParam>) -> Option<Vec<Type>> {
    let mut known = Vec::<(Ident, Type)>::new();
    for param in params {
        let (_, mut default) = param.default.clone()?;
        Replace(&known).visit_type_mut(&mut default);
        known.push((param.ident.clone(), default));
    }
    Some(known.into_iter().map(|(_, default)| default).collect())
}

struct Replace<'a>(&'a [(Ident, Type)]);

impl VisitMut for Replace<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        visit_mut::visit_type_mut(self, ty);
        let Type::Path(path) = &*ty else { return };
        if let Some((_, default)) = self.0.iter().find(|(param, _)| path.path.is_ident(param)) {
            *ty = default.clone();
        }
    }
}
