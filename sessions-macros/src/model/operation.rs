//! A method of the trait as an operation of the API: route, arguments, result.

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

/// One operation.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) ident: Ident,
    /// The struct that holds its arguments, `OpenSession` for `open_session`.
    pub(crate) type_ident: Ident,
    /// The constant that holds its route, `OPEN_SESSION`.
    pub(crate) const_ident: Ident,
    pub(crate) docs: Vec<Attribute>,
    /// Repeated on everything that is generated for the operation.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) verb: Verb,
    pub(crate) segments: Vec<Segment>,
    /// The path as it was written, with the prefix.
    pub(crate) template: String,
    pub(crate) idempotent: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) params: Vec<Param>,
    pub(crate) output: Type,
}

impl Operation {
    /// Takes our annotations off `method` and reads them. It returns what it could read; whether that is
    /// sound is for the caller to see from `errors`.
    pub(crate) fn read(method: &mut TraitItemFn, prefix: &str, errors: &mut Errors) -> Option<Self> {
        let route = take_route(method, errors);
        let params = param::read_all(method.sig.inputs.iter_mut(), errors);
        check_signature(method, errors);
        let output = if read_asyncness(method, errors) { read_output(method, errors) } else { None };
        let (route, mut params, output) = (route?, params?, output?);

        let mut segments = template::parse(&route.path, errors);
        fill_placeholders(&segments, &mut params, &method.sig.ident, errors);
        if !segments.iter().any(|segment| matches!(segment, Segment::Broken)) {
            for param in &params {
                param.check_has_a_place(errors);
            }
        }
        Param::check_clashes(&params, errors);
        check_body(&route, &params, errors);

        // Every sound path begins with text.
        if let Some(Segment::Literal(text)) = segments.first_mut() {
            text.insert_str(0, prefix);
        }
        let ident = method.sig.ident.clone();
        let of = |name: &str| method.attrs.iter().filter(|a| a.path().is_ident(name)).cloned().collect();
        Some(Self {
            type_ident: names::pascal_case(&ident),
            const_ident: Ident::new(&ident.unraw().to_string().to_uppercase(), ident.span()),
            docs: of("doc"),
            cfgs: of("cfg"),
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

    /// The documentation as text. What is no literal, such as `#[doc = include_str!(…)]`, is left out.
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

    /// The name of the operation in the route table, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// The argument that fills a placeholder. Only a sound operation is asked for one.
    pub(crate) fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name() == name)
    }
}

fn take_route(method: &mut TraitItemFn, errors: &mut Errors) -> Option<RouteAttr> {
    let (routes, rest): (Vec<_>, Vec<_>) =
        std::mem::take(&mut method.attrs).into_iter().partition(|attribute| Verb::of(attribute).is_some());
    let (conditional, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(hides_an_annotation);
    method.attrs = rest;
    for attribute in &conditional {
        errors.on(
            attribute,
            "what `#[cfg_attr]` holds is read too late to be heeded: write it plainly, and put `#[cfg]` on the operation",
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
            format_args!("`{name}` has a route already: drop this one, or give it its own operation"),
        );
    }
    route
}

/// Whether this is a `#[cfg_attr]` around an annotation that the expansion depends on.
fn hides_an_annotation(attribute: &Attribute) -> bool {
    let Ok(list) = attribute.meta.require_list() else { return false };
    let hidden = |token: TokenTree| {
        matches!(token, TokenTree::Ident(ident)
        if ident == "cfg" || Verb::ALL.iter().any(|verb| ident == verb.attribute()))
    };
    attribute.path().is_ident("cfg_attr") && list.tokens.clone().into_iter().any(hidden)
}

fn check_signature(method: &TraitItemFn, errors: &mut Errors) {
    let signature = &method.sig;
    let name = &signature.ident;
    check_receiver(signature, errors);
    for param in &signature.generics.params {
        let message = match param {
            GenericParam::Type(param) => format!(
                "a type parameter on a method would make the trait unusable as `dyn`: declare it on the trait, like \
                 `trait Api<{}: Payload = serde_json::Value>`",
                param.ident
            ),
            GenericParam::Lifetime(_) => {
                "an operation needs no lifetime parameter: write `&str` and `&T`".to_owned()
            }
            GenericParam::Const(_) => "an operation has no `const` parameter: make it an argument".to_owned(),
        };
        errors.on(param, message);
    }
    if let Some(clause) = &signature.generics.where_clause {
        errors.on(clause, "conditions on payloads stand on the trait: move the `where` clause there");
    }
    if method.default.is_some() {
        errors.on(
            name,
            format_args!(
                "`{name}` has no body of its own, clients and services give it one: end it with `;`"
            ),
        );
    }
    errors.keep(method.modifiers.require_empty());
    if let Some(token) = &signature.constness {
        errors.on(token, "an operation cannot be `const`: drop it");
    }
    if !matches!(signature.safety, syn::Safety::Default) || signature.abi.is_some() {
        errors.on(signature.fn_token, "an operation is a plain `async fn`: drop what stands before it");
    }
}

fn check_receiver(signature: &Signature, errors: &mut Errors) {
    let name = &signature.ident;
    match signature.inputs.first() {
        Some(FnArg::Receiver(receiver)) => match &receiver.kind {
            ReceiverKind::Reference(_, lifetime, None) => {
                // A declared one is reported where it is declared.
                if lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static") {
                    errors.on(
                        receiver,
                        format_args!("`{name}` must take `&self`: a client is not borrowed for ever"),
                    );
                }
            }
            _ => errors.on(
                receiver,
                format_args!("`{name}` must take `&self`: one client serves many callers at once"),
            ),
        },
        _ => errors.on(name, format_args!("`{name}` must take `&self`: it is called on a client")),
    }
}

/// Whether the method is, or was meant to be, `async`: one that only lacks the word is read as if it had
/// it, as are the calls of it.
fn read_asyncness(method: &mut TraitItemFn, errors: &mut Errors) -> bool {
    let signature = &mut method.sig;
    if signature.asyncness.is_none() {
        let name = &signature.ident;
        errors.on(signature.fn_token, format_args!("`{name}` waits for an answer: write `async fn {name}`"));
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
        errors.on(name, format_args!("`{name}` can fail: write `-> Result<()>` where it has nothing to say"));
        return None;
    };
    if !is_named_result(output) {
        errors.on(output, format_args!("`{name}` can fail: return a `Result` of this"));
        return None;
    }
    param::check_answer(output, errors);
    Some((**output).clone())
}

/// By name, to say it well; whether an alias really is a `Result` is settled by the type checker.
fn is_named_result(ty: &Type) -> bool {
    matches!(ty, Type::Path(path)
        if path.path.segments.last().is_some_and(|last| last.ident.to_string().ends_with("Result")))
}

/// Every placeholder takes the argument of its name.
fn fill_placeholders(segments: &[Segment], params: &mut [Param], operation: &Ident, errors: &mut Errors) {
    let mut seen = Vec::<&str>::new();
    let mut unknown = Vec::new();
    for segment in segments {
        let Segment::Placeholder { name, span } = segment else { continue };
        if seen.contains(&name.as_str()) {
            errors
                .at(*span, format_args!("`{{{name}}}` stands twice in the path: give each its own argument"));
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
                format_args!("`{name}` fills `{{{name}}}` in the path: drop its annotation"),
            );
        } else {
            param.places.push(Place::Path(name.clone()));
        }
    }
    for (name, span) in unknown {
        let free = params.iter().filter(|param| param.places.is_empty() && !param.annotated).map(Param::name);
        let hint = match names::closest(name, free) {
            Some(near) => {
                let hint = format!("did you mean `{{{near}}}`?");
                // It is accounted for, and draws no error of its own.
                if let Some(param) = params.iter_mut().find(|param| param.name() == near) {
                    param.places.push(Place::Path(name.clone()));
                }
                hint
            }
            None => format!("add `{name}` to the arguments, or drop the placeholder"),
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
                "a GET has no body: make `{}` a `#[query]`, or the operation a `#[post]`",
                param.ident
            );
            errors.on(&param.ident, message);
        }
    }
}
