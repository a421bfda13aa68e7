//! Conversion of the paths in a contract for use in the generated module.
//!
//! `use super::*` imports the names of the user's module, but `self::` and `super::` are relative to the
//! module in which they are used.

use crate::model::{Api, Param, Shape};
use syn::visit_mut::{self, VisitMut};
use syn::{Ident, Path, PathSegment};

/// Returns `api` with its relative paths adjusted for a child module.
pub(super) fn one_module_deeper(api: &Api) -> Api {
    let mut api = api.clone();
    Deeper.visit_path_mut(&mut api.runtime);
    if let Some(errors) = &mut api.errors {
        Deeper.visit_path_mut(errors);
    }
    Deeper.visit_generics_mut(&mut api.item.generics);
    for operation in api.methods.iter_mut().flatten() {
        Deeper.visit_type_mut(&mut operation.output);
        for Param { ty, shape, .. } in &mut operation.params {
            Deeper.visit_type_mut(ty);
            *shape = Shape::of(ty);
        }
    }
    api
}

struct Deeper;

impl VisitMut for Deeper {
    fn visit_path_mut(&mut self, path: &mut Path) {
        visit_mut::visit_path_mut(self, path);
        let Some(first) = path.segments.first_mut() else { return };
        if first.ident == "self" {
            first.ident = Ident::new("super", first.ident.span());
        } else if first.ident == "super" {
            let segment = PathSegment::from(first.ident.clone());
            path.segments.insert(0, segment);
        }
    }
}
