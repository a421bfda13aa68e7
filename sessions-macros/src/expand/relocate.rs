//! The contract as the generated module has to write it.
//!
//! `use super::*` brings the names of the user's module along, but `self::` and `super::` count from
//! where they stand.

use crate::model::{Api, Param, Shape};
use syn::visit_mut::{self, VisitMut};
use syn::{Ident, Path, PathSegment};

/// `api` with its relative paths written for a module inside of its own.
pub(super) fn one_module_deeper(api: &Api) -> Api {
    let mut api = api.clone();
    Deeper.visit_path_mut(&mut api.runtime);
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
