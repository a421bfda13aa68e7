//! Names of generated items, checks for collisions, and suggestions for misspelled names.

use super::{Operation, Param};
use crate::errors::Errors;
use std::collections::HashMap;
use syn::ext::IdentExt;
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
    let pascal = if pascal.starts_with(char::is_alphabetic) { pascal } else { format!("_{name}") };
    Ident::new(&pascal, ident.span())
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
    error_format: Option<&Path>,
    errors: &mut Errors,
) {
    let mut used = UsedNames::of(item);
    if let Some(error_format) = error_format {
        let mut path = UsedNames(Vec::new());
        path.visit_path(error_format);
        check_shadowed(&path, errors);
        used.0.extend(path.0);
    }
    let signatures = item.items.iter().filter_map(|trait_item| match trait_item {
        TraitItem::Fn(method) => Some(&method.sig),
        _ => None,
    });
    let mut generated: HashMap<String, String> = HashMap::new();
    for (method, signature) in methods.iter_mut().zip(signatures) {
        let Some(operation) = method else { continue };
        let before = errors.count();
        check_operation(operation, item, &used, &mut generated, errors);
        let mut used_here = UsedNames(Vec::new());
        used_here.visit_signature(signature);
        check_shadowed(&used_here, errors);
        check_setters(&operation.params, errors);
        if errors.count() > before {
            *method = None;
        }
    }
}

/// Fixed items of the generated module.
const RESERVED: [&str; 4] = ["CONTRACT", "ROUTES", "Handler", "received"];

/// Names from the prelude, with paths that refer to them unambiguously. `Result` is often an imported alias.
const STANDARD: [(&str, &str); 5] = [
    ("Option", "`::std::option::Option`"),
    ("Result", "`::std::result::Result`, or `self::Result` for an alias"),
    ("Vec", "`::std::vec::Vec`"),
    ("String", "`::std::string::String`"),
    ("Box", "`::std::boxed::Box`"),
];

/// Inherent methods of every client, which take precedence over operations of the same name.
const CLIENT_METHODS: [&str; 6] =
    ["caller", "with", "with_encoding", "with_observer", "with_options", "with_payloads"];

fn check_operation(
    operation: &Operation,
    item: &ItemTrait,
    used: &UsedNames,
    generated: &mut HashMap<String, String>,
    errors: &mut Errors,
) {
    let (ident, name) = (&operation.ident, operation.name());
    let generated_names = [operation.type_ident.to_string(), operation.const_ident.to_string()];
    let [type_name, _] = &generated_names;
    if !type_name.starts_with(char::is_alphabetic) || type_name == "Self" {
        errors.on(ident, format_args!("`{name}` cannot be converted to a struct name: rename the operation"));
    } else if let Some(reserved) = generated_names.iter().find(|name| RESERVED.contains(&name.as_str())) {
        let message = format!(
            "`{name}` would generate `{reserved}`, which is reserved in the generated module: rename the operation"
        );
        errors.on(ident, message);
    } else if CLIENT_METHODS.contains(&name.as_str()) {
        let message = format!(
            "`{name}` is also a method of every generated client, which would be called instead: rename the operation"
        );
        errors.on(ident, message);
    } else if let Some(shadowed) = generated_names.iter().find(|name| used.contains(name)) {
        let (keyword, kind) = if shadowed == type_name { ("struct", "type") } else { ("const", "constant") };
        let path = match STANDARD.iter().find(|(standard, _)| shadowed == standard) {
            // A type parameter has no path.
            _ if item.generics.type_params().any(|param| param.ident == *shadowed) => String::new(),
            Some((_, path)) => format!(", or refer to the {kind} by a path, such as {path}"),
            None => format!(", or refer to the {kind} by a path, such as `self::{shadowed}`"),
        };
        let message = format!(
            "`{name}` would generate `{keyword} {shadowed}`, which shadows the `{shadowed}` used in the trait: rename \
             the operation{path}"
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

/// Reports names that are those of fixed items of the generated module.
fn check_shadowed(used: &UsedNames, errors: &mut Errors) {
    for name in &used.0 {
        if RESERVED.iter().any(|reserved| name == reserved) {
            errors.on(
                name,
                format_args!("`{name}` refers to another item in the generated module: write `self::{name}`"),
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
