//! Methods with a body and no route, which a contract builds of its operations.

use super::operation::{check_signature, has_route};
use super::{Operation, names, param};
use crate::attr::{Halves, is_place};
use crate::errors::Errors;
use proc_macro2::Span;
use syn::{Attribute, FnArg, Ident, Pat, PatType, ReturnType, TraitItemFn, Type};

/// Provided method of the trait. The trait itself keeps its body.
#[derive(Clone)]
pub(crate) struct Provided {
    ident: Ident,
    cfgs: Vec<Attribute>,
    params: Vec<(Ident, Type)>,
    pub(crate) output: Type,
}

/// Method that pointers, views and `dyn` forward: an operation or a provided method.
pub(crate) struct Forwarded<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) cfgs: &'a [Attribute],
    pub(crate) params: Vec<(&'a Ident, &'a Type)>,
    pub(crate) output: &'a Type,
}

impl Provided {
    /// Returns whether `method` is meant to be a provided method.
    pub(super) fn is(method: &TraitItemFn) -> bool {
        method.default.is_some() && !has_route(method)
    }

    /// Reads a provided method. The result may be invalid; the caller checks whether `errors` has grown.
    pub(super) fn read(method: &mut TraitItemFn, halves: Halves, errors: &mut Errors) -> Self {
        check_signature(method, "provided methods", errors);
        let signature = &mut method.sig;
        let ident = signature.ident.clone();
        if signature.asyncness.is_none() {
            let message = format!(
                "provided methods must be `async fn`: write `async fn {ident}`, or declare a function outside the trait"
            );
            errors.on(signature.fn_token, message);
        }
        names::check_client_method(&ident, halves, errors);
        let arguments = signature.inputs.iter_mut().filter_map(|input| match input {
            FnArg::Typed(argument) => Some(argument),
            FnArg::Receiver(_) => None,
        });
        let params = arguments
            .enumerate()
            .map(|(index, argument)| {
                check_annotations(&ident, argument, errors);
                param::check_provided_type(&argument.ty, errors);
                (name(index, argument), (*argument.ty).clone())
            })
            .collect();
        let output = match &signature.output {
            ReturnType::Default => syn::parse_quote!(()),
            ReturnType::Type(_, output) => {
                param::check_provided_return_type(output, errors);
                (**output).clone()
            }
        };
        let cfgs =
            method.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect();
        Self { ident, cfgs, params, output }
    }
}

/// Reports annotations of arguments, which have no effect without a route, and removes them.
fn check_annotations(method: &Ident, argument: &mut PatType, errors: &mut Errors) {
    argument.attrs.retain(|attribute| {
        let unsent = is_place(attribute);
        if unsent {
            let message = format!(
                "`{method}` has a body and no route, so its arguments are not sent: remove the annotation, or the body"
            );
            errors.on(attribute, message);
        }
        !unsent
    });
}

/// Returns a name for the argument, whose pattern may have none.
fn name(index: usize, argument: &PatType) -> Ident {
    match &*argument.pat {
        Pat::Ident(pattern) => pattern.ident.clone(),
        _ => Ident::new(&format!("argument_{index}"), Span::mixed_site()),
    }
}

impl<'a> From<&'a Operation> for Forwarded<'a> {
    fn from(operation: &'a Operation) -> Self {
        Self {
            ident: &operation.ident,
            cfgs: &operation.cfgs,
            params: operation.params.iter().map(|param| (&param.ident, &param.ty)).collect(),
            output: &operation.output,
        }
    }
}

impl<'a> From<&'a Provided> for Forwarded<'a> {
    fn from(provided: &'a Provided) -> Self {
        Self {
            ident: &provided.ident,
            cfgs: &provided.cfgs,
            params: provided.params.iter().map(|(ident, ty)| (ident, ty)).collect(),
            output: &provided.output,
        }
    }
}
