//! Arguments of an operation: their names, their shapes, and where they are sent in the request.

use super::sizes;
use crate::attr::{Flag, Halves, PLACES, PlaceAttr, PlaceKind};
use crate::errors::Errors;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, ExprLit, FnArg, GenericArgument, Ident, Lifetime, Lit, LitStr, Meta, MetaNameValue, Pat,
    PatType, Path, PathArguments, Type, TypeReference,
};

/// Argument of an operation.
#[derive(Clone)]
pub(crate) struct Param {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) shape: Shape,
    pub(crate) docs: Vec<Attribute>,
    /// Parts of the request that carry the value; never empty in a valid operation.
    pub(crate) places: Vec<Place>,
    /// Codec of `#[body(Codec)]`.
    pub(crate) codec: Option<Path>,
    /// True if the argument has an annotation, even an invalid one, which must not cause a second error.
    /// `#[path]` does not count.
    pub(crate) annotated: bool,
    /// Name of the placeholder and its span, if `#[path]` gives them.
    pub(crate) placeholder: Option<(String, Span)>,
    pub(crate) format: Format,
    pub(crate) none_as: NoneAs,
}

/// Conversion between a value and its string outside of the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// `ParamValue` and `FromParam`
    #[default]
    Param,
    /// `Display` and `FromStr`
    Display,
    /// `Serialize` and `Deserialize`
    Serde,
}

/// Form of a `None` in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoneAs {
    /// A `None` is `null`.
    Null,
    /// A `None` is left out.
    Omitted,
    /// An outer `None` is left out, an inner one is `null`.
    OmittedOrNull,
}

/// Form of an argument's type. It decides whether the argument is required and what a service decodes it
/// into.
#[derive(Clone)]
pub(crate) enum Shape {
    /// `&T`
    Borrowed(Type),
    /// `Option<&T>`
    OptionalBorrowed(Type),
    /// `Option<Option<&T>>`
    NullableBorrowed(Type),
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
    /// One query parameter with the values of a list, separated by commas.
    QueryList(String),
    /// A query parameter for each field of the value.
    QueryFields,
    Header(String),
    /// One header with the values of a list, separated by commas.
    HeaderList(String),
    Field(String),
    Body,
    /// Name of the query parameter. That of the header is the same in lower case.
    Correlation(String),
}

/// Returns whether a correlation ID with this name is always sent as a header.
pub(crate) fn is_header(name: &str) -> bool {
    name.contains('-')
}

impl Place {
    /// Returns whether values in both places would overwrite each other.
    fn clashes_with(&self, other: &Self) -> bool {
        /// Replaces a list by a single value of the same name.
        fn single(place: &Place) -> Place {
            match place.clone() {
                Place::QueryList(name) => Place::Query(name),
                Place::HeaderList(name) => Place::Header(name),
                place => place,
            }
        }
        match (&single(self), &single(other)) {
            // Two structs are distinguished by their fields.
            (Self::QueryFields, Self::QueryFields) => false,
            // A field is part of the body.
            (Self::Body, Self::Field(_)) | (Self::Field(_), Self::Body) => true,
            // The client's settings may send a correlation ID as query parameter or header.
            (Self::Query(a), Self::Correlation(b)) | (Self::Correlation(a), Self::Query(b)) => a == b,
            (Self::Header(a) | Self::Correlation(a), Self::Correlation(b))
            | (Self::Correlation(a), Self::Header(b)) => a.eq_ignore_ascii_case(b),
            (a, b) => a == b,
        }
    }
}

