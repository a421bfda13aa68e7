//! Arguments of an operation: their names, their shapes, and where they are sent in the request.

use crate::attr::{PLACES, PlaceAttr, PlaceKind};
use crate::errors::Errors;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    FnArg, GenericArgument, Ident, Lifetime, LitStr, Pat, PatType, PathArguments, Type, TypeReference,
};

/// Argument of an operation.
#[derive(Clone)]
pub(crate) struct Param {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) shape: Shape,
    /// Parts of the request that carry the value; never empty in a valid operation.
    pub(crate) places: Vec<Place>,
    /// True if the argument has an annotation, even an invalid one, which must not cause a second error.
    pub(crate) annotated: bool,
}

/// Form of an argument's type. It decides whether the argument is required and what a service decodes it
/// into.
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

/// Part of the request that carries a value, with its name there.
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
    /// Returns whether values in both places would overwrite each other.
    fn clashes_with(&self, other: &Self) -> bool {
        match (self, other) {
            // A field is part of the body.
            (Self::Body, Self::Field(_)) | (Self::Field(_), Self::Body) => true,
            // The client's settings may send a correlation ID as query parameter or header.
            (Self::Query(a) | Self::Header(a), Self::Correlation(b))
            | (Self::Correlation(a), Self::Query(b) | Self::Header(b)) => a == b,
            (a, b) => a == b,
        }
    }
}

impl Param {
    /// Returns the name in the user's code, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    pub(crate) const fn is_optional(&self) -> bool {
        matches!(self.shape, Shape::Optional(_) | Shape::OptionalBorrowed(_))
    }

    /// Returns whether a call owns the value instead of borrowing it.
    pub(crate) const fn is_by_value(&self) -> bool {
        matches!(self.shape, Shape::Optional(_) | Shape::Owned)
    }

    /// Removes the annotations from `argument` and reads them.
    pub(crate) fn read(argument: &mut PatType, errors: &mut Errors) -> Option<Self> {
        let attributes = std::mem::take(&mut argument.attrs);
        let Pat::Ident(pattern) = &*argument.pat else {
            errors.on(
                &argument.pat,
                "an argument must be a plain name, which is also its name on the wire: write `name: Type`",
            );
            return None;
        };
        if let Some(token) = &pattern.mutability {
            errors.on(token, "arguments of an operation cannot be `mut`: remove `mut`");
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
            if let Some(place) = errors.ok(PlaceAttr::parse(attribute)) {
                param.add(&place, errors);
            }
        }
        Some(param)
    }

    fn add(&mut self, attribute: &PlaceAttr<'_>, errors: &mut Errors) {
        let name = attribute.name.as_ref().map_or_else(|| self.name(), LitStr::value);
        if name.is_empty() {
            errors.on(
                &attribute.name,
                "the name on the wire is empty: write the name that the service expects",
            );
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
                    let message = format!("`#[header]` requires a name: write `#[header(\"{header}\")]`");
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
                        "`#[body]` does not take a name: write `#[body]`, or `#[field(\"…\")]` for a field of the body",
                    );
                }
                Place::Body
            }
        };
        if self.places.iter().any(|earlier| earlier.clashes_with(&place)) {
            let message = format!(
                "`{}` is already sent in this part of the request: remove one of the two annotations",
                self.ident
            );
            errors.on(attribute.attribute, message);
        } else {
            self.places.push(place);
        }
    }

    /// Reports arguments that would overwrite each other.
    pub(crate) fn check_clashes(params: &[Self], errors: &mut Errors) {
        let is_in_body =
            |param: &Self| param.places.iter().any(|place| matches!(place, Place::Body | Place::Field(_)));
        let whole = params.iter().find(|param| param.places.contains(&Place::Body));
        if let Some(whole) = whole {
            for other in params.iter().filter(|param| is_in_body(param) && param.ident != whole.ident) {
                let message = format!(
                    "`{}` is already the whole body: annotate both with `#[field]` to send one JSON object",
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
                    "`{}` and `{}` would overwrite each other: give one of them a different name on the wire",
                    earlier.ident, param.ident
                );
                errors.on(&param.ident, message);
            }
        }
    }

    /// Reports an argument that would not be sent.
    pub(crate) fn check_is_sent(&self, errors: &mut Errors) {
        if self.places.is_empty() && !self.annotated {
            let message = format!(
                "`{0}` is not sent: put `{{{0}}}` in the path or annotate the argument with {PLACES}",
                self.name()
            );
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

/// Returns `T` of `Option<T>`. Checks by name, since a macro has no type information: an argument whose type
/// is an alias of `Option` counts as required.
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
        errors.on(ty, "an argument cannot be a mutable reference: write `&T`");
    }
    if let Some(lifetime) = outer.and_then(|reference| reference.lifetime.as_ref())
        && lifetime.ident == "static"
    {
        errors.on(
            lifetime,
            "an argument cannot be `'static`, because a service decodes it for each call: remove `'static`",
        );
    }
    let mut check = CheckType {
        on_lifetime: "a service cannot decode a type that borrows: use an owned type, such as `String` instead of \
                      `Cow<'_, str>`, or a reference to one",
        on_reference: "a service cannot decode a reference inside another type: use `&T`, `Option<&T>` or owned \
                       elements, such as `&[String]`",
        errors,
    };
    match outer {
        Some(reference) => check.visit_type(&reference.elem),
        None => check.visit_type(ty),
    }
}

pub(super) fn check_return_type(ty: &Type, errors: &mut Errors) {
    let message =
        "the return type cannot borrow from the response: return an owned type, such as `String` or `Vec<T>`";
    CheckType { on_reference: message, on_lifetime: message, errors }.visit_type(ty);
}

/// Reports parts of a type that cannot be decoded.
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
        // `Cow<'static, str>` owns its decoded value.
        if lifetime.ident != "static" {
            self.errors.on(lifetime, self.on_lifetime);
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &syn::TypeImplTrait) {
        self.errors.on(
            ty,
            "`impl Trait` is not supported: write a concrete type, or declare a type parameter on the trait",
        );
    }

    fn visit_path(&mut self, path: &syn::Path) {
        if path.segments.first().is_some_and(|first| first.ident == "Self") {
            self.errors
                .on(path, "`Self` cannot be sent, because it is the client or service: write another type");
        }
        visit::visit_path(self, path);
    }
}

/// Reports invalid and reserved header names. A name is a token (RFC 9110, section 5.6.2) in lower case, as
/// required by HTTP/2 and `http::HeaderName::from_static`.
fn check_header_name(name: &str, attribute: &PlaceAttr<'_>, errors: &mut Errors) {
    let span = attribute.name.as_ref().map_or_else(|| attribute.attribute.span(), LitStr::span);
    let token =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !name.bytes().all(token) {
        let message = format!(
            "`{name}` is not a valid header name: use lowercase letters, digits and `-`, such as `x-request-id`"
        );
        errors.at(span, message);
    } else if matches!(name, "content-type" | "content-length" | "transfer-encoding" | "host" | "accept") {
        errors.at(span, format_args!("`{name}` is set by the client: remove the argument"));
    }
}

/// Removes the annotations from the arguments of a method and reads them. Returns `None` if an argument is
/// unreadable.
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
