//! The struct of an operation: its arguments as a value that can be encoded, and its answers decoded, with
//! no I/O.

use super::{
    Scope, allowances, call_for, call_lifetime, local, name_lifetimes, site, type_parameter, without_default,
};
use crate::model::{Operation, Param, Place, Shape};
use crate::template::Segment;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Ident, Token, TypeParam};

pub(super) fn expand(scope: &Scope<'_>, operation: &Operation) -> TokenStream {
    let Scope { rt, private, .. } = scope;
    let (cfgs, docs, type_ident) = (&operation.cfgs, &operation.docs, &operation.type_ident);
    let call = call_lifetime();
    let fields: Vec<Field<'_>> = operation.params.iter().map(Field::new).collect();
    let generics = Generics::of(scope, &fields);
    let Generics { params, defaulted, idents, where_clause, .. } = &generics;
    let lifetime = fields.iter().any(|field| field.borrows).then(|| quote!(#call,));

    let declarations = fields.iter().map(|field| {
        let (ident, ty, doc) =
            (&field.param.ident, &field.ty, format!("The argument `{}`.", field.param.name()));
        quote!(#[doc = #doc] pub #ident: #ty)
    });
    let new = new(scope, operation, &fields);
    let setters = fields.iter().map(|field| setter(scope, field));
    let methods = methods(scope, operation, &generics);
    let encode = encode(scope, operation);
    let route = &operation.const_ident;
    let name = type_ident.to_string();
    let gap = if docs.is_empty() { "" } else { "\n\n" };
    let about = format!("The arguments of {}.{gap}", scope.link(operation));
    let allow = allowances();
    quote! {
        #(#cfgs)*
        #[doc = #about]
        #(#docs)*
        #[non_exhaustive]
        pub struct #type_ident<#lifetime #defaulted> #where_clause { #(#declarations),* }

        #(#cfgs)*
        #allow
        impl<#lifetime #params> #type_ident<#lifetime #idents> #where_clause { #new #(#setters)* #methods }

        #(#cfgs)*
        impl<#lifetime #params> #rt::Operation for #type_ident<#lifetime #idents> #where_clause {
            const ROUTE: &'static #rt::Route = #route;
            #encode
        }

        #(#cfgs)*
        impl<#lifetime #params> #private::Debug for #type_ident<#lifetime #idents> #where_clause {
            fn fmt(&self, formatter: &mut #private::Formatter<'_>) -> #private::fmt::Result {
                #private::opaque(formatter, #name)
            }
        }
    }
}

/// The type parameters of the operation's struct.
pub(super) fn own_parameters(scope: &Scope<'_>, operation: &Operation) -> Punctuated<Ident, Token![,]> {
    let fields: Vec<Field<'_>> = operation.params.iter().map(Field::new).collect();
    Generics::of(scope, &fields).idents
}

/// An argument as a field of the struct.
struct Field<'a> {
    param: &'a Param,
    ty: syn::Type,
    borrows: bool,
}

impl<'a> Field<'a> {
    fn new(param: &'a Param) -> Self {
        let (ty, borrows) = name_lifetimes(&param.ty, &call_lifetime());
        Self { param, ty, borrows }
    }
}

/// The trait's type parameters, told apart by whether an argument has them: the struct takes only those, so
/// that a caller who only encodes need not name the types of an answer.
struct Generics {
    params: Punctuated<TypeParam, Token![,]>,
    defaulted: Punctuated<TypeParam, Token![,]>,
    idents: Punctuated<Ident, Token![,]>,
    where_clause: TokenStream,
    /// Those that only the answer has, and what the trait demands of them.
    rest: Punctuated<TypeParam, Token![,]>,
    rest_where: TokenStream,
}

