//! Names: those made from the user's, those that would collide, and those that were probably meant.

use super::{Operation, Param};
use crate::errors::Errors;
use std::collections::HashMap;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Ident, ItemTrait, Signature, TraitItem, WhereClause};

/// `open_session` as `OpenSession`.
pub(crate) fn pascal_case(ident: &Ident) -> Ident {
    let name = ident.unraw().to_string();
    let words = name.split('_').flat_map(|word| {
        let mut chars = word.chars();
        chars.next().into_iter().flat_map(char::to_uppercase).chain(chars)
    });
    let pascal: String = words.collect();
    // What is no identifier is reported by `check`, and has to be one until then.
    let pascal = if pascal.starts_with(char::is_alphabetic) { pascal } else { format!("_{name}") };
    Ident::new(&pascal, ident.span())
}

/// `HttpThings` as `http_things`.
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

/// Takes out the operations whose generated names would collide.
pub(crate) fn check(methods: &mut [Option<Operation>], item: &ItemTrait, errors: &mut Errors) {
    let used = UsedNames::of(item);
    let signatures = item.items.iter().filter_map(|member| match member {
        TraitItem::Fn(method) => Some(&method.sig),
        _ => None,
    });
    let mut generated: HashMap<String, String> = HashMap::new();
    for (method, signature) in methods.iter_mut().zip(signatures) {
        let Some(operation) = method else { continue };
        let before = errors.count();
        check_operation(operation, item, &used, &mut generated, errors);
        check_hidden(signature, errors);
        check_setters(&operation.params, errors);
        if errors.count() > before {
            *method = None;
        }
    }
}

/// What else the generated module holds.
const RESERVED: [(&str, &str); 3] =
    [("ROUTES", "the route table"), ("Handler", "the handler"), ("received", "the received operations")];

/// What is in scope without being in the user's module, and the paths that reach it. A `Result` is an imported
/// alias as often as not.
const STANDARD: [(&str, &str); 5] = [
    ("Option", "`::std::option::Option`"),
    ("Result", "`::std::result::Result`, or `self::Result` for an alias"),
    ("Vec", "`::std::vec::Vec`"),
    ("String", "`::std::string::String`"),
    ("Box", "`::std::boxed::Box`"),
];

/// The methods of a client that are no operations, and that calls of operations would find first.
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
    let made = [operation.type_ident.to_string(), operation.const_ident.to_string()];
    let [type_name, _] = &made;
    if !type_name.starts_with(char::is_alphabetic) || type_name == "Self" {
        errors.on(ident, format_args!("`{name}` makes no name for a struct: rename the operation"));
    } else if let Some((_, what)) = RESERVED.iter().find(|(reserved, _)| made.iter().any(|m| m == reserved)) {
        errors.on(
            ident,
            format_args!("`{name}` would hide {what} in the generated module: rename the operation"),
        );
    } else if CLIENT_METHODS.contains(&name.as_str()) {
        let message =
            format!("`{name}` is a method of every client already, which hides yours: rename the operation");
        errors.on(ident, message);
    } else if let Some(hidden) = made.iter().find(|made| used.contains(made)) {
        let (made, what) = if hidden == type_name { ("struct", "type") } else { ("const", "constant") };
        let path = match STANDARD.iter().find(|(standard, _)| hidden == standard) {
            // A parameter has no path.
            _ if item.generics.type_params().any(|param| param.ident == *hidden) => String::new(),
            Some((_, path)) => format!(", or write a path for the {what}, like {path}"),
            None => format!(", or write a path for the {what}, like `self::{hidden}`"),
        };
        let message = format!(
            "`{name}` would generate `{made} {hidden}`, which hides the `{hidden}` that the trait uses: rename the \
             operation{path}"
        );
        errors.on(ident, message);
    } else {
        for made in made {
            let other = generated.entry(made.clone()).or_insert_with(|| name.clone());
            // Two of one name are told apart by their `#[cfg]`.
            if *other != name {
                let message =
                    format!("`{other}` and `{name}` would both generate `{made}`: rename one of them");
                errors.on(ident, message);
                break;
            }
        }
    }
}

/// Reports the types of the user's that mean something else in the generated module.
fn check_hidden(signature: &Signature, errors: &mut Errors) {
    let mut used = UsedNames(Vec::new());
    used.visit_signature(signature);
    for name in &used.0 {
        if RESERVED.iter().any(|(reserved, _)| name == reserved) {
            errors.on(
                name,
                format_args!("`{name}` is something else in the generated module: write `self::{name}`"),
            );
        }
    }
}

/// What every operation has besides its setters.
const OPERATION_METHODS: [&str; 5] = ["new", "encode", "encode_with", "decode", "send"];

fn check_setters(params: &[Param], errors: &mut Errors) {
    for param in params.iter().filter(|param| param.is_optional()) {
        let name = param.name();
        if OPERATION_METHODS.contains(&name.as_str()) {
            let message = format!(
                "the setter of `{name}` would clash with `{name}` of the operation: rename the argument, and keep its name \
                 on the wire with `#[field(\"{name}\")]` or its like"
            );
            errors.on(&param.ident, message);
        }
    }
}

/// Every name that a signature of the trait can mean, apart from the methods' own.
struct UsedNames(Vec<Ident>);

impl UsedNames {
    fn of(item: &ItemTrait) -> Self {
        let mut names = Self(Vec::new());
        for member in &item.items {
            if let TraitItem::Fn(method) = member {
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

/// Whether `clause` says something about the type parameter `ident`.
pub(crate) fn mentions(clause: &WhereClause, ident: &Ident) -> bool {
    let mut used = UsedNames(Vec::new());
    used.visit_where_clause(clause);
    used.0.contains(ident)
}

impl Visit<'_> for UsedNames {
    fn visit_path(&mut self, path: &syn::Path) {
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

/// The candidate that was probably meant by `name`, if one is near enough.
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
    fn a_struct_is_named_like_its_operation() {
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
    fn a_module_is_proposed_in_snake_case() {
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
    fn the_nearest_name_is_proposed_if_it_is_near() {
        let closest = |name, candidates: &[&str]| closest(name, candidates.iter().map(ToString::to_string));
        assert_eq!(closest("sesion_id", &["user_id", "session_id"]).as_deref(), Some("session_id"));
        assert_eq!(closest("id", &["ids", "page"]).as_deref(), Some("ids"));
        assert_eq!(closest("id", &["name"]), None);
        assert_eq!(closest("id", &[]), None);
    }
}
