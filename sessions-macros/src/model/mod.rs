//! Validated model of an annotated trait.
//!
//! Each mistake is reported at the tokens that cause it and invalidates only its own operation. The other
//! operations are expanded as usual, and the invalid one stays in the trait, so that code which uses the
//! trait does not cause follow-up errors. For the same reason, unsupported parts of the trait, such as
//! supertraits, are removed after they are reported: the expansion could not satisfy them.

mod names;
mod operation;
mod overlap;
mod param;

pub(crate) use operation::Operation;
pub(crate) use param::{Param, Place, Shape};

use crate::attr::{ApiArg, ApiArgs};
use crate::errors::Errors;
use crate::template;
use std::collections::HashMap;
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericParam, Generics, Ident, ItemTrait, Lifetime, LitStr, Path, TraitItem, TraitItemFn, Type,
    TypeParamBound,
};

/// Contract declared by a trait.
#[derive(Clone)]
pub(crate) struct Api {
    /// The trait as written by the user, without the annotations of this crate.
    pub(crate) item: ItemTrait,
    /// Generic parameters of the trait as declared. `item` has only the type parameters, all with bounds.
    pub(crate) declared: Generics,
    /// One entry per method of the trait; `None` if the method has a mistake, which is already reported.
    pub(crate) methods: Vec<Option<Operation>>,
    pub(crate) names: Names,
    /// Prefix of all paths; may be empty.
    pub(crate) prefix: String,
    /// Path of the runtime crate.
    pub(crate) runtime: Path,
    /// Path of the error format, if it is given.
    pub(crate) errors: Option<Path>,
}

/// Names of the generated items.
#[derive(Clone)]
pub(crate) struct Names {
    pub(crate) client: Ident,
    pub(crate) module: Ident,
}

impl Api {
    pub(crate) fn read(args: ApiArgs, mut item: ItemTrait, errors: &mut Errors) -> Self {
        Ungroup.visit_item_trait_mut(&mut item);
        let runtime = args.runtime.value().unwrap_or_else(|| syn::parse_quote!(::wiretrait));
        let error_format = args.errors.value();
        let declared = check_generics(&mut item.generics, &runtime, errors);
        strip_trait(&mut item, errors);
        strip_items(&mut item, errors);

        let prefix = args.prefix.value().map(|literal| read_prefix(&literal, errors)).unwrap_or_default();
        let names = Names::read(args.client, args.module, &item.ident, errors);

        let methods = item.items.iter_mut().filter_map(|trait_item| match trait_item {
            TraitItem::Fn(method) => Some(method),
            _ => None,
        });
        let mut methods = methods.map(|method| read_method(method, &prefix, errors)).collect::<Vec<_>>();
        names::check(&mut methods, &item, error_format.as_ref(), errors);
        overlap::check(&mut methods, errors);
        if declared.params.len() > item.generics.params.len() {
            // The methods may use the parameters that were removed.
            methods.fill(None);
        }
        Self { item, declared, methods, names, prefix, runtime, errors: error_format }
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.methods.iter().flatten()
    }
}

impl Names {
    /// Returns the given names. Reports a missing one and uses the suggested name instead, so that the
    /// expansion can continue.
    fn read(client: ApiArg<Ident>, module: ApiArg<Ident>, contract: &Ident, errors: &mut Errors) -> Self {
        let mut missing = Vec::new();
        let mut or_suggested = |argument, key, suggested: String| {
            if matches!(argument, ApiArg::Missing) {
                missing.push((format!("`{key}`"), format!("`{key} = {suggested}`")));
            }
            argument.value().unwrap_or_else(|| Ident::new(&suggested, contract.span()))
        };
        let client = or_suggested(client, "client", format!("{contract}Client"));
        let snake = names::snake_case(contract);
        let suggested = if snake.ends_with("api") { snake } else { format!("{snake}_api") };
        let module = or_suggested(module, "module", suggested);
        if !missing.is_empty() {
            let (plural, choice) =
                if missing.len() > 1 { ("s", "other names") } else { ("", "another name") };
            let (keys, arguments): (Vec<_>, Vec<_>) = missing.into_iter().unzip();
            let message = format!(
                "missing required argument{plural} {}: add {}, or choose {choice}",
                keys.join(" and "),
                arguments.join(" and ")
            );
            errors.at(proc_macro2::Span::call_site(), message);
        }
        Self { client, module }
    }
}

