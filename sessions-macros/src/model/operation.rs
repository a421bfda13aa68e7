//! Operations of the API: the route, arguments and return type of a trait method.

use super::names;
use super::param::{self, Param, Place};
use crate::attr::{RouteAttr, Verb};
use crate::errors::Errors;
use crate::template::{self, Segment};
use proc_macro2::TokenTree;
use std::time::Duration;
use syn::ext::IdentExt;
use syn::{
    Attribute, Expr, ExprLit, FnArg, GenericParam, Ident, Lit, Meta, MetaNameValue, ReceiverKind, ReturnType,
    Signature, Token, TraitItemFn, Type,
};

/// Operation of the API.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) ident: Ident,
    /// Struct of the arguments, `OpenSession` for `open_session`.
    pub(crate) type_ident: Ident,
    /// Constant of the route, `OPEN_SESSION`.
    pub(crate) const_ident: Ident,
    pub(crate) docs: Vec<Attribute>,
    /// `#[cfg]` attributes, which are copied to every item generated for the operation.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) verb: Verb,
    pub(crate) segments: Vec<Segment>,
    /// Path as written, including the prefix.
    pub(crate) template: String,
    pub(crate) idempotent: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) params: Vec<Param>,
    pub(crate) output: Type,
}

impl Operation {
    /// Removes the annotations of this crate from `method` and reads them. The result may be invalid; the
    /// caller checks whether `errors` has grown.
    pub(crate) fn read(method: &mut TraitItemFn, prefix: &str, errors: &mut Errors) -> Option<Self> {
        let route = take_route(method, errors);
        let params = param::read_all(method.sig.inputs.iter_mut(), errors);
        check_signature(method, errors);
        let output = if read_asyncness(method, errors) { read_output(method, errors) } else { None };
        let (route, mut params, output) = (route?, params?, output?);

        let mut segments = template::parse(&route.path, errors);
        fill_placeholders(&segments, &mut params, &method.sig.ident, errors);
        if !segments.iter().any(|segment| matches!(segment, Segment::Invalid)) {
            for param in &params {
                param.check_is_sent(errors);
            }
        }
        Param::check_clashes(&params, errors);
        check_body(&route, &params, errors);

        // Every valid path starts with a literal.
        if let Some(Segment::Literal(literal)) = segments.first_mut() {
            literal.insert_str(0, prefix);
        }
        let ident = method.sig.ident.clone();
        let attributes =
            |name: &str| method.attrs.iter().filter(|a| a.path().is_ident(name)).cloned().collect();
        Some(Self {
            type_ident: names::pascal_case(&ident),
            const_ident: Ident::new(&ident.unraw().to_string().to_uppercase(), ident.span()),
            docs: attributes("doc"),
            cfgs: attributes("cfg"),
            verb: route.verb,
            segments,
            template: format!("{prefix}{}", route.path.value()),
            idempotent: route.idempotent.unwrap_or(route.verb.is_idempotent()),
            timeout: route.timeout,
            params,
            output,
            ident,
        })
    }

    /// Returns the documentation as a string. Skips non-literals, such as `#[doc = include_str!(…)]`.
    pub(crate) fn doc(&self) -> String {
        let lines = self.docs.iter().filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(MetaNameValue {
                value: Expr::Lit(ExprLit { lit: Lit::Str(line), .. }), ..
            }) => Some(line.value()),
            _ => None,
        });
        let lines: Vec<_> =
            lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
        lines.join("\n")
    }

    /// Returns the name of the operation in the route table, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// Returns the argument of that name. In a valid operation every placeholder has one.
    pub(crate) fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name() == name)
    }
}

fn take_route(method: &mut TraitItemFn, errors: &mut Errors) -> Option<RouteAttr> {
    let (routes, rest): (Vec<_>, Vec<_>) =
        std::mem::take(&mut method.attrs).into_iter().partition(|attribute| Verb::of(attribute).is_some());
    let (conditional, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_conditional_annotation);
    method.attrs = rest;
    for attribute in &conditional {
        errors.on(
            attribute,
            "`#[cfg_attr]` is not supported here: it is expanded after this macro. Use `#[cfg]` on the operation",
        );
    }
    let name = &method.sig.ident;
    let mut routes = routes.iter().filter_map(|attribute| Some((Verb::of(attribute)?, attribute)));
    let Some((verb, attribute)) = routes.next() else {
        if conditional.is_empty() {
            let verbs = Verb::ALL.map(|verb| format!("`#[{}(\"/…\")]`", verb.attribute())).join(", ");
            errors.on(name, format_args!("`{name}` has no route: add one of {verbs}"));
        }
        return None;
    };
    let route = RouteAttr::parse(verb, attribute, errors);
    for (_, extra) in routes {
        errors.on(
            extra,
            format_args!(
                "`{name}` already has a route: remove this one, or declare another operation for it"
            ),
        );
    }
    route
}

/// Returns whether `attribute` is a `#[cfg_attr]` that contains an annotation of this crate or `#[cfg]`.
fn is_conditional_annotation(attribute: &Attribute) -> bool {
    let Ok(list) = attribute.meta.require_list() else { return false };
    let is_annotation = |token: TokenTree| {
        matches!(token, TokenTree::Ident(ident)
        if ident == "cfg" || Verb::ALL.iter().any(|verb| ident == verb.attribute()))
    };
    attribute.path().is_ident("cfg_attr") && list.tokens.clone().into_iter().any(is_annotation)
}

