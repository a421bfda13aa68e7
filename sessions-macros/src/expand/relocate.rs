//! Conversion of the paths in a contract for use in the generated module.
//!
//! `use super::*` imports the names of the user's module, but `self::` and `super::` are relative to the
//! module in which they are used, and the items of the generated module hide imported ones of the same name.

use crate::model::{Api, ErrorFormat, Param, Shape, reserved};
use proc_macro2::Span;
use std::collections::HashSet;
use syn::visit_mut::{self, VisitMut};
use syn::{Ident, Path, PathSegment};

/// Returns `api` with its paths adjusted for the generated module.
pub(super) fn into_module(api: &Api) -> Api {
    let mut hidden: HashSet<String> = reserved(api.halves).iter().map(ToString::to_string).collect();
    for operation in api.operations() {
        hidden.extend([operation.type_ident.to_string(), operation.const_ident.to_string()]);
    }
    // A type parameter is not imported.
    hidden.retain(|name| !api.item.generics.type_params().any(|param| param.ident == name));
    adjusted(api, Deeper { hidden })
}

/// Returns `api`, which is adjusted for the generated module, with its relative paths adjusted for a child of it.
pub(super) fn one_module_deeper(api: &Api) -> Api {
    adjusted(api, Deeper { hidden: HashSet::new() })
}

fn adjusted(api: &Api, mut deeper: Deeper) -> Api {
    let mut api = api.clone();
    deeper.visit_path_mut(&mut api.runtime);
    match &mut api.errors {
        Some(ErrorFormat::Body(ty)) => deeper.visit_type_mut(ty),
        Some(ErrorFormat::Value(path)) => deeper.visit_path_mut(path),
        None => {}
    }
    deeper.visit_generics_mut(&mut api.item.generics);
    for operation in api.methods.iter_mut().flatten() {
        deeper.visit_type_mut(&mut operation.output);
        for codec in operation.codecs.paths_mut() {
            deeper.visit_path_mut(codec);
        }
        for Param { ty, shape, .. } in &mut operation.params {
            deeper.visit_type_mut(ty);
            *shape = Shape::of(ty);
        }
    }
    api
}

struct Deeper {
    /// Names that refer to items of the generated module there.
    hidden: HashSet<String>,
}

impl VisitMut for Deeper {
    fn visit_path_mut(&mut self, path: &mut Path) {
        visit_mut::visit_path_mut(self, path);
        let is_absolute = path.leading_colon.is_some();
        let Some(first) = path.segments.first_mut().filter(|_| !is_absolute) else { return };
        if first.ident == "self" {
            first.ident = Ident::new("super", first.ident.span());
        } else if first.ident == "super" || self.hidden.contains(&first.ident.to_string()) {
            // With the span of the name, the compiler could report an unnecessary qualification of the user.
            let span = Span::call_site().located_at(first.ident.span());
            path.segments.insert(0, PathSegment::from(Ident::new("super", span)));
        }
    }
}
