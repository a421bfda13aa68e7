//! Names of generated items, checks for collisions, and suggestions for misspelled names.

use super::{ErrorFormat, Operation, Param};
use crate::attr::Halves;
use crate::errors::Errors;
use quote::format_ident;
use std::collections::HashMap;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::visit::{self, Visit};
use syn::{Ident, ItemTrait, Path, TraitItem, WhereClause};

/// Converts `open_session` to `OpenSession`.
pub(crate) fn pascal_case(ident: &Ident) -> Ident {
    let name = ident.unraw().to_string();
    let words = name.split('_').flat_map(|word| {
        let mut chars = word.chars();
        chars.next().into_iter().flat_map(char::to_uppercase).chain(chars)
    });
    let pascal: String = words.collect();
    // `check` reports a name that is not an identifier; until then it must be a valid `Ident`.
    let is_valid = Ident::parse_any.parse_str(&pascal).is_ok();
    let pascal = if is_valid { pascal } else { format!("_{name}") };
    Ident::new(&pascal, ident.span())
}

/// Returns the name of the companion of `contract` for `dyn`.
pub(crate) fn companion_name(contract: &Ident) -> Ident {
    // An argument that the string captures by itself would keep the `r#` of a raw identifier.
    format_ident!("Dyn{}", contract.unraw(), span = contract.span())
}

/// Converts `HttpThings` to `http_things`.
pub(crate) fn snake_case(ident: &Ident) -> String {
    let mut snake = String::new();
    let mut after_lower = false;
    for c in ident.unraw().to_string().chars() {
        if c.is_uppercase() && after_lower {
            snake.push('_');
        }
        after_lower = !c.is_uppercase();
        snake.extend(c.to_lowercase());
    }
    snake
}

/// Reports and removes operations whose generated names would collide.
pub(crate) fn check(
    methods: &mut [Option<Operation>],
    item: &ItemTrait,
    error_format: Option<&ErrorFormat>,
    halves: Halves,
    errors: &mut Errors,
) {
    let mut used = UsedNames::of(item);
    if let Some(error_format) = error_format {
        match error_format {
            ErrorFormat::Body(ty) => used.visit_type(ty),
            ErrorFormat::Value(path) => used.visit_path(path),
        }
    }
    for operation in methods.iter().flatten() {
        for codec in operation.codecs.paths() {
            used.visit_path(codec);
        }
    }
    check_type_parameters(item, halves, errors);
    let mut generated: HashMap<String, String> = HashMap::new();
    for method in methods {
        let Some(operation) = method else { continue };
        let before = errors.count();
        check_operation(operation, item, &used, halves, &mut generated, errors);
        if halves.has_client() {
            check_setters(&operation.params, errors);
        }
        if errors.count() > before {
            *method = None;
        }
    }
}

/// Returns the fixed items of the generated module.
pub(crate) const fn reserved(halves: Halves) -> &'static [&'static str] {
    if halves.has_server() { &["CONTRACT", "ROUTES", "Handler", "received"] } else { &["CONTRACT", "ROUTES"] }
}

/// Types and traits of the prelude, with the modules that contain them. They are in no module of the user, so the
/// generated module cannot refer to them by a path. `Result` is often an imported alias.
const PRELUDE: [(&str, &str); 35] = [
    ("AsMut", "convert"),
    ("AsRef", "convert"),
    ("AsyncFn", "ops"),
    ("AsyncFnMut", "ops"),
    ("AsyncFnOnce", "ops"),
    ("Box", "boxed"),
    ("Clone", "clone"),
    ("Copy", "marker"),
    ("Default", "default"),
    ("DoubleEndedIterator", "iter"),
    ("Drop", "ops"),
    ("Eq", "cmp"),
    ("ExactSizeIterator", "iter"),
    ("Extend", "iter"),
    ("Fn", "ops"),
    ("FnMut", "ops"),
    ("FnOnce", "ops"),
    ("From", "convert"),
    ("FromIterator", "iter"),
    ("Future", "future"),
    ("Into", "convert"),
    ("IntoFuture", "future"),
    ("IntoIterator", "iter"),
    ("Iterator", "iter"),
    ("Option", "option"),
    ("Ord", "cmp"),
    ("PartialEq", "cmp"),
    ("PartialOrd", "cmp"),
    ("Result", "result"),
    ("Send", "marker"),
    ("String", "string"),
    ("Sync", "marker"),
    ("ToOwned", "borrow"),
    ("ToString", "string"),
    ("Vec", "vec"),
];

