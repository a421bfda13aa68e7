//! Validated model of an annotated trait.
//!
//! Each mistake is reported at the tokens that cause it and invalidates only its own operation. The other
//! operations are expanded as usual, and the invalid one stays in the trait, so that code which uses the
//! trait does not cause follow-up errors. For the same reason, unsupported parts of the trait, such as
//! supertraits, are removed after they are reported: the expansion could not satisfy them.

mod codec;
mod constants;
mod names;
mod operation;
mod overlap;
mod param;
mod provided;
mod sizes;

pub(crate) use codec::{Codecs, Form};
pub(crate) use constants::{Constant, Constants};
pub(crate) use names::{companion_name, reserved};
pub(crate) use operation::Operation;
pub(crate) use param::{Format, NoneAs, Param, Place, Shape, is_header, is_list, is_media_type, is_nullable};
pub(crate) use provided::{Forwarded, Provided};

use crate::attr::{ApiArg, ApiArgs, Halves};
use crate::errors::Errors;
use crate::{recover, template};
use proc_macro2::TokenStream;
use quote::ToTokens;
use std::collections::HashMap;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, GenericParam, Generics, Ident, ItemTrait, Lifetime, LitStr, Path, Token, TraitItem,
    TraitItemFn, Type, TypeParamBound, Visibility,
};

/// Contract declared by a trait.
#[derive(Clone)]
pub(crate) struct Api {
    /// The trait as written by the user, without the annotations of this crate.
    pub(crate) item: ItemTrait,
    /// Generic parameters of the trait as declared. `item` has only the type parameters, all with bounds.
    pub(crate) declared: Generics,
    /// One entry per method of the trait; `None` if it is not an operation, or has a mistake, which is already reported.
    pub(crate) methods: Vec<Option<Operation>>,
    /// One entry per method of the trait; `None` if it is not a valid provided method.
    pub(crate) provided: Vec<Option<Provided>>,
    pub(crate) halves: Halves,
    pub(crate) names: Names,
    /// Prefix of all paths; may be empty.
    pub(crate) prefix: String,
    /// Path of the runtime crate.
    pub(crate) runtime: Path,
    /// Format of error bodies, if it is given.
    pub(crate) errors: Option<ErrorFormat>,
}

/// Format of error bodies.
#[derive(Clone)]
pub(crate) enum ErrorFormat {
    /// `error = Type`, the type of all error bodies
    Body(Type),
    /// `errors = path`, a constant or a unit struct
    Value(Path),
}

/// Names of the generated items.
#[derive(Clone)]
pub(crate) struct Names {
    /// `None` for the service only.
    pub(crate) client: Option<Ident>,
    pub(crate) module: Ident,
}

impl Api {
    pub(crate) fn read(args: ApiArgs, mut item: ItemTrait, errors: &mut Errors) -> Self {
        Ungroup.visit_item_trait_mut(&mut item);
        let halves = args.halves;
        let async_trait = find_async_trait(&item);
        if let Some(tokens) = &async_trait {
            errors.on(
                tokens,
                "`#[async_trait]` is not needed: remove it here and from the implementations, which are plain `async fn`s",
            );
        }
        let runtime = args.runtime.value().unwrap_or_else(|| syn::parse_quote!(::wiretrait));
        let error_format = ErrorFormat::read(args.error, args.errors, errors);
        let codecs = Codecs { request: args.request.value(), response: args.response.value() };
        let declared = check_generics(&mut item.generics, &runtime, errors);
        strip_trait(&mut item, errors);
        let constants = Constants::take(&mut item.attrs, errors);
        strip_items(&mut item, errors);

        let prefix = args.prefix.value().map(|literal| read_prefix(&literal, errors)).unwrap_or_default();
        let names = Names::read(halves, args.client, args.module, &item.ident, errors);

        let methods = item.items.iter_mut().filter_map(|trait_item| match trait_item {
            TraitItem::Fn(method) => Some(method),
            _ => None,
        });
        let (mut methods, mut provided): (Vec<_>, Vec<_>) = methods
            .map(|method| {
                if async_trait.is_some() {
                    // The signatures are those of `async_trait`.
                    Operation::read(method, &prefix, halves, &codecs, &mut Errors::default());
                    return (None, None);
                }
                read_method(method, &prefix, halves, &codecs, errors)
            })
            .unzip();
        if args.omit_none {
            let params = methods.iter_mut().flatten().flat_map(|operation| &mut operation.params);
            params.for_each(|param| param.resolve_none(true));
        }
        constants::inherit(&mut methods, &constants, errors);
        names::check(&mut methods, &item, error_format.as_ref(), halves, errors);
        if halves.has_server() {
            overlap::check(&mut methods, errors);
        }
        if declared.params.len() > item.generics.params.len() {
            // The methods may use the parameters that were removed.
            methods.fill(None);
            provided.fill(None);
        }
        Self { item, declared, methods, provided, halves, names, prefix, runtime, errors: error_format }
    }

    pub(crate) fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.methods.iter().flatten()
    }

    /// Returns the operations and the provided methods.
    pub(crate) fn forwarded(&self) -> impl Iterator<Item = Forwarded<'_>> {
        let provided = self.provided.iter().flatten().map(Forwarded::from);
        self.operations().map(Forwarded::from).chain(provided)
    }
}

