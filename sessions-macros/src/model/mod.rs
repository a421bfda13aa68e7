//! What an annotated trait says, once it is known to make sense.
//!
//! Each mistake is noted at the tokens that made it, and costs only the operation that it is in: the others
//! are expanded as usual, and the broken one keeps its place in the trait, so that code which uses the
//! trait draws no second-hand errors. For the same reason what a contract may not have, such as a
//! supertrait, is taken off once it is reported: the expansion could not satisfy it.

mod names;
mod operation;
mod overlap;
mod param;

pub(crate) use operation::Operation;
pub(crate) use param::{Param, Place, Shape};

use crate::attr::{ApiArgs, Given};
use crate::errors::Errors;
use crate::template;
use std::collections::HashMap;
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericParam, Generics, Ident, ItemTrait, Lifetime, LitStr, Path, TraitItem, TraitItemFn, Type,
    TypeParamBound,
};

/// The contract that a trait declares.
#[derive(Clone)]
pub(crate) struct Api {
    /// The trait as it was written, without the annotations that are ours.
    pub(crate) item: ItemTrait,
    /// The parameters of the trait as they were written. Those of `item` are types only, and bounded.
    pub(crate) declared: Generics,
    /// One for each method of the trait; `None` where it has a mistake, which is noted.
    pub(crate) methods: Vec<Option<Operation>>,
    pub(crate) names: Names,
    /// What every path begins with, if anything.
    pub(crate) prefix: String,
    /// Where the runtime is found.
    pub(crate) runtime: Path,
}

/// The items whose names the attribute was given.
#[derive(Clone)]
pub(crate) struct Names {
    pub(crate) client: Ident,
    pub(crate) module: Ident,
}

impl Api {
    pub(crate) fn read(args: ApiArgs, mut item: ItemTrait, errors: &mut Errors) -> Self {
        Ungroup.visit_item_trait_mut(&mut item);
        let runtime = args.runtime.value().unwrap_or_else(|| syn::parse_quote!(::sessions_client));
        let declared = check_generics(&mut item.generics, &runtime, errors);
        strip_trait(&mut item, errors);
        strip_members(&mut item, errors);

        let prefix = args.prefix.value().map(|literal| read_prefix(&literal, errors)).unwrap_or_default();
        let names = Names::read(args.client, args.module, &item.ident, errors);

        let methods = item.items.iter_mut().filter_map(|member| match member {
            TraitItem::Fn(method) => Some(method),
            _ => None,
        });
        let mut methods = methods.map(|method| read_method(method, &prefix, errors)).collect::<Vec<_>>();
        names::check(&mut methods, &item, errors);
        overlap::check(&mut methods, errors);
        if declared.params.len() > item.generics.params.len() {
            // They may use what is gone.
            methods.fill(None);
        }
        Self { item, declared, methods, names, prefix, runtime }
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.methods.iter().flatten()
    }
}

impl Names {
    /// The names that were given. In place of a missing one, which is noted, comes the one that is
    /// proposed, so that the other can be used.
    fn read(client: Given<Ident>, module: Given<Ident>, contract: &Ident, errors: &mut Errors) -> Self {
        let mut missing = Vec::new();
        let mut or_proposed = |given, key, proposed: String| {
            if matches!(given, Given::No) {
                missing.push(format!("`{key} = {proposed}`"));
            }
            given.value().unwrap_or_else(|| Ident::new(&proposed, contract.span()))
        };
        let client = or_proposed(client, "client", format!("{contract}Client"));
        let snake = names::snake_case(contract);
        let proposed = if snake.ends_with("api") { snake } else { format!("{snake}_api") };
        let module = or_proposed(module, "module", proposed);
        if !missing.is_empty() {
            errors.at(
                proc_macro2::Span::call_site(),
                format_args!(
                    "`http_api` invents no names: add {}, or names of your choice",
                    missing.join(" and ")
                ),
            );
        }
        Self { client, module }
    }
}

fn read_prefix(literal: &LitStr, errors: &mut Errors) -> String {
    let text = literal.value();
    match text.trim_end_matches('/') {
        "" => errors.at(literal.span(), "this prefix adds nothing to a path: leave it out"),
        shorter if shorter != text => {
            errors.at(literal.span(), format_args!("a prefix ends without `/`: write `\"{shorter}\"`"));
        }
        _ if text.contains(['{', '}']) => {
            errors.at(literal.span(), "a prefix has no placeholders: put them in the paths of the routes");
        }
        _ => template::check_path(literal, errors),
    }
    text
}

