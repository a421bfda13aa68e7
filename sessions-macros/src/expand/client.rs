//! The client: the trait over a transport.

use super::fields::own_parameters;
use super::{Scope, allowances, site, type_parameter};
use crate::model::Names;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Ident, Type, TypeParam};

pub(super) fn expand(scope: &Scope<'_>, names: &Names) -> TokenStream {
    let Scope { api, rt, private, contract, params, defaulted, idents, where_clause } = scope;
    let (vis, client, module) = (&api.item.vis, &names.client, &names.module);
    let transport = type_parameter("Transport");
    let phantom = scope.phantom();
    let comma = (!idents.is_empty()).then(|| quote!(,));
    let allow = allowances();
    let methods = scope.members(|operation| {
        let type_ident = &operation.type_ident;
        let fields = operation.params.iter().map(|param| &param.ident);
        // Not to be inferred where an argument has only what belongs to them, like `T::Key`.
        let own = own_parameters(scope, operation);
        let own = (!own.is_empty()).then(|| quote!(::<#own>));
        quote_spanned! { site(&operation.output) =>
            self.caller.call(#module::#type_ident #own { #(#fields),* }).await
        }
    });
    let constructors = constructors(scope, client);
    let name = client.to_string();
    let doc = format!(
        "[`{}`] over HTTP, by whatever transport it is given.\n\nA clone is cheap and shares the transport.",
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
            /// A client that calls as `caller` is set up to.
            pub fn from_caller(caller: #rt::Caller<#transport>) -> Self {
                Self { caller, payloads: #private::PhantomData }
            }

            /// The transport and the settings of its calls.
            pub fn caller(&self) -> &#rt::Caller<#transport> {
                &self.caller
            }

            /// A view of this client whose calls have `options`. It costs nothing, shares everything, and is an
            /// implementation of the same trait.
            pub fn with(&self, options: #rt::CallOptions) -> #client<#idents #comma &#transport> {
                #client::from_caller(#rt::Caller::with(&self.caller, options))
            }

            /// The same client with `options` for all its calls.
            pub fn with_options(self, options: #rt::CallOptions) -> Self {
                Self::from_caller(self.caller.with_options(options))
            }

            /// The same client with requests written otherwise.
            pub fn with_encoding(self, encoding: #rt::Encoding) -> Self {
                Self::from_caller(self.caller.with_encoding(encoding))
            }

            /// The same client, which tells `observer` of every call that is over.
            pub fn with_observer(self, observer: #private::Arc<dyn #rt::telemetry::CallObserver>) -> Self {
                Self::from_caller(self.caller.with_observer(observer))
            }
        }

        #allow
        impl<#params #comma #transport: #rt::Transport> #contract for #client<#idents #comma #transport>
        #where_clause { #methods }

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

/// `new` for the default payloads, where there are any: a call like `Client::new(transport)` would leave
/// them open otherwise, since expressions take no defaults.
fn constructors(scope: &Scope<'_>, client: &Ident) -> TokenStream {
    let Scope { rt, params, defaulted, idents, where_clause, .. } = scope;
    let transport = type_parameter("Transport");
    let comma = (!idents.is_empty()).then(|| quote!(,));
    let defaults = all_defaults(defaulted);
    let new = quote! {
        /// A client over `transport`, with default settings.
        pub fn new(transport: #transport) -> Self {
            Self::from_caller(#rt::Caller::new(transport))
        }
    };
    match defaults {
        Some(defaults) if !defaults.is_empty() => {
            let allow = quote!(#[allow(private_bounds)]);
            quote! {
                impl<#transport> #client<#(#defaults,)* #transport> {
                    #new

                    /// The same client with payloads of other types.
                    #allow
                    pub fn with_payloads<#params>(self) -> #client<#idents #comma #transport> #where_clause {
                        #client::from_caller(self.caller)
                    }
                }
            }
        }
        _ => quote! {
            impl<#params #comma #transport> #client<#idents #comma #transport> #where_clause { #new }
        },
    }
}

/// The defaults of all the parameters, if all have one, written without the parameters before them.
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
