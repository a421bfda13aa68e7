//! The arguments of an operation as fields of a struct, and the type parameters that such a struct has.

use super::{Scope, call_lifetime, name_lifetimes, without_default};
use crate::model::{Operation, Param};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use std::collections::HashSet;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Ident, Token, TypeParam};

/// The type parameters of the operation's struct.
pub(super) fn own_parameters(scope: &Scope<'_>, operation: &Operation) -> Punctuated<Ident, Token![,]> {
    let fields: Vec<Field<'_>> = operation.params.iter().map(Field::new).collect();
    Generics::of(scope, &fields).idents
}

/// An argument as a field of the struct.
pub(super) struct Field<'a> {
    pub(super) param: &'a Param,
    pub(super) ty: syn::Type,
    pub(super) borrows: bool,
}

impl<'a> Field<'a> {
    pub(super) fn new(param: &'a Param) -> Self {
        let (ty, borrows) = name_lifetimes(&param.ty, &call_lifetime());
        Self { param, ty, borrows }
    }
}

/// The trait's type parameters, told apart by whether an argument has them: the struct takes only those, so
/// that a caller who only encodes need not name the types of an answer.
pub(super) struct Generics {
    pub(super) params: Punctuated<TypeParam, Token![,]>,
    pub(super) defaulted: Punctuated<TypeParam, Token![,]>,
    pub(super) idents: Punctuated<Ident, Token![,]>,
    pub(super) where_clause: TokenStream,
    /// Those that only the answer has, and what the trait demands of them.
    pub(super) rest: Punctuated<TypeParam, Token![,]>,
    pub(super) rest_where: TokenStream,
}

impl Generics {
    pub(super) fn of(scope: &Scope<'_>, fields: &[Field<'_>]) -> Self {
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

/// `where_clause`, and the runtime's `condition` on `types`.
///
/// It is one for any lifetime, so that it may be about types without parameters, and even about types that do
/// not meet it: what it stands on is then not there, and nothing is said of it. A bound like `u8: Clone` draws
/// a lint, and one like `Lock: Clone` is an error. Each has a number, since two types may be one by another name,
/// and two conditions on one type are ambiguous.
pub(super) fn where_also(
    scope: &Scope<'_>,
    where_clause: &TokenStream,
    condition: &str,
    types: impl Iterator<Item = impl ToTokens>,
) -> TokenStream {
    let (private, condition) = (&scope.private, format_ident!("{condition}"));
    let mut seen = HashSet::new();
    let mut types: Vec<_> = types.map(ToTokens::into_token_stream).collect();
    types.retain(|ty| seen.insert(ty.to_string()));
    if types.is_empty() {
        return where_clause.clone();
    }
    let start = if where_clause.is_empty() { quote!(where) } else { quote!(#where_clause,) };
    let numbers = 0..types.len();
    quote!(#start #(for<'any> #types: #private::#condition<'any, #numbers>),*)
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
