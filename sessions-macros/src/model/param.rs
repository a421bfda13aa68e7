//! The arguments of an operation: their names, their shapes, and their places in the request.

use crate::attr::{PLACES, PlaceAttr, PlaceKind};
use crate::errors::Errors;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    FnArg, GenericArgument, Ident, Lifetime, LitStr, Pat, PatType, PathArguments, Type, TypeReference,
};

/// An argument.
#[derive(Clone)]
pub(crate) struct Param {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) shape: Shape,
    /// Where its value travels; never empty in an operation.
    pub(crate) places: Vec<Place>,
    /// Whether an annotation was there, readable or not: a broken one draws no second error.
    pub(crate) annotated: bool,
}

/// How an argument is written, which decides what a service decodes it into and whether it is required.
#[derive(Clone)]
pub(crate) enum Shape {
    /// `&T`
    Borrowed(Type),
    /// `Option<&T>`
    OptionalBorrowed(Type),
    /// `Option<T>`
    Optional(Type),
    /// `T`
    Owned,
}

/// Where a value travels, with its name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path(String),
    Query(String),
    Header(String),
    Field(String),
    Body,
    Correlation(String),
}

impl Place {
    /// Whether two arguments would overwrite each other here.
    fn clashes_with(&self, other: &Self) -> bool {
        match (self, other) {
            // Fields are parts of the body.
            (Self::Body, Self::Field(_)) | (Self::Field(_), Self::Body) => true,
            // Both are one place of the request, whatever the client's setting makes of the second.
            (Self::Query(a) | Self::Header(a), Self::Correlation(b))
            | (Self::Correlation(a), Self::Query(b) | Self::Header(b)) => a == b,
            (a, b) => a == b,
        }
    }
}

impl Param {
    /// The name in the user's code, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    pub(crate) const fn is_optional(&self) -> bool {
        matches!(self.shape, Shape::Optional(_) | Shape::OptionalBorrowed(_))
    }

    /// Whether a call has the value itself, and no reference to it.
    pub(crate) const fn is_by_value(&self) -> bool {
        matches!(self.shape, Shape::Optional(_) | Shape::Owned)
    }

    /// Takes the annotations off `argument` and reads them.
    pub(crate) fn read(argument: &mut PatType, errors: &mut Errors) -> Option<Self> {
        let attributes = std::mem::take(&mut argument.attrs);
        let Pat::Ident(pattern) = &*argument.pat else {
            errors.on(
                &argument.pat,
                "an argument is one plain name, which is also its name on the wire: write `name: Type`",
            );
            return None;
        };
        if let Some(token) = &pattern.mutability {
            errors.on(token, "an argument of a contract is never changed: drop `mut`");
        }
        check_argument(&argument.ty, errors);
        let mut param = Self {
            ident: pattern.ident.clone(),
            ty: (*argument.ty).clone(),
            shape: Shape::of(&argument.ty),
            places: Vec::new(),
            annotated: !attributes.is_empty(),
        };
        for attribute in &attributes {
            if let Some(place) = errors.keep(PlaceAttr::parse(attribute)) {
                param.add(&place, errors);
            }
        }
        Some(param)
    }

    fn add(&mut self, attribute: &PlaceAttr<'_>, errors: &mut Errors) {
        let name = attribute.name.as_ref().map_or_else(|| self.name(), LitStr::value);
        if name.is_empty() {
            errors
                .on(&attribute.name, "this name on the wire is empty: write the one that the service knows");
            return;
        }
        let place = match attribute.kind {
            PlaceKind::Query => Place::Query(name),
            PlaceKind::Field => Place::Field(name),
            PlaceKind::Correlation => {
                check_header_name(&name, attribute, errors);
                Place::Correlation(name)
            }
            PlaceKind::Header => {
                if attribute.name.is_none() {
                    let header = name.replace('_', "-").to_lowercase();
                    let message = format!("a header is named in full: write `#[header(\"{header}\")]`");
                    errors.on(attribute.attribute, message);
                    return;
                }
                check_header_name(&name, attribute, errors);
                Place::Header(name)
            }
            PlaceKind::Body => {
                if attribute.name.is_some() {
                    errors.on(
                        attribute.attribute,
                        "the whole body has no name: write `#[body]`, or `#[field(\"…\")]` for a part of it",
                    );
                }
                Place::Body
            }
        };
        if self.places.iter().any(|earlier| earlier.clashes_with(&place)) {
            let message =
                format!("`{}` goes to this place already: drop one of the two annotations", self.ident);
            errors.on(attribute.attribute, message);
        } else {
            self.places.push(place);
        }
    }

    /// Reports arguments that would overwrite each other.
    pub(crate) fn check_clashes(params: &[Self], errors: &mut Errors) {
        let takes_part =
            |param: &Self| param.places.iter().any(|place| matches!(place, Place::Body | Place::Field(_)));
        let whole = params.iter().find(|param| param.places.contains(&Place::Body));
        if let Some(whole) = whole {
            for other in params.iter().filter(|param| takes_part(param) && param.ident != whole.ident) {
                let message = format!(
                    "a request has one body, and `{}` is all of it: use `#[field]` on both for an object of parts",
                    whole.ident
                );
                errors.on(&other.ident, message);
            }
        }
        for (at, param) in params.iter().enumerate() {
            let clashes = |earlier: &&Self| {
                let mut pairs = param.places.iter().flat_map(|a| earlier.places.iter().map(move |b| (a, b)));
                pairs.any(|(a, b)| *a != Place::Body && *b != Place::Body && a.clashes_with(b))
            };
            if let Some(earlier) = params[..at].iter().find(clashes) {
                let message = format!(
                    "`{}` and `{}` would overwrite each other: give one of them another name on the wire",
                    earlier.ident, param.ident
                );
                errors.on(&param.ident, message);
            }
        }
    }

    /// Reports an argument that would not be sent.
    pub(crate) fn check_has_a_place(&self, errors: &mut Errors) {
        if self.places.is_empty() && !self.annotated {
            let message =
                format!("`{0}` goes nowhere: put `{{{0}}}` in the path or annotate it {PLACES}", self.name());
            errors.on(&self.ident, message);
        }
    }
}

