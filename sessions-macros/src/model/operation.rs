//! Operations of the API: the route, arguments and return type of a trait method.

use super::codec::{self, Codecs, Form, Presence};
use super::constants::Constants;
use super::param::{self, Param, Place};
use super::{names, sizes};
use crate::attr::{Halves, RouteAttr, Verb};
use crate::errors::Errors;
use crate::template::{self, Segment};
use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use std::time::Duration;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{
    Attribute, Expr, ExprLit, FnArg, GenericParam, Ident, Lit, LitInt, Meta, MetaNameValue, ReceiverKind,
    ReturnType, Signature, Token, TraitItemFn, Type,
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
    /// `#[deprecated]`, which is copied to the struct and the route of the operation.
    pub(crate) deprecated: Vec<Attribute>,
    /// `#[cfg]` attributes, which are copied to every item generated for the operation.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) verb: Verb,
    pub(crate) segments: Vec<Segment>,
    /// Path as written, including the prefix.
    pub(crate) template: String,
    pub(crate) idempotent: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) params: Vec<Param>,
    /// Constant headers and query parameters, also those of the contract.
    pub(crate) constants: Constants,
    pub(crate) output: Type,
    pub(crate) codecs: Codecs,
    /// Statuses that mean `None`.
    pub(crate) none: Vec<LitInt>,
    /// True if the operation is being written and already reported: implementations need not define it.
    pub(crate) incomplete: bool,
}