fn read_method(method: &mut TraitItemFn, prefix: &str, errors: &mut Errors) -> Option<Operation> {
    let before = errors.count();
    let operation = Operation::read(method, prefix, errors);
    operation.filter(|_| errors.count() == before)
}

/// Takes off the trait what a contract may not be.
fn strip_trait(item: &mut ItemTrait, errors: &mut Errors) {
    if let Some(token) = item.unsafety.take() {
        errors.on(token, "a contract is a safe trait: drop `unsafe`");
    }
    errors.keep(item.modifiers.require_empty());
    for bound in std::mem::take(&mut item.supertraits) {
        let implied = matches!(&bound, TypeParamBound::Trait(bound)
            if bound.path.is_ident("Send") || bound.path.is_ident("Sync"));
        if !implied {
            errors.on(
                bound,
                "a contract has no supertraits: what implements it by forwarding (`&T`, `Arc<T>`, `dyn`) could not \
                 have them; `Send + Sync` are added for you",
            );
        }
    }
}

/// Takes off the trait what is no operation, as far as code that uses it can do without.
fn strip_members(item: &mut ItemTrait, errors: &mut Errors) {
    let mut seen = HashMap::new();
    item.items.retain_mut(|member| {
        match member {
            TraitItem::Fn(method) => {
                let conditional = method.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"));
                let name = &method.sig.ident;
                let twice = seen.insert(name.clone(), conditional) == Some(false) && !conditional;
                if twice {
                    errors.on(name, format_args!("`{name}` is declared twice: rename one of the two"));
                }
                return !twice;
            }
            TraitItem::Const(constant) => {
                let name = &constant.ident;
                errors.on(
                    name,
                    format_args!(
                        "a contract has only operations: declare `const {name}` outside of the trait"
                    ),
                );
            }
            TraitItem::Type(ty) => {
                let name = &ty.ident;
                errors.on(
                    name,
                    format_args!(
                        "a contract has only operations: make `{name}` a type parameter of the trait, like `{}<{name}: \
                         Payload>`",
                        item.ident
                    ),
                );
                ty.bounds = Punctuated::new();
            }
            other => errors.on(other, "a contract has only operations: move this out of the trait"),
        }
        true
    });
}

/// Takes off what describes no payload, and returns the parameters that the trait itself keeps: all of them, so
/// that what names them still compiles.
fn check_generics(generics: &mut Generics, runtime: &Path, errors: &mut Errors) -> Generics {
    let conditions = generics.where_clause.clone();
    for param in &mut generics.params {
        match param {
            GenericParam::Type(param) => {
                let conditional =
                    conditions.as_ref().is_some_and(|clause| names::mentions(clause, &param.ident));
                let bounded = param
                    .bounds
                    .iter()
                    .any(|bound| matches!(bound, TypeParamBound::Trait(bound) if bound.maybe.is_none()));
                if !(bounded || conditional) {
                    errors.on(
                        &param.ident,
                        format_args!(
                            "nothing is known of `{0}`, so it could not be sent: write `{0}: Payload`",
                            param.ident
                        ),
                    );
                    param.bounds.push(syn::parse_quote!(#runtime::Payload));
                }
            }
            GenericParam::Lifetime(param) => {
                errors.on(param, "a contract borrows nothing for itself: drop the lifetime parameter");
            }
            GenericParam::Const(param) => {
                errors.on(param, "only type parameters describe payloads: drop the `const` parameter");
            }
        }
    }
    let declared = generics.clone();
    let lifetimes = generics.lifetimes().map(|param| param.lifetime.clone()).collect();
    MakeStatic(lifetimes).visit_generics_mut(generics);
    generics.params = std::mem::take(&mut generics.params)
        .into_iter()
        .filter(|param| matches!(param, GenericParam::Type(_)))
        .collect();
    declared
}

/// Puts `'static` for lifetimes that are not declared any more.
struct MakeStatic(Vec<Lifetime>);

impl VisitMut for MakeStatic {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if self.0.contains(lifetime) {
            *lifetime = Lifetime::new("'static", lifetime.span());
        }
    }
}

/// Takes types out of the invisible groups that `macro_rules!` puts around them, and out of parentheses: what
/// `$ty` stands for is written like any other type.
struct Ungroup;

impl VisitMut for Ungroup {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        visit_mut::visit_type_mut(self, ty);
        let inner = match ty {
            Type::Group(group) => &mut group.elem,
            Type::Paren(paren) => &mut paren.elem,
            _ => return,
        };
        // `&(dyn A + B)` needs them.
        if !matches!(**inner, Type::TraitObject(_) | Type::ImplTrait(_)) {
            *ty = std::mem::replace(&mut **inner, Type::Verbatim(proc_macro2::TokenStream::new()));
        }
    }
}