fn read_prefix(literal: &LitStr, errors: &mut Errors) -> String {
    let prefix = literal.value();
    match prefix.trim_end_matches('/') {
        "" => errors.at(literal.span(), "`prefix` has no effect: remove it"),
        trimmed if trimmed != prefix => {
            errors.at(literal.span(), format_args!("`prefix` must not end with `/`: write `\"{trimmed}\"`"));
        }
        _ if prefix.contains(['{', '}']) => {
            errors.at(
                literal.span(),
                "`prefix` cannot contain placeholders: put them in the paths of the operations",
            );
        }
        _ => template::check_path(literal, errors),
    }
    prefix
}

fn read_method(method: &mut TraitItemFn, prefix: &str, errors: &mut Errors) -> Option<Operation> {
    let before = errors.count();
    let operation = Operation::read(method, prefix, errors);
    operation.filter(|_| errors.count() == before)
}

/// Removes unsupported parts of the trait declaration, after reporting them.
fn strip_trait(item: &mut ItemTrait, errors: &mut Errors) {
    if let Some(token) = item.unsafety.take() {
        errors.on(token, "an `#[http_api]` trait cannot be `unsafe`: remove `unsafe`");
    }
    errors.ok(item.modifiers.require_empty());
    for bound in std::mem::take(&mut item.supertraits) {
        let implied = matches!(&bound, TypeParamBound::Trait(bound)
            if bound.path.is_ident("Send") || bound.path.is_ident("Sync"));
        if !implied {
            errors.on(
                bound,
                "supertraits are not supported, because `&T`, `Arc<T>` and `dyn` implement the trait as well and could \
                 not satisfy them: remove the bound. `Send + Sync` are added automatically",
            );
        }
    }
}

/// Reports trait items that are not operations, and removes what would cause follow-up errors.
fn strip_items(item: &mut ItemTrait, errors: &mut Errors) {
    let mut seen = HashMap::new();
    item.items.retain_mut(|trait_item| {
        match trait_item {
            TraitItem::Fn(method) => {
                let conditional = method.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"));
                let name = &method.sig.ident;
                let duplicate = seen.insert(name.clone(), conditional) == Some(false) && !conditional;
                if duplicate {
                    errors.on(name, format_args!("`{name}` is declared twice: rename one of them"));
                }
                return !duplicate;
            }
            TraitItem::Const(constant) => {
                let name = &constant.ident;
                errors.on(
                    name,
                    format_args!(
                        "an `#[http_api]` trait can only contain operations: declare `const {name}` outside the trait"
                    ),
                );
            }
            TraitItem::Type(ty) => {
                let name = &ty.ident;
                errors.on(
                    name,
                    format_args!(
                        "associated types are not supported: make `{name}` a type parameter of the trait, such as \
                         `{}<{name}: Payload>`",
                        item.ident
                    ),
                );
                ty.bounds = Punctuated::new();
            }
            other => {
                errors.on(other, "an `#[http_api]` trait can only contain operations: move this outside the trait");
            }
        }
        true
    });
}

/// Reduces `generics` to the type parameters and returns all declared parameters. The trait itself keeps them
/// all, so that code which names them still compiles.
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
                            "type parameter `{0}` has no bound, so its values cannot be sent: write `{0}: Payload`",
                            param.ident
                        ),
                    );
                    param.bounds.push(syn::parse_quote!(#runtime::Payload));
                }
            }
            GenericParam::Lifetime(param) => {
                let name = &param.lifetime;
                errors.on(
                    &*param,
                    format_args!("an `#[http_api]` trait cannot have lifetime parameters: remove `{name}`"),
                );
            }
            GenericParam::Const(param) => {
                let name = &param.ident;
                errors.on(
                    &*param,
                    format_args!(
                        "an `#[http_api]` trait cannot have `const` parameters: remove `const {name}`"
                    ),
                );
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

/// Replaces the given lifetimes, whose declarations are removed, with `'static`.
struct MakeStatic(Vec<Lifetime>);

impl VisitMut for MakeStatic {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if self.0.contains(lifetime) {
            *lifetime = Lifetime::new("'static", lifetime.span());
        }
    }
}

/// Unwraps types from the invisible groups that `macro_rules!` puts around `$ty`, and from parentheses, so
/// that they are handled like any other type.
struct Ungroup;

impl VisitMut for Ungroup {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        visit_mut::visit_type_mut(self, ty);
        let inner = match ty {
            Type::Group(group) => &mut group.elem,
            Type::Paren(paren) => &mut paren.elem,
            _ => return,
        };
        // `&(dyn A + B)` requires the parentheses.
        if !matches!(**inner, Type::TraitObject(_) | Type::ImplTrait(_)) {
            *ty = std::mem::replace(&mut **inner, Type::Verbatim(proc_macro2::TokenStream::new()));
        }
    }
}