impl Operation {
    /// Removes the annotations of this crate from `method` and reads them. The result may be invalid; the
    /// caller checks whether `errors` has grown.
    pub(crate) fn read(
        method: &mut TraitItemFn,
        prefix: &str,
        halves: Halves,
        codecs: &Codecs,
        errors: &mut Errors,
    ) -> Option<Self> {
        let route = take_route(method, errors);
        let constants = Constants::take(&mut method.attrs, errors);
        let params = param::read_all(method.sig.inputs.iter_mut(), halves, errors);
        check_signature(method, "operations", errors);
        check_body_of_method(method, errors);
        let output = if read_asyncness(method, errors) { read_output(method, errors) } else { None };
        let (route, mut params, output) = (route?, params?, output?);

        let mut segments = template::parse(&route.path, errors);
        fill_placeholders(&segments, &mut params, &method.sig.ident, errors);
        if !segments.iter().any(|segment| matches!(segment, Segment::Invalid)) {
            for param in &params {
                param.check_is_sent(errors);
            }
        }
        for param in &mut params {
            // The body of a DELETE has no defined meaning, so it has nothing that is not given.
            param.resolve_none(route.omit_none || route.verb == Verb::Delete);
        }
        Param::check_clashes(&params, errors);
        check_body(&route, &params, errors);
        let codecs = codecs.of(&route, &params, &output, errors);
        check_value(&route, &output, errors);

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
            deprecated: attributes("deprecated"),
            cfgs: attributes("cfg"),
            verb: route.verb,
            segments,
            template: format!("{prefix}{}", route.path.value()),
            idempotent: route.idempotent.unwrap_or(route.verb.is_idempotent()),
            timeout: route.timeout,
            params,
            constants,
            output,
            codecs,
            none: route.none,
            incomplete: false,
            ident,
        })
    }

    /// Returns the documentation as an expression: a string, or a `concat!` if a part of it is a macro, such as
    /// `include_str!`.
    pub(crate) fn doc(&self, private: &TokenStream) -> TokenStream {
        let lines: Vec<&Expr> = self
            .docs
            .iter()
            .filter_map(|attribute| match &attribute.meta {
                Meta::NameValue(MetaNameValue { value, .. }) => Some(value),
                _ => None,
            })
            .collect();
        let literal = |line: &Expr| match line {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => {
                let line = line.value();
                Some(line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned())
            }
            _ => None,
        };
        if let Some(lines) = lines.iter().map(|line| literal(line)).collect::<Option<Vec<_>>>() {
            let doc = lines.join("\n");
            return quote!(#doc);
        }
        let parts = lines.iter().enumerate().map(|(at, line)| {
            let newline = (at > 0).then(|| quote!("\n",));
            if let Some(line) = literal(line) { quote!(#newline #line) } else { quote!(#newline #line) }
        });
        quote!(#private::concat!(#(#parts),*))
    }

    /// Returns the name of the operation in the route table, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// Returns the form of the return type.
    pub(crate) fn form(&self) -> Form {
        Form::of(&self.output, !self.none.is_empty())
    }

    /// Returns whether requests have a body whatever their codec: an argument is in it.
    pub(crate) fn has_arguments_in_body(&self) -> bool {
        self.params.iter().any(Param::is_in_body)
    }

    /// Returns whether requests have a body, unless their codec writes none without arguments.
    pub(crate) fn has_body(&self) -> bool {
        self.verb.always_has_a_body() || self.has_arguments_in_body()
    }
}

/// Returns whether `method` has a route annotation, even an invalid one.
pub(super) fn has_route(method: &TraitItemFn) -> bool {
    method.attrs.iter().any(|attribute| Verb::of(attribute).is_some() || is_conditional_annotation(attribute))
}

fn take_route(method: &mut TraitItemFn, errors: &mut Errors) -> Option<RouteAttr> {
    let (routes, rest): (Vec<_>, Vec<_>) =
        std::mem::take(&mut method.attrs).into_iter().partition(|attribute| Verb::of(attribute).is_some());
    let (conditional, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_conditional_annotation);
    let (mistaken, rest): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|attribute| Verb::mistake(attribute).is_some());
    method.attrs = rest;
    for attribute in &mistaken {
        errors.on(attribute, Verb::mistake(attribute).unwrap_or_default());
    }
    for attribute in &conditional {
        errors.on(
            attribute,
            "`#[cfg_attr]` is not supported here: it is expanded after this macro. Use `#[cfg]` on the operation",
        );
    }
    let name = &method.sig.ident;
    let mut routes = routes.iter().filter_map(|attribute| Some((Verb::of(attribute)?, attribute)));
    let Some((verb, attribute)) = routes.next_back() else {
        if conditional.is_empty() && mistaken.is_empty() {
            let verbs = Verb::ALL.map(|verb| format!("`#[{}(\"/…\")]`", verb.attribute())).join(", ");
            errors.on(name, format_args!("`{name}` has no route: add one of {verbs}"));
        }
        return None;
    };
    RouteAttr::parse(verb, attribute, errors)
}

/// Reports all routes of `method` but the first, and removes all but the last: an attribute that is being written above
/// an operation must not replace its route.
pub(crate) fn check_single_route(method: &mut TraitItemFn, errors: &mut Errors) {
    let is_route = |attribute: &&Attribute| Verb::of(attribute).is_some();
    let count = method.attrs.iter().filter(is_route).count();
    for extra in method.attrs.iter().filter(is_route).skip(1) {
        errors.on(
            extra,
            format_args!(
                "`{}` already has a route: remove this one, or declare another operation for it",
                method.sig.ident
            ),
        );
    }
    let mut seen = 0;
    method.attrs.retain(|attribute| {
        seen += usize::from(is_route(&attribute));
        !is_route(&attribute) || seen == count
    });
}

/// Returns whether `attribute` is a `#[cfg_attr]` that contains an annotation of this crate or `#[cfg]`.
fn is_conditional_annotation(attribute: &Attribute) -> bool {
    let Ok(list) = attribute.meta.require_list() else { return false };
    let is_annotation = |token: TokenTree| {
        matches!(token, TokenTree::Ident(ident)
        if ident == "cfg" || Constants::is_annotation(&ident) || Verb::ALL.iter().any(|verb| ident == verb.attribute()))
    };
    attribute.path().is_ident("cfg_attr") && list.tokens.clone().into_iter().any(is_annotation)
}

fn check_body_of_method(method: &TraitItemFn, errors: &mut Errors) {
    let name = &method.sig.ident;
    if method.default.is_some() {
        errors.on(
            name,
            format_args!(
                "`{name}` has a route and a body: end it with `;`, or remove the route to provide the method for all \
                 implementations"
            ),
        );
    }
}

/// Checks the signature of one of the `methods` of the trait: "operations" or "provided methods".
pub(super) fn check_signature(method: &mut TraitItemFn, methods: &str, errors: &mut Errors) {
    check_receiver(&mut method.sig, errors);
    let signature = &method.sig;
    for param in &signature.generics.params {
        let message = match param {
            GenericParam::Type(param) => format!(
                "{methods} cannot have type parameters, because the trait must be usable as `dyn`: declare `{0}` on \
                 the trait, such as `trait Api<{0}: Payload = serde_json::Value>`",
                param.ident
            ),
            GenericParam::Lifetime(param) => format!(
                "{methods} cannot have lifetime parameters: remove `{}` and write references as `&str` or `&T`",
                param.lifetime
            ),
            GenericParam::Const(param) => {
                format!("{methods} cannot have `const` parameters: make `{}` an argument", param.ident)
            }
        };
        errors.on(param, message);
    }
    if let Some(clause) = &signature.generics.where_clause {
        errors.on(clause, format_args!("{methods} cannot have a `where` clause: move it to the trait"));
    }
    errors.ok(method.modifiers.require_empty());
    if let Some(token) = &signature.constness {
        errors.on(token, format_args!("{methods} cannot be `const`: remove `const`"));
    }
    if !matches!(signature.safety, syn::Safety::Default) || signature.abi.is_some() {
        errors.on(
            signature.fn_token,
            format_args!("{methods} must be plain `async fn`: remove `unsafe` or `extern`"),
        );
    }
}

/// Reports a receiver other than `&self` and replaces it, so that correct implementations compile.
fn check_receiver(signature: &mut Signature, errors: &mut Errors) {
    let name = &signature.ident;
    let Some(FnArg::Receiver(receiver)) = signature.inputs.first() else {
        errors.on(name, format_args!("`{name}` must take `&self`: add it as the first parameter"));
        signature.inputs.insert(0, syn::parse_quote!(&self));
        return;
    };
    match &receiver.kind {
        // A declared lifetime is reported at its declaration.
        ReceiverKind::Reference(_, lifetime, None)
            if lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") =>
        {
            return;
        }
        ReceiverKind::Reference(_, _, None) => {
            errors.on(receiver, format_args!("`{name}` must take `&self`: remove `'static`"));
        }
        _ => {
            errors.on(receiver, format_args!("`{name}` must take `&self`, because callers share one client"));
        }
    }
    if let Some(receiver) = signature.inputs.first_mut() {
        *receiver = syn::parse_quote!(&self);
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

fn read_output(method: &mut TraitItemFn, errors: &mut Errors) -> Option<Type> {
    let name = &method.sig.ident;
    let ReturnType::Type(_, output) = &mut method.sig.output else {
        errors.on(
            name,
            format_args!("`{name}` must return a `Result`: write `-> Result<()>` if it returns no value"),
        );
        return None;
    };
    if !may_be_a_result(output) {
        errors
            .on(output, format_args!("`{name}` must return a `Result`: write `Result<…>` around this type"));
        return None;
    }
    if sizes::check_output(output, errors) {
        param::check_return_type(output, errors);
    }
    Some((**output).clone())
}

/// Types that are certainly not a `Result`.
const OTHER_TYPES: [&str; 38] = [
    "Arc",
    "BTreeMap",
    "BTreeSet",
    "Box",
    "BoxFuture",
    "Bytes",
    "Cow",
    "Duration",
    "HashMap",
    "HashSet",
    "Option",
    "PathBuf",
    "Pin",
    "Rc",
    "Self",
    "String",
    "Value",
    "Vec",
    "VecDeque",
    "bool",
    "char",
    "f32",
    "f64",
    "i128",
    "i16",
    "i32",
    "i64",
    "i8",
    "isize",
    "str",
    "u128",
    "u16",
    "u32",
    "u64",
    "u8",
    "usize",
    "Infallible",
    "PhantomData",
];

/// Checks by name, for a better error message than that of the type checker, which verifies that an alias really
/// is a `Result`.
fn may_be_a_result(ty: &Type) -> bool {
    matches!(ty, Type::Path(path)
        if path.path.segments.last().is_some_and(|last| OTHER_TYPES.iter().all(|other| last.ident != other)))
}

/// Returns whether the type is certainly meant as a `Result`.
fn is_named_result(ty: &Type) -> bool {
    matches!(ty, Type::Path(path)
        if path.path.segments.last().is_some_and(|last| last.ident.to_string().ends_with("Result")))
}

/// Assigns each placeholder its argument: the one with `#[path("name")]`, or the one of the same name.
fn fill_placeholders(segments: &[Segment], params: &mut [Param], operation: &Ident, errors: &mut Errors) {
    let mut seen = Vec::<&str>::new();
    let mut unknown = Vec::new();
    for segment in segments {
        let Segment::Placeholder { name, span, .. } = segment else { continue };
        if seen.contains(&name.as_str()) {
            errors.at(
                *span,
                format_args!("`{{{name}}}` appears twice in the path: use a different argument for each"),
            );
            continue;
        }
        seen.push(name);
        let Some(param) = params.iter_mut().find(|param| param.placeholder_name() == *name) else {
            unknown.push((name, *span));
            continue;
        };
        if param.annotated && param.placeholder.is_none() {
            errors.on(
                &param.ident,
                format_args!("`{name}` is already sent in the path as `{{{name}}}`: remove its annotation"),
            );
        } else {
            // First, because a service reads an argument from the first of its places that has a value, and the path
            // has selected the route.
            param.places.insert(0, Place::Path(name.clone()));
            param.check_placeholder(errors);
        }
    }
    let is_complete = !segments.iter().any(|segment| matches!(segment, Segment::Invalid));
    for (name, span) in unknown {
        let free = params.iter().filter(|param| param.places.is_empty() && !param.annotated);
        let free: Vec<_> = free.map(Param::placeholder_name).collect();
        let is_ident = Ident::parse_any.parse_str(name).is_ok();
        // Only an annotation can give a placeholder such as `{x-id}` to an argument.
        let only = free.first().filter(|_| free.len() == 1 && !is_ident).cloned();
        let hint = match only.or_else(|| names::closest(name, free.into_iter())) {
            Some(closest) => {
                // Counts the argument as sent, so that it does not cause a second error.
                if let Some(param) = params.iter_mut().find(|param| param.placeholder_name() == closest) {
                    param.places.push(Place::Path(name.clone()));
                }
                if is_ident {
                    format!("did you mean `{{{closest}}}`?")
                } else {
                    format!("annotate `{closest}` with `#[path(\"{name}\")]`, or write `{{{closest}}}`")
                }
            }
            None if is_ident => {
                format!("add an argument `{name}`, or remove the placeholder")
            }
            None => format!("annotate an argument with `#[path(\"{name}\")]`, or remove the placeholder"),
        };
        errors.at(span, format_args!("`{{{name}}}` matches no argument of `{operation}`: {hint}"));
    }
    for param in params {
        let is_in_path = param.places.iter().any(|place| matches!(place, Place::Path(_)));
        if let Some((name, span)) = param.placeholder.as_ref().filter(|_| !is_in_path && is_complete) {
            errors.at(
                *span,
                format_args!("the path has no placeholder `{{{name}}}`: add it, or remove `#[path]`"),
            );
        }
    }
}

fn check_body(route: &RouteAttr, params: &[Param], errors: &mut Errors) {
    if route.verb.can_have_a_body() {
        return;
    }
    let method = route.verb.with_article();
    for param in params {
        if param.is_in_body() {
            let message = format!(
                "{method} request has no body: annotate `{}` with `#[query]`, or use `#[post]` for the operation",
                param.ident
            );
            errors.on(&param.ident, message);
        }
    }
}

/// Reports a return type whose value no response can carry.
fn check_value(route: &RouteAttr, output: &Type, errors: &mut Errors) {
    let verb = route.verb.attribute();
    match codec::presence(output) {
        Some(Presence::MaybeNothing) if !route.declares_none => {
            let message = format!(
                "`Option<()>` would always be `None`: write the status of `None`, such as `#[{verb}(\"…\", none = \
                 404)]`, or return `()`"
            );
            errors.on(output, message);
        }
        Some(Presence::Value) if route.verb == Verb::Head => {
            let message = "a HEAD response has no body: return `Result<()>`, `Result<Option<()>>` with `none = 404`, or \
                           `Result<ResponseValue<()>>` for the headers";
            errors.on(output, message);
        }
        _ => {}
    }
}