/// Inherent methods of every client, which take precedence over operations of the same name.
const CLIENT_METHODS: [&str; 6] =
    ["caller", "with", "with_encoding", "with_observer", "with_options", "with_payloads"];

/// Methods of traits in the prelude that clients, or pointers to them, implement.
const PRELUDE_METHODS: [&str; 6] = ["as_ref", "clone", "clone_into", "into", "to_owned", "try_into"];

/// Reports a method that no client could call.
pub(super) fn check_client_method(ident: &Ident, halves: Halves, errors: &mut Errors) {
    if let Some(conflict) = conflict_with_a_client(&ident.unraw().to_string(), halves) {
        errors.on(ident, format_args!("{conflict}: rename the method"));
    }
}

/// Returns why calls of a method with this name would not reach it.
fn conflict_with_a_client(name: &str, halves: Halves) -> Option<String> {
    if !halves.has_client() {
        None
    } else if CLIENT_METHODS.contains(&name) {
        Some(format!("`{name}` is also a method of every generated client, which would be called instead"))
    } else if PRELUDE_METHODS.contains(&name) {
        Some(format!(
            "`{name}` is also a method of the standard library that every generated client or `Arc` has, so that calls would \
             be ambiguous"
        ))
    } else {
        None
    }
}

fn check_operation(
    operation: &Operation,
    item: &ItemTrait,
    used: &UsedNames,
    halves: Halves,
    generated: &mut HashMap<String, String>,
    errors: &mut Errors,
) {
    let (ident, name) = (&operation.ident, operation.name());
    let generated_names = [operation.type_ident.to_string(), operation.const_ident.to_string()];
    let [type_name, _] = &generated_names;
    if type_name.starts_with('_') || type_name == "Self" {
        errors.on(ident, format_args!("`{name}` cannot be converted to a struct name: rename the operation"));
    } else if let Some(reserved) =
        generated_names.iter().find(|name| reserved(halves).contains(&name.as_str()))
    {
        let message = format!(
            "`{name}` would generate `{reserved}`, which is reserved in the generated module: rename the operation"
        );
        errors.on(ident, message);
    } else if let Some(conflict) = conflict_with_a_client(&name, halves) {
        errors.on(ident, format_args!("{conflict}: rename the operation"));
    } else if item.generics.type_params().any(|param| param.ident.unraw() == *type_name) {
        let message = format!(
            "`{name}` would generate `struct {type_name}`, which has the name of a type parameter of the trait: rename one \
             of them"
        );
        errors.on(ident, message);
    } else if let Some((_, module)) =
        PRELUDE.iter().find(|(prelude, _)| type_name == prelude && used.contains(prelude))
    {
        let alias = if type_name == "Result" { ", or `self::Result` for an alias" } else { "" };
        let message = format!(
            "`{name}` would generate `struct {type_name}`, which shadows the `{type_name}` used in the trait: rename the \
             operation, or write `::std::{module}::{type_name}`{alias}"
        );
        errors.on(ident, message);
    } else {
        for generated_name in generated_names {
            let other = generated.entry(generated_name.clone()).or_insert_with(|| name.clone());
            // Operations of the same name have different `#[cfg]`s.
            if *other != name {
                let message = format!(
                    "`{other}` and `{name}` would both generate `{generated_name}`: rename one of them"
                );
                errors.on(ident, message);
                break;
            }
        }
    }
}

/// Reports type parameters with names of fixed items, which refer to the parameters in generated code.
fn check_type_parameters(item: &ItemTrait, halves: Halves, errors: &mut Errors) {
    for param in item.generics.type_params() {
        let name = &param.ident;
        if reserved(halves).iter().any(|reserved| name == reserved) {
            errors.on(
                name,
                format_args!(
                    "`{name}` is the name of an item in the generated module: rename the type parameter"
                ),
            );
        }
    }
}