fn check_signature(method: &TraitItemFn, errors: &mut Errors) {
    let signature = &method.sig;
    let name = &signature.ident;
    check_receiver(signature, errors);
    for param in &signature.generics.params {
        let message = match param {
            GenericParam::Type(param) => format!(
                "operations cannot have type parameters, because the trait must be usable as `dyn`: declare `{0}` on \
                 the trait, such as `trait Api<{0}: Payload = serde_json::Value>`",
                param.ident
            ),
            GenericParam::Lifetime(param) => format!(
                "operations cannot have lifetime parameters: remove `{}` and write references as `&str` or `&T`",
                param.lifetime
            ),
            GenericParam::Const(param) => {
                format!("operations cannot have `const` parameters: make `{}` an argument", param.ident)
            }
        };
        errors.on(param, message);
    }
    if let Some(clause) = &signature.generics.where_clause {
        errors.on(clause, "operations cannot have a `where` clause: move it to the trait");
    }
    if method.default.is_some() {
        errors.on(
            name,
            format_args!(
                "`{name}` cannot have a default body, because clients and services implement it: end it with `;`"
            ),
        );
    }
    errors.ok(method.modifiers.require_empty());
    if let Some(token) = &signature.constness {
        errors.on(token, "operations cannot be `const`: remove `const`");
    }
    if !matches!(signature.safety, syn::Safety::Default) || signature.abi.is_some() {
        errors.on(signature.fn_token, "operations must be plain `async fn`: remove `unsafe` or `extern`");
    }
}

fn check_receiver(signature: &Signature, errors: &mut Errors) {
    let name = &signature.ident;
    match signature.inputs.first() {
        Some(FnArg::Receiver(receiver)) => match &receiver.kind {
            ReceiverKind::Reference(_, lifetime, None) => {
                // A declared lifetime is reported at its declaration.
                if lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static") {
                    errors.on(receiver, format_args!("`{name}` must take `&self`: remove `'static`"));
                }
            }
            _ => errors
                .on(receiver, format_args!("`{name}` must take `&self`, because callers share one client")),
        },
        _ => errors.on(name, format_args!("`{name}` must take `&self`: add it as the first parameter")),
    }
}

/// Returns whether the method is `async` or only lacks the keyword. The missing keyword is reported and
/// added, so that calls of the method still compile.
fn read_asyncness(method: &mut TraitItemFn, errors: &mut Errors) -> bool {
    let signature = &mut method.sig;
    if signature.asyncness.is_none() {
        let name = &signature.ident;
        errors.on(signature.fn_token, format_args!("operations must be `async fn`: write `async fn {name}`"));
        if !matches!(&signature.output, ReturnType::Type(_, ty) if is_named_result(ty)) {
            return false;
        }
        signature.asyncness = Some(Token![async](signature.fn_token.span));
    }
    true
}

fn read_output(method: &TraitItemFn, errors: &mut Errors) -> Option<Type> {
    let name = &method.sig.ident;
    let ReturnType::Type(_, output) = &method.sig.output else {
        errors.on(
            name,
            format_args!("`{name}` must return a `Result`: write `-> Result<()>` if it returns no value"),
        );
        return None;
    };
    if !is_named_result(output) {
        errors
            .on(output, format_args!("`{name}` must return a `Result`: write `Result<…>` around this type"));
        return None;
    }
    param::check_return_type(output, errors);
    Some((**output).clone())
}

/// Checks by name, for a better error message; the type checker verifies that an alias really is a `Result`.
fn is_named_result(ty: &Type) -> bool {
    matches!(ty, Type::Path(path)
        if path.path.segments.last().is_some_and(|last| last.ident.to_string().ends_with("Result")))
}

/// Assigns each placeholder the argument of the same name.
fn fill_placeholders(segments: &[Segment], params: &mut [Param], operation: &Ident, errors: &mut Errors) {
    let mut seen = Vec::<&str>::new();
    let mut unknown = Vec::new();
    for segment in segments {
        let Segment::Placeholder { name, span } = segment else { continue };
        if seen.contains(&name.as_str()) {
            errors.at(
                *span,
                format_args!("`{{{name}}}` appears twice in the path: use a different argument for each"),
            );
            continue;
        }
        seen.push(name);
        let Some(param) = params.iter_mut().find(|param| param.name() == *name) else {
            unknown.push((name, *span));
            continue;
        };
        if param.annotated {
            errors.on(
                &param.ident,
                format_args!("`{name}` is already sent in the path as `{{{name}}}`: remove its annotation"),
            );
        } else {
            param.places.push(Place::Path(name.clone()));
        }
    }
    for (name, span) in unknown {
        let free = params.iter().filter(|param| param.places.is_empty() && !param.annotated).map(Param::name);
        let hint = match names::closest(name, free) {
            Some(closest) => {
                let hint = format!("did you mean `{{{closest}}}`?");
                // Counts the argument as sent, so that it does not cause a second error.
                if let Some(param) = params.iter_mut().find(|param| param.name() == closest) {
                    param.places.push(Place::Path(name.clone()));
                }
                hint
            }
            None => format!("add an argument `{name}`, or remove the placeholder"),
        };
        errors.at(span, format_args!("`{{{name}}}` matches no argument of `{operation}`: {hint}"));
    }
}

fn check_body(route: &RouteAttr, params: &[Param], errors: &mut Errors) {
    if route.verb != Verb::Get {
        return;
    }
    for param in params {
        if param.places.iter().any(|place| matches!(place, Place::Body | Place::Field(_))) {
            let message = format!(
                "a GET request has no body: annotate `{}` with `#[query]`, or use `#[post]` for the operation",
                param.ident
            );
            errors.on(&param.ident, message);
        }
    }
}