impl Generics {
    fn of(scope: &Scope<'_>, fields: &[Field<'_>]) -> Self {
        let mut mentions = Mentions(Vec::new());
        for field in fields {
            mentions.visit_type(&field.ty);
        }
        let used = |ident: &Ident| mentions.0.contains(ident);
        // What mentions a parameter that the struct has not waits until that one is there too.
        let waits =
            |mentions: Mentions| scope.idents.iter().any(|ident| mentions.0.contains(ident) && !used(ident));
        let mut rest_where = Vec::new();
        let mut own_where = Vec::new();
        for predicate in scope.where_clause.iter().flat_map(|clause| &clause.predicates) {
            if waits(Mentions::of(|mentions| mentions.visit_where_predicate(predicate))) {
                rest_where.push(predicate.clone());
            } else {
                own_where.push(predicate);
            }
        }
        let mut defaulted: Punctuated<TypeParam, Token![,]> =
            scope.defaulted.iter().filter(|param| used(&param.ident)).cloned().collect();
        for param in &mut defaulted {
            let (now, later): (Vec<_>, Vec<_>) = std::mem::take(&mut param.bounds)
                .into_iter()
                .partition(|bound| !waits(Mentions::of(|mentions| mentions.visit_type_param_bound(bound))));
            param.bounds.extend(now);
            if !later.is_empty() {
                let ident = &param.ident;
                rest_where.push(syn::parse_quote!(#ident: #(#later)+*));
            }
        }
        // Without one of them those before it could have none either.
        let default_waits = |param: &TypeParam| {
            let ty = param.default.as_ref().map(|(_, ty)| ty);
            ty.is_some_and(|ty| waits(Mentions::of(|mentions| mentions.visit_type(ty))))
        };
        if defaulted.iter().any(default_waits) {
            defaulted = defaulted.iter().map(without_default).collect();
        }
        Self {
            params: defaulted.iter().map(without_default).collect(),
            idents: defaulted.iter().map(|param| param.ident.clone()).collect(),
            defaulted,
            where_clause: if own_where.is_empty() {
                TokenStream::new()
            } else {
                quote!(where #(#own_where),*)
            },
            rest: scope.params.iter().filter(|param| !used(&param.ident)).cloned().collect(),
            rest_where: quote!(#(#rest_where),*),
        }
    }
}

/// The first segments of the paths in a piece of syntax, which are what type parameters look like.
struct Mentions(Vec<Ident>);

impl Mentions {
    fn of(visit: impl FnOnce(&mut Self)) -> Self {
        let mut mentions = Self(Vec::new());
        visit(&mut mentions);
        mentions
    }
}

impl Visit<'_> for Mentions {
    fn visit_path(&mut self, path: &syn::Path) {
        self.0.extend(path.segments.first().map(|first| first.ident.clone()));
        visit::visit_path(self, path);
    }
}

fn new(scope: &Scope<'_>, operation: &Operation, fields: &[Field<'_>]) -> TokenStream {
    let private = &scope.private;
    let required = fields.iter().filter(|field| !field.param.is_optional());
    let inputs = required.clone().map(|field| {
        let (ident, ty) = (&field.param.ident, &field.ty);
        quote!(#ident: #ty)
    });
    let values = fields.iter().map(|field| {
        let ident = &field.param.ident;
        if field.param.is_optional() { quote!(#ident: #private::None) } else { quote!(#ident) }
    });
    let doc = match required.count() {
        0 => format!("A call of `{}` with no argument given yet.", operation.name()),
        _ => format!("A call of `{}` with the arguments that it requires.", operation.name()),
    };
    quote! {
        #[doc = #doc]
        #[must_use]
        pub fn new(#(#inputs),*) -> Self { Self { #(#values),* } }
    }
}

fn setter(scope: &Scope<'_>, field: &Field<'_>) -> TokenStream {
    let private = &scope.private;
    let (Shape::Optional(inner) | Shape::OptionalBorrowed(inner)) = &field.param.shape else {
        return TokenStream::new();
    };
    let ident = &field.param.ident;
    let call = call_lifetime();
    let (inner, _) = name_lifetimes(inner, &call);
    let reference = matches!(field.param.shape, Shape::OptionalBorrowed(_)).then(|| quote!(&#call));
    let ty = quote!(#reference #inner);
    let doc = format!("Gives the optional argument `{}`.", field.param.name());
    let this = local("operation");
    quote! {
        #[doc = #doc]
        #[must_use]
        pub fn #ident(self, #ident: #ty) -> Self {
            let mut #this = self;
            #this.#ident = #private::Some(#ident);
            #this
        }
    }
}

fn methods(scope: &Scope<'_>, operation: &Operation, generics: &Generics) -> TokenStream {
    let Scope { rt, private, contract, .. } = scope;
    let (method, route, output) = (&operation.ident, &operation.const_ident, &operation.output);
    let Generics { rest, rest_where, .. } = generics;
    let service_type = type_parameter("Service");
    let service = local("service");
    let fields = operation.params.iter().map(|param| &param.ident);
    let errors = format!(
        "# Errors\n\nWhen the response is an error of the service, or not what {} promises.",
        scope.link(operation)
    );
    let decode = call_for(output, rt, "decode", &quote!(#route, response));
    quote! {
        /// Reads the answer to this operation from a response, with no I/O.
        ///
        #[doc = #errors]
        pub fn decode<#rest>(response: #rt::Response) -> #output where #rest_where {
            #decode
        }

        /// Makes this call on `service`: a client, or whatever else implements the trait.
        ///
        /// # Errors
        ///
        /// Those of the call.
        pub async fn send<#service_type, #rest>(self, #service: &#service_type) -> #output
        where #service_type: #contract + ?#private::Sized, #rest_where
        {
            <#service_type as #contract>::#method(#service, #(self.#fields),*).await
        }
    }
}

/// One statement for each place that an argument travels to, in the order of the template, then of the
/// arguments: the order of query parameters and of JSON keys is part of the contract.
fn encode(scope: &Scope<'_>, operation: &Operation) -> TokenStream {
    let Scope { rt, private, .. } = scope;
    let (encoder, encoding) = (local("encoder"), local("encoding"));
    let path = operation.segments.iter().map(|segment| match segment {
        Segment::Literal(text) => quote!(#encoder.literal(#text);),
        Segment::Placeholder { name, .. } => {
            let Some(param) = operation.param(name) else { return TokenStream::new() };
            let ident = &param.ident;
            quote_spanned!(site(&param.ty) => #encoder.path(#name, &self.#ident)?;)
        }
        // No operation has one: its mistake is noted, and it is left out.
        Segment::Broken => TokenStream::new(),
    });
    let rest = operation.params.iter().flat_map(|param| {
        let encoder = &encoder;
        param.places.iter().map(move |place| {
            let (ident, argument) = (&param.ident, param.name());
            let span = site(&param.ty);
            match place {
                Place::Path(_) => TokenStream::new(),
                Place::Query(name) => {
                    quote_spanned!(span => #encoder.query(#argument, #name, &self.#ident)?;)
                }
                Place::Header(name) => {
                    quote_spanned!(span => #encoder.header(#argument, #name, &self.#ident)?;)
                }
                Place::Correlation(name) => {
                    quote_spanned!(span => #encoder.correlation(#argument, #name, &self.#ident)?;)
                }
                Place::Field(name) => {
                    quote_spanned!(span => #encoder.field(#argument, #name, &self.#ident)?;)
                }
                Place::Body => quote_spanned!(span => #encoder.body(#argument, &self.#ident)?;),
            }
        })
    });
    quote! {
        fn encode_with(&self, #encoding: &#rt::Encoding) -> #private::Result<#rt::Request, #rt::Error> {
            let mut #encoder = #rt::Encoder::new(<Self as #rt::Operation>::ROUTE, #encoding);
            #(#path)*
            #(#rest)*
            #encoder.finish()
        }
    }
}
