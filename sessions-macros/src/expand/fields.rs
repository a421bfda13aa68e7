//! Fields and type parameters of the struct of an operation.

use super::{Scope, call_lifetime, name_lifetimes, without_default};
use crate::model::{Operation, Param};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use std::collections::HashSet;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Ident, Token, TypeParam};

/// Returns the type parameters of the operation's struct.
pub(super) fn own_parameters(scope: &Scope<'_>, operation: &Operation) -> Punctuated<Ident, Token![,]> {
    let fields: Vec<Field<'_>> = operation.params.iter().map(Field::new).collect();
    Generics::of(scope, &fields).idents
}

/// Argument as a field of the struct.
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

/// Type parameters of the trait, split by whether an argument uses them. The struct has only the used ones,
/// so that encoding a request does not require naming the types of the response.
pub(super) struct Generics {
    pub(super) params: Punctuated<TypeParam, Token![,]>,
    pub(super) defaulted: Punctuated<TypeParam, Token![,]>,
    pub(super) idents: Punctuated<Ident, Token![,]>,
    pub(super) where_clause: TokenStream,
    /// Parameters used only in the return type. `rest_where` contains the bounds that mention them.
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
        // A bound that mentions a parameter which the struct does not have goes to `rest_where`.
        let mentions_rest =
            |mentions: Mentions| scope.idents.iter().any(|ident| mentions.0.contains(ident) && !used(ident));
        let mut rest_where = Vec::new();
        let mut own_where = Vec::new();
        for predicate in scope.where_clause.iter().flat_map(|clause| &clause.predicates) {
            if mentions_rest(Mentions::of(|mentions| mentions.visit_where_predicate(predicate))) {
                rest_where.push(predicate.clone());
            } else {
                own_where.push(predicate);
            }
        }
        let mut defaulted: Punctuated<TypeParam, Token![,]> =
            scope.defaulted.iter().filter(|param| used(&param.ident)).cloned().collect();
        for param in &mut defaulted {
            let (own, rest): (Vec<_>, Vec<_>) =
                std::mem::take(&mut param.bounds).into_iter().partition(|bound| {
                    !mentions_rest(Mentions::of(|mentions| mentions.visit_type_param_bound(bound)))
                });
            param.bounds.extend(own);
            if !rest.is_empty() {
                let ident = &param.ident;
                rest_where.push(syn::parse_quote!(#ident: #(#rest)+*));
            }
        }
        // If one default cannot be used, the parameters before it cannot have a default either.
        let default_mentions_rest = |param: &TypeParam| {
            let ty = param.default.as_ref().map(|(_, ty)| ty);
            ty.is_some_and(|ty| mentions_rest(Mentions::of(|mentions| mentions.visit_type(ty))))
        };
        if defaulted.iter().any(default_mentions_rest) {
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

/// Adds bounds by `condition` (`CloneIf` or `CopyIf` of the runtime) for all `types` to `where_clause`.
///
/// 1. A plain bound on a type without parameters does not work: `u8: Clone` triggers a lint, and for a type
///    that does not implement `Clone` it is an error.
/// 2. A bound with `for<'any>` is not checked at the definition. If a type does not satisfy it, the impl does
///    not apply and no error is reported.
/// 3. Two types in the source may be the same type, and two identical bounds would be ambiguous. A distinct
///    number per bound prevents that.
pub(super) fn where_clause_with(
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

/// First segments of all paths in a piece of syntax; type parameters are among them.
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