impl ErrorFormat {
    fn read(body: ApiArg<Type>, value: ApiArg<Path>, errors: &mut Errors) -> Option<Self> {
        match (body.value(), value.value()) {
            (Some(body), Some(_)) => {
                errors.on(
                    &body,
                    "`error` and `errors` exclude each other: write `error` if all error bodies have one type, and \
                     otherwise `errors`",
                );
                None
            }
            (Some(body), None) => Some(Self::Body(body)),
            (None, value) => value.map(Self::Value),
        }
    }
}

impl Names {
    /// Returns the given names. Reports a missing one and uses the suggested name instead, so that the
    /// expansion can continue.
    fn read(
        halves: Halves,
        client: ApiArg<Ident>,
        module: ApiArg<Ident>,
        contract: &Ident,
        errors: &mut Errors,
    ) -> Self {
        let mut missing = Vec::new();
        let mut or_suggested = |argument, key, suggested: String| {
            if matches!(argument, ApiArg::Missing) {
                missing.push((format!("`{key}`"), format!("`{key} = {suggested}`")));
            }
            argument.value().unwrap_or_else(|| Ident::new(&suggested, contract.span()))
        };
        let suggested_client = format!("{}Client", contract.unraw());
        let mut client = if halves.has_client() {
            Some(or_suggested(client, "client", suggested_client.clone()))
        } else {
            if let ApiArg::Given(client) = client {
                errors.on(client, "`server_only` generates no client: remove this argument or `server_only`");
            }
            None
        };
        let snake = names::snake_case(contract);
        let suggested_module = if snake.ends_with("api") { snake } else { format!("{snake}_api") };
        let mut module = or_suggested(module, "module", suggested_module.clone());
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
        // Both would be defined twice, and the compiler would report every use of them.
        let companion = companion_name(contract).to_string();
        let mut replace_taken = |name: &mut Ident, suggested: &str, taken: &[(String, &str)]| {
            if let Some((_, what)) = taken.iter().find(|(taken, _)| name.unraw() == *taken) {
                errors
                    .on(&*name, format_args!("`{name}` is already the name of {what}: write `{suggested}`"));
                *name = Ident::new(suggested, name.span());
            }
        };
        let mut taken =
            vec![(contract.unraw().to_string(), "the trait"), (companion, "the trait's companion for `dyn`")];
        if let Some(client) = &mut client {
            replace_taken(client, &suggested_client, &taken);
            taken.push((client.unraw().to_string(), "the client"));
        }
        replace_taken(&mut module, &suggested_module, &taken);
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
        _ => drop(template::check_path(literal, errors)),
    }
    prefix
}

/// Returns the attribute `#[async_trait]`, or what it has left in a signature if it was expanded first.
fn find_async_trait(item: &ItemTrait) -> Option<TokenStream> {
    let is_named = |attribute: &&Attribute| {
        attribute.path().segments.last().is_some_and(|last| last.ident == "async_trait")
    };
    if let Some(attribute) = item.attrs.iter().find(is_named) {
        return Some(attribute.to_token_stream());
    }
    item.items.iter().find_map(|item| match item {
        TraitItem::Fn(method) => {
            let mut lifetimes = method.sig.generics.lifetimes().map(|param| &param.lifetime);
            Some(lifetimes.find(|lifetime| lifetime.ident == "async_trait")?.to_token_stream())
        }
        _ => None,
    })
}

fn read_method(
    method: &mut TraitItemFn,
    prefix: &str,
    halves: Halves,
    codecs: &Codecs,
    errors: &mut Errors,
) -> (Option<Operation>, Option<Provided>) {
    if recover::is_marked(method) {
        // It has its error, and the others may only follow from the part that is missing.
        operation::check_single_route(method, &mut Errors::default());
        let mut consequences = Errors::default();
        let operation = Operation::read(method, prefix, halves, codecs, &mut consequences);
        let operation = operation.filter(|_| consequences.count() == 0);
        return (operation.map(|operation| Operation { incomplete: true, ..operation }), None);
    }
    operation::check_single_route(method, errors);
    let before = errors.count();
    if Provided::is(method) {
        let provided = Provided::read(method, halves, errors);
        return (None, (errors.count() == before).then_some(provided));
    }
    let operation = Operation::read(method, prefix, halves, codecs, errors);
    (operation.filter(|_| errors.count() == before), None)
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
        strip_modifiers(trait_item, errors);
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

/// Reports `pub` and `default`, which methods of traits cannot have, and removes them.
fn strip_modifiers(trait_item: &mut TraitItem, errors: &mut Errors) {
    // syn does not parse such a method.
    let TraitItem::Verbatim(tokens) = trait_item else { return };
    let read = |input: ParseStream<'_>| {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility: Visibility = input.parse()?;
        let default: Option<Token![default]> = input.parse()?;
        let mut method: TraitItemFn = input.parse()?;
        attributes.append(&mut method.attrs);
        Ok((visibility, default, TraitItemFn { attrs: attributes, ..method }))
    };
    let Ok((visibility, default, method)) = read.parse2(tokens.clone()) else { return };
    if visibility != Visibility::Inherited {
        let written = visibility.to_token_stream();
        errors.on(&visibility, format_args!("methods have the visibility of the trait: remove `{written}`"));
    }
    if let Some(default) = default {
        errors.on(default, "methods of a trait cannot be `default`: remove it");
    }
    *trait_item = TraitItem::Fn(method);
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
            *ty = std::mem::replace(&mut **inner, Type::Verbatim(TokenStream::new()));
        }
    }
}