/// Methods of every operation besides its setters.
const OPERATION_METHODS: [&str; 5] = ["new", "encode", "encode_with", "decode", "send"];

fn check_setters(params: &[Param], errors: &mut Errors) {
    for param in params.iter().filter(|param| param.is_optional()) {
        let name = param.name();
        if OPERATION_METHODS.contains(&name.as_str()) {
            let message = format!(
                "the setter of `{name}` would clash with the method `{name}` of every operation: rename the argument and \
                 keep its name on the wire with an annotation such as `#[field(\"{name}\")]`"
            );
            errors.on(&param.ident, message);
        }
    }
}

/// First segments of the paths in signatures and of the error format, and the type parameters of the trait.
struct UsedNames(Vec<Ident>);

impl UsedNames {
    fn of(item: &ItemTrait) -> Self {
        let mut names = Self(Vec::new());
        for trait_item in &item.items {
            if let TraitItem::Fn(method) = trait_item {
                names.visit_signature(&method.sig);
            }
        }
        names.visit_generics(&item.generics);
        names
    }

    fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|used| used == name)
    }
}

/// Returns whether `clause` mentions the type parameter `ident`.
pub(crate) fn mentions(clause: &WhereClause, ident: &Ident) -> bool {
    let mut used = UsedNames(Vec::new());
    used.visit_where_clause(clause);
    used.0.contains(ident)
}

impl Visit<'_> for UsedNames {
    fn visit_path(&mut self, path: &Path) {
        if path.leading_colon.is_none() {
            self.0.extend(path.segments.first().map(|first| first.ident.clone()));
        }
        visit::visit_path(self, path);
    }

    fn visit_type_param(&mut self, param: &syn::TypeParam) {
        self.0.push(param.ident.clone());
        visit::visit_type_param(self, param);
    }
}

/// Returns the candidate closest to `name`, if one is similar enough to suggest.
pub(crate) fn closest(name: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    candidates
        .map(|candidate| (strsim::osa_distance(name, &candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::Span;

    #[test]
    fn pascal_case_converts_operation_names() {
        for (operation, name) in [
            ("open_session", "OpenSession"),
            ("get", "Get"),
            ("get_v2", "GetV2"),
            ("_hidden", "Hidden"),
            ("a__b_", "AB"),
            ("élan_vital", "ÉlanVital"),
        ] {
            assert_eq!(pascal_case(&Ident::new(operation, Span::call_site())), name, "{operation}");
        }
        assert_eq!(pascal_case(&Ident::new_raw("type", Span::call_site())), "Type");
    }

    #[test]
    fn an_underscore_stays_if_the_rest_is_not_an_identifier() {
        // A vowel sign of Devanagari, which is alphabetic, but cannot be the first character of an identifier.
        for (operation, name) in [("_1", "__1"), ("__", "___"), ("_\u{93e}a", "__\u{93e}a")] {
            assert_eq!(pascal_case(&Ident::new(operation, Span::call_site())), name, "{operation}");
        }
    }

    #[test]
    fn snake_case_converts_trait_names() {
        for (contract, name) in [
            ("HttpThings", "http_things"),
            ("Things", "things"),
            ("ThingsV1", "things_v1"),
            ("HTTPApi", "httpapi"),
        ] {
            assert_eq!(snake_case(&Ident::new(contract, Span::call_site())), name, "{contract}");
        }
    }

    #[test]
    fn closest_suggests_only_similar_names() {
        let closest = |name, candidates: &[&str]| closest(name, candidates.iter().map(ToString::to_string));
        assert_eq!(closest("sesion_id", &["user_id", "session_id"]).as_deref(), Some("session_id"));
        assert_eq!(closest("id", &["ids", "page"]).as_deref(), Some("ids"));
        assert_eq!(closest("id", &["name"]), None);
        assert_eq!(closest("id", &[]), None);
    }
}