impl Param {
    /// Returns the name in the user's code, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// Returns the documentation of the argument as an item of a list.
    pub(crate) fn docs_as_list_item(&self) -> TokenStream {
        let start = format!("- `{}`:", self.name());
        let docs = self.docs.iter().map(|attribute| {
            let Meta::NameValue(MetaNameValue {
                value: Expr::Lit(ExprLit { lit: Lit::Str(line), .. }), ..
            }) = &attribute.meta
            else {
                return quote!(#attribute);
            };
            // A line of the item is indented.
            let line = format!(" {}", line.value());
            quote!(#[doc = #line])
        });
        quote!(#[doc = #start] #(#docs)*)
    }

    /// Returns whether the argument is the value of the placeholder `name`.
    pub(crate) fn is_in_path_as(&self, name: &str) -> bool {
        self.places.iter().any(|place| matches!(place, Place::Path(path) if path == name))
    }

    pub(crate) const fn is_optional(&self) -> bool {
        matches!(self.shape, Shape::Optional(_) | Shape::OptionalBorrowed(_) | Shape::NullableBorrowed(_))
    }

    /// Returns whether the type is an `Option` in an `Option`.
    pub(crate) fn is_nullable(&self) -> bool {
        is_nullable(&self.ty)
    }

    /// Returns the name of the placeholder that the argument fills, if there is such a placeholder.
    pub(crate) fn placeholder_name(&self) -> String {
        self.placeholder.as_ref().map_or_else(|| self.name(), |(name, _)| name.clone())
    }

    /// Decides how a `None` is sent in the body. `omit_none` is the default of the operation.
    pub(crate) fn resolve_none(&mut self, omit_none: bool) {
        if self.is_nullable() {
            self.none_as = NoneAs::OmittedOrNull;
        } else if omit_none && self.is_optional() {
            self.none_as = NoneAs::Omitted;
        }
    }

    /// Returns whether a call owns the value instead of borrowing it.
    pub(crate) const fn is_by_value(&self) -> bool {
        matches!(self.shape, Shape::Optional(_) | Shape::Owned)
    }

    /// Returns whether the argument is the body or a field of it.
    pub(crate) fn is_in_body(&self) -> bool {
        self.places.iter().any(|place| matches!(place, Place::Body | Place::Field(_)))
    }

    /// Returns whether the type is `Copy` by its name: a reference, a primitive type, or an `Option` of one.
    pub(crate) fn is_copy(&self) -> bool {
        match &self.shape {
            Shape::Borrowed(_) | Shape::OptionalBorrowed(_) | Shape::NullableBorrowed(_) => true,
            Shape::Optional(inner) => is_primitive(inner),
            Shape::Owned => is_primitive(&self.ty),
        }
    }

    /// Returns whether the owned form of the type is `Clone` by its name.
    pub(crate) fn is_clone_when_owned(&self) -> bool {
        match &self.shape {
            Shape::Borrowed(inner)
            | Shape::OptionalBorrowed(inner)
            | Shape::NullableBorrowed(inner)
            | Shape::Optional(inner) => is_standard(inner),
            Shape::Owned => is_standard(&self.ty),
        }
    }

    /// Removes the annotations from `argument` and reads them.
    pub(crate) fn read(argument: &mut PatType, halves: Halves, errors: &mut Errors) -> Option<Self> {
        let attributes = std::mem::take(&mut argument.attrs);
        let (docs, attributes): (Vec<_>, Vec<_>) =
            attributes.into_iter().partition(|attribute| attribute.path().is_ident("doc"));
        // Lint levels stay on the argument of the trait.
        let (lints, attributes): (Vec<_>, Vec<_>) = attributes.into_iter().partition(is_lint_level);
        argument.attrs = lints;
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
        if sizes::check_argument(&mut argument.ty, errors) {
            check_argument(&argument.ty, halves, errors);
        }
        let mut param = Self {
            ident: pattern.ident.clone(),
            ty: (*argument.ty).clone(),
            shape: Shape::of(&argument.ty),
            docs,
            places: Vec::new(),
            codec: None,
            annotated: attributes
                .iter()
                .any(|attribute| !(attribute.path().is_ident("path") || is_conditional(attribute))),
            placeholder: None,
            format: Format::default(),
            none_as: NoneAs::Null,
        };
        for attribute in &attributes {
            if is_conditional(attribute) {
                let message = "an argument cannot be conditional, because it is part of the request: remove this, or \
                               declare two operations with `#[cfg]`";
                errors.on(attribute, message);
                continue;
            }
            if let Some(place) = errors.ok(PlaceAttr::parse(attribute)) {
                param.add(&place, errors);
            }
        }
        param.check_nullable(errors);
        if param.places.contains(&Place::QueryFields) && param.places.len() > 1 {
            let message = format!(
                "`{}` is sent as several query parameters by `flatten`: remove its other annotations",
                param.ident
            );
            errors.on(&param.ident, message);
        }
        Some(param)
    }

    /// Reports a type that is not a single value. The argument fills a placeholder.
    pub(crate) fn check_placeholder(&self, errors: &mut Errors) {
        let inner = match &self.shape {
            Shape::Borrowed(inner) => inner,
            Shape::Owned => &self.ty,
            Shape::Optional(_) | Shape::OptionalBorrowed(_) | Shape::NullableBorrowed(_) => {
                errors.on(&self.ty, "a placeholder always has a value: write the type without `Option`");
                return;
            }
        };
        if is_list(inner) {
            errors.on(
                &self.ty,
                "a placeholder is a single value: remove it from the path and annotate the list with `#[query]`",
            );
        }
    }

    /// Reports an `Option` in an `Option` outside of the body, where `null` does not exist.
    fn check_nullable(&self, errors: &mut Errors) {
        let is_field = |place: &Place| matches!(place, Place::Field(_));
        if self.is_nullable() && self.annotated && !self.places.iter().all(is_field) {
            errors.on(
                &self.ty,
                "only a `#[field]` can be absent, `null` or a value: write `Option<T>` for an argument outside of the \
                 body",
            );
        }
    }

    fn add(&mut self, attribute: &PlaceAttr<'_>, errors: &mut Errors) {
        let mut name = attribute.name.as_ref().map_or_else(|| self.name(), LitStr::value);
        if name.is_empty() {
            errors.on(
                &attribute.name,
                "the name on the wire is empty: write the name that the service expects",
            );
            return;
        }
        self.set_format(attribute, errors);
        let place = match attribute.kind {
            PlaceKind::Path => {
                let span = attribute.name.as_ref().map_or_else(|| attribute.attribute.span(), LitStr::span);
                if self.placeholder.replace((name, span)).is_some() {
                    errors.on(attribute.attribute, "duplicate `#[path]`: remove one of them");
                }
                return;
            }
            PlaceKind::Query if attribute.has(Flag::Flatten) => {
                if let Some(name) = &attribute.name {
                    errors.on(
                        name,
                        "`flatten` does not take a name: the fields of the value are the names of the query parameters",
                    );
                }
                Place::QueryFields
            }
            PlaceKind::Query if attribute.has(Flag::Comma) => Place::QueryList(name),
            PlaceKind::Query => {
                if attribute.has(Flag::Brackets) {
                    if name.ends_with("[]") {
                        errors.on(
                            attribute.flag(Flag::Brackets),
                            format_args!("`{name}` already ends in `[]`: remove the flag `brackets`"),
                        );
                    } else {
                        name.push_str("[]");
                    }
                }
                Place::Query(name)
            }
            PlaceKind::Field => {
                if let Some(flag) = attribute.flag(Flag::OmitNone) {
                    self.set_omit_none(flag, errors);
                }
                Place::Field(name)
            }
            PlaceKind::Correlation => {
                let header = name.to_ascii_lowercase();
                check_header_name(&header, attribute, errors);
                Place::Correlation(if is_header(&name) { header } else { name })
            }
            PlaceKind::Header => {
                if attribute.name.is_none() {
                    let header = name.replace('_', "-").to_lowercase();
                    let message = format!("`#[header]` requires a name: write `#[header(\"{header}\")]`");
                    errors.on(attribute.attribute, message);
                    return;
                }
                // Header names are not case-sensitive.
                let name = name.to_ascii_lowercase();
                check_header_name(&name, attribute, errors);
                if attribute.has(Flag::Comma) { Place::HeaderList(name) } else { Place::Header(name) }
            }
            PlaceKind::Body => {
                if attribute.name.is_some() {
                    errors.on(
                        attribute.attribute,
                        "`#[body]` does not take a name: write `#[body]`, or `#[field(\"…\")]` for a field of the body",
                    );
                }
                self.codec.clone_from(&attribute.codec);
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

    /// Sets the conversion that the flags ask for. It is the same for all annotations of the argument, because
    /// a service reads the argument from any of them.
    fn set_format(&mut self, attribute: &PlaceAttr<'_>, errors: &mut Errors) {
        for (flag, format) in [(Flag::Display, Format::Display), (Flag::Serde, Format::Serde)] {
            let Some(token) = attribute.flag(flag) else { continue };
            if self.format == Format::Param {
                self.format = format;
            } else if self.format != format {
                errors.on(token, "`display` and `serde` exclude each other: remove one of them");
            }
        }
    }

    fn set_omit_none(&mut self, flag: &Ident, errors: &mut Errors) {
        if self.is_nullable() {
            errors
                .on(flag, "`omit_none` has no effect: the outer `None` is always left out. Remove the flag");
        } else if self.is_optional() {
            self.none_as = NoneAs::Omitted;
        } else {
            let message = format!("`{}` is required: remove `omit_none`, or write `Option<…>`", self.ident);
            errors.on(flag, message);
        }
    }

    /// Reports arguments that would overwrite each other.
    pub(crate) fn check_clashes(params: &[Self], errors: &mut Errors) {
        let whole = params.iter().find(|param| param.places.contains(&Place::Body));
        if let Some(whole) = whole {
            for other in params.iter().filter(|param| param.is_in_body() && param.ident != whole.ident) {
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

    /// Returns the lifetime of the argument's reference, if it is `'static`.
    pub(crate) fn static_lifetime(&self) -> Option<&Lifetime> {
        outer_reference(&self.ty)?.lifetime.as_ref().filter(|lifetime| lifetime.ident == "static")
    }

    /// Reports an argument that would not be sent.
    pub(crate) fn check_is_sent(&self, errors: &mut Errors) {
        if self.places.is_empty() && !self.annotated && self.placeholder.is_none() {
            let message = format!(
                "`{0}` is not sent: put `{{{0}}}` in the path or annotate the argument with {PLACES}",
                self.name()
            );
            errors.on(&self.ident, message);
        }
    }
}

fn is_lint_level(attribute: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"].iter().any(|level| attribute.path().is_ident(level))
}

/// Returns whether the attribute is `#[cfg]` or `#[cfg_attr]`.
fn is_conditional(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}

impl Shape {
    pub(crate) fn of(ty: &Type) -> Self {
        if let Type::Reference(reference) = ty {
            return Self::Borrowed((*reference.elem).clone());
        }
        match option_argument(ty) {
            Some(Type::Reference(reference)) => Self::OptionalBorrowed((*reference.elem).clone()),
            Some(inner) => match option_argument(inner) {
                Some(Type::Reference(reference)) => Self::NullableBorrowed((*reference.elem).clone()),
                _ => Self::Optional(inner.clone()),
            },
            None => Self::Owned,
        }
    }
}

/// Returns whether `ty` is a list that the runtime knows. Checks by name, like [`option_argument`].
pub(crate) fn is_list(ty: &Type) -> bool {
    match ty {
        Type::Slice(_) | Type::Array(_) => true,
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| ["Vec", "BTreeSet", "HashSet"].iter().any(|list| last.ident == list)),
        _ => false,
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

/// Returns whether `ty` has the name of a primitive type.
fn is_primitive(ty: &Type) -> bool {
    const PRIMITIVES: [&str; 16] = [
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64",
        "u128", "usize",
    ];
    matches!(ty, Type::Path(path) if PRIMITIVES.iter().any(|primitive| path.path.is_ident(primitive)))
}

/// Returns whether `ty` is a primitive type, a string, or a slice of them, by its name.
fn is_standard(ty: &Type) -> bool {
    match ty {
        Type::Slice(slice) => is_standard(&slice.elem),
        Type::Path(path) if path.path.is_ident("str") || path.path.is_ident("String") => true,
        _ => is_primitive(ty),
    }
}

/// Returns whether `ty` is an `Option` in an `Option`.
pub(crate) fn is_nullable(ty: &Type) -> bool {
    option_argument(ty).and_then(option_argument).is_some()
}

/// Returns the reference that an argument is, also in an `Option`.
fn outer_reference(ty: &Type) -> Option<&TypeReference> {
    let optional = option_argument(ty);
    let nullable = optional.and_then(option_argument);
    [Some(ty), optional, nullable].into_iter().flatten().find_map(|ty| match ty {
        Type::Reference(reference) => Some(reference),
        _ => None,
    })
}

fn check_argument(ty: &Type, halves: Halves, errors: &mut Errors) {
    let outer = outer_reference(ty);
    if let Some(TypeReference { mutability: Some(_), .. }) = outer {
        errors.on(ty, "an argument cannot be a mutable reference: write `&T`");
    }
    if let Some(lifetime) = outer.and_then(|reference| reference.lifetime.as_ref())
        && lifetime.ident == "static"
        && halves.has_server()
    {
        errors.on(
            lifetime,
            "an argument cannot be `'static`, because a service decodes it for each call: remove `'static`",
        );
    }
    let of_a_service = |message| halves.has_server().then_some(message);
    let mut check = CheckType {
        on_lifetime: of_a_service(
            "a service cannot decode a type that borrows: use an owned type, `Cow<'_, str>`, or a \
             reference to one; a `client_only` contract may use it",
        ),
        on_reference: of_a_service(
            "a service cannot decode a reference inside another type: use `&T`, `Option<&T>` or owned elements, \
             such as `&[String]`; a `client_only` contract may use it",
        ),
        allows_cow: true,
        allows_static: false,
        errors,
    };
    match outer {
        Some(reference) => check.visit_type(&reference.elem),
        None => check.visit_type(ty),
    }
}

/// Reports an argument of a provided method that would keep the trait from being used as `dyn`.
pub(super) fn check_provided_type(ty: &Type, errors: &mut Errors) {
    let mut check =
        CheckType { on_reference: None, on_lifetime: None, allows_cow: true, allows_static: true, errors };
    check.visit_type(ty);
}

pub(super) fn check_return_type(ty: &Type, errors: &mut Errors) {
    let message = Some(
        "the return type cannot borrow from the response: return an owned type, such as `String` or `Vec<T>`",
    );
    let mut check = CheckType {
        on_reference: message,
        on_lifetime: message,
        allows_cow: false,
        allows_static: false,
        errors,
    };
    check.visit_type(ty);
}

/// Reports a result of a provided method that borrows.
pub(super) fn check_provided_return_type(ty: &Type, errors: &mut Errors) {
    let message = Some(
        "the result of a provided method cannot borrow from `self` or an argument: return an owned type, such as `String`",
    );
    let mut check = CheckType {
        on_reference: message,
        on_lifetime: message,
        allows_cow: false,
        allows_static: true,
        errors,
    };
    check.visit_type(ty);
}

/// Reports parts of a type that cannot be decoded.
struct CheckType<'a> {
    /// Error for a reference; `None` if references are allowed.
    on_reference: Option<&'static str>,
    /// Error for any lifetime but `'static`; `None` if lifetimes are allowed.
    on_lifetime: Option<&'static str>,
    /// `true` if a `Cow` may have any lifetime, since it can own its decoded value.
    allows_cow: bool,
    /// `true` if a reference may be `'static`.
    allows_static: bool,
    errors: &'a mut Errors,
}

impl Visit<'_> for CheckType<'_> {
    fn visit_type_reference(&mut self, reference: &TypeReference) {
        let is_static = reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
        match self.on_reference.filter(|_| !(self.allows_static && is_static)) {
            Some(message) => self.errors.on(reference, message),
            None => visit::visit_type_reference(self, reference),
        }
    }

    fn visit_path_segment(&mut self, segment: &syn::PathSegment) {
        if segment.ident != "Cow" || !self.allows_cow {
            visit::visit_path_segment(self, segment);
        } else if let PathArguments::AngleBracketed(arguments) = &segment.arguments {
            let others = arguments.args.iter().filter(|a| !matches!(a, GenericArgument::Lifetime(_)));
            others.for_each(|argument| self.visit_generic_argument(argument));
        }
    }

    fn visit_lifetime(&mut self, lifetime: &Lifetime) {
        if let Some(message) = self.on_lifetime
            && lifetime.ident != "static"
        {
            self.errors.on(lifetime, message);
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &syn::TypeImplTrait) {
        self.errors.on(
            ty,
            "`impl Trait` is not supported: write a concrete type, or declare a type parameter on the trait",
        );
    }

    fn visit_path(&mut self, path: &Path) {
        if path.segments.first().is_some_and(|first| first.ident == "Self") {
            self.errors
                .on(path, "`Self` cannot be sent, because it is the client or service: write another type");
        }
        visit::visit_path(self, path);
    }
}

/// Reports invalid and reserved header names.
fn check_header_name(name: &str, attribute: &PlaceAttr<'_>, errors: &mut Errors) {
    let span = attribute.name.as_ref().map_or_else(|| attribute.attribute.span(), LitStr::span);
    if !is_header_name(name) {
        let written = attribute.name.as_ref().map_or_else(|| name.to_owned(), LitStr::value);
        errors.at(span, invalid_header_name(&written));
    } else if is_set_by_transports(name) || (attribute.kind == PlaceKind::Correlation && is_media_type(name))
    {
        errors.at(span, format_args!("`{name}` is set by the client: remove the argument"));
    }
}

/// Returns whether the header `name` is that of a codec, unless an argument or a constant replaces it.
pub(crate) fn is_media_type(name: &str) -> bool {
    matches!(name, "content-type" | "accept")
}

/// Returns whether `name` is a token (RFC 9110, section 5.6.2) in lower case, as required by HTTP/2 and
/// `http::HeaderName::from_static`.
pub(super) fn is_header_name(name: &str) -> bool {
    let token =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token)
}

pub(super) fn invalid_header_name(name: &str) -> String {
    format!("`{name}` is not a valid header name: use letters, digits and `-`, such as `x-request-id`")
}

/// Returns whether a header belongs to the message or the connection, which only a transport knows.
pub(super) fn is_set_by_transports(name: &str) -> bool {
    matches!(name, "content-length" | "transfer-encoding" | "host")
}

/// Removes the annotations from the arguments of a method and reads them. Returns `None` if an argument is
/// unreadable.
pub(crate) fn read_all<'a>(
    inputs: impl Iterator<Item = &'a mut FnArg>,
    halves: Halves,
    errors: &mut Errors,
) -> Option<Vec<Param>> {
    let params: Vec<Option<Param>> = inputs
        .filter_map(|input| match input {
            FnArg::Typed(argument) => Some(Param::read(argument, halves, errors)),
            FnArg::Receiver(_) => None,
        })
        .collect();
    params.into_iter().collect()
}