impl Shape {
    pub(crate) fn of(ty: &Type) -> Self {
        if let Type::Reference(reference) = ty {
            return Self::Borrowed((*reference.elem).clone());
        }
        match option_argument(ty) {
            Some(Type::Reference(reference)) => Self::OptionalBorrowed((*reference.elem).clone()),
            Some(inner) => Self::Optional(inner.clone()),
            None => Self::Owned,
        }
    }
}

/// `T` of `Option<T>`. By name, since a macro sees no types: an alias of `Option` counts as required.
fn option_argument(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) if last.ident == "Option" && arguments.args.len() == 1 => Some(inner),
        _ => None,
    }
}

fn check_argument(ty: &Type, errors: &mut Errors) {
    let outer = match ty {
        Type::Reference(reference) => Some(reference),
        _ => match option_argument(ty) {
            Some(Type::Reference(reference)) => Some(reference),
            _ => None,
        },
    };
    if let Some(TypeReference { mutability: Some(_), .. }) = outer {
        errors.on(ty, "a request only reads its arguments: take `&T`");
    }
    if let Some(lifetime) = outer.and_then(|reference| reference.lifetime.as_ref())
        && lifetime.ident == "static"
    {
        errors.on(
            lifetime,
            "a service decodes its arguments anew for every call: write `&T`, without `'static`",
        );
    }
    let mut check = CheckType {
        on_lifetime: "a type that borrows cannot be decoded by a service: write an owned type, like `String` for \
                      `Cow<'_, str>`, or `&T` of one",
        on_reference: "a reference inside another type cannot be decoded by a service: use `&T`, `Option<&T>`, or an \
                       owned type such as `&[String]`",
        errors,
    };
    match outer {
        Some(reference) => check.visit_type(&reference.elem),
        None => check.visit_type(ty),
    }
}

pub(super) fn check_answer(ty: &Type, errors: &mut Errors) {
    let message =
        "an answer owns what it holds, since its response is gone: return `String`, `Vec<T>` or `T`";
    CheckType { on_reference: message, on_lifetime: message, errors }.visit_type(ty);
}

/// Reports what stands for no type that could be decoded.
struct CheckType<'a> {
    on_reference: &'static str,
    on_lifetime: &'static str,
    errors: &'a mut Errors,
}

impl Visit<'_> for CheckType<'_> {
    fn visit_type_reference(&mut self, reference: &TypeReference) {
        self.errors.on(reference, self.on_reference);
    }

    fn visit_lifetime(&mut self, lifetime: &Lifetime) {
        // `Cow<'static, str>` owns what is decoded into it.
        if lifetime.ident != "static" {
            self.errors.on(lifetime, self.on_lifetime);
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &syn::TypeImplTrait) {
        self.errors.on(
            ty,
            "`impl Trait` is a hidden type parameter: name a type, or declare a parameter on the trait",
        );
    }

    fn visit_path(&mut self, path: &syn::Path) {
        if path.segments.first().is_some_and(|first| first.ident == "Self") {
            self.errors
                .on(path, "`Self` is whoever implements the contract, and nothing to send: name a type");
        }
        visit::visit_path(self, path);
    }
}

/// RFC 9110, 5.6.2; lower case, as HTTP/2 has it and `http::HeaderName::from_static` asks for.
fn check_header_name(name: &str, attribute: &PlaceAttr<'_>, errors: &mut Errors) {
    let span = attribute.name.as_ref().map_or_else(|| attribute.attribute.span(), LitStr::span);
    let token =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.bytes().all(token) {
        let message = format!(
            "`{name}` is no header name: write lower case letters, digits and `-`, like `x-request-id`"
        );
        errors.at(span, message);
    } else if matches!(name, "content-type" | "content-length" | "transfer-encoding" | "host" | "accept") {
        errors.at(span, format_args!("`{name}` is written by the client itself: drop the argument"));
    }
}

/// The typed arguments of a method, with their annotations taken off, and whether all could be read.
pub(crate) fn read_all<'a>(
    inputs: impl Iterator<Item = &'a mut FnArg>,
    errors: &mut Errors,
) -> Option<Vec<Param>> {
    let params: Vec<Option<Param>> = inputs
        .filter_map(|input| match input {
            FnArg::Typed(argument) => Some(Param::read(argument, errors)),
            FnArg::Receiver(_) => None,
        })
        .collect();
    params.into_iter().collect()
}
