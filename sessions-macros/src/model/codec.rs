//! Codecs of an operation, and checks of the types that they write and read.

use super::{Param, Place, Shape};
use crate::attr::RouteAttr;
use crate::errors::Errors;
use syn::{GenericArgument, Path, PathArguments, Type};

/// Codecs of the bodies of requests and responses, where they are named.
#[derive(Clone, Default)]
pub(crate) struct Codecs {
    pub(crate) request: Option<Path>,
    pub(crate) response: Option<Path>,
}

impl Codecs {
    /// Returns the codecs of an operation: the one at its argument, at its route, or at the trait. Reports
    /// codecs that have no effect, and bytes that would become a list of numbers.
    pub(crate) fn of(&self, route: &RouteAttr, params: &[Param], output: &Type, errors: &mut Errors) -> Self {
        let argument = params.iter().find(|param| param.is_in_body());
        if let Some(request) = &route.request {
            if !route.verb.can_have_a_body() {
                let method = route.verb.with_article();
                let message = format!(
                    "{method} request has no body: remove `request`, or use `#[post]` for the operation"
                );
                errors.on(request, message);
            } else if argument.is_none() && !route.verb.always_has_a_body() {
                errors.on(request, "`request` has no effect, because no argument is in the body: remove it");
            }
        }
        if argument.is_none()
            && !route.verb.always_has_a_body()
            && let Some(param) = params.iter().find(|param| param.places.contains(&content_type()))
        {
            let message = format!(
                "`{}` is the `Content-Type` of a request that has no body: remove the argument",
                param.name()
            );
            errors.on(&param.ident, message);
        }
        let request = argument.and_then(|param| param.codec.as_ref());
        let request = request.or(route.request.as_ref()).or(self.request.as_ref()).cloned();
        let response = route.response.as_ref().or(self.response.as_ref()).cloned();
        if request.is_none()
            && let Some(param) = argument.filter(|param| param.places.contains(&Place::Body))
            && is_bytes(&param.ty)
        {
            let message = format!(
                "`{}` is bytes, which JSON would write as a list of numbers: write `#[body(Binary)]`, or `#[body(Json)]` \
                 for such a list",
                param.name()
            );
            errors.on(&param.ty, message);
        }
        for param in
            params.iter().filter(|param| param.places.iter().any(|place| matches!(place, Place::Field(_))))
        {
            check_field(param, request.as_ref(), errors);
        }
        if response.is_none() && value(output).is_some_and(is_bytes) {
            let message = format!(
                "the response is bytes, which JSON would read from a list of numbers: write `#[{}(\"…\", response = \
                 Binary)]`, or `response = Json` for such a list",
                route.verb.attribute()
            );
            errors.on(output, message);
        }
        Self { request, response }
    }

    /// Returns the codec of the request unless it is JSON, which has its own functions in the runtime.
    pub(crate) fn custom_request(&self) -> Option<&Path> {
        self.request.as_ref().filter(|codec| !is_json(codec))
    }

    /// Returns the codec of the response unless it is JSON.
    pub(crate) fn custom_response(&self) -> Option<&Path> {
        self.response.as_ref().filter(|codec| !is_json(codec))
    }

    pub(crate) fn paths_mut(&mut self) -> impl Iterator<Item = &mut Path> {
        self.request.iter_mut().chain(&mut self.response)
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.request.iter().chain(&self.response)
    }
}

fn content_type() -> Place {
    Place::Header("content-type".to_owned())
}

/// Returns whether the path names `Json`. The expansion contains a check that it is that of the runtime.
fn is_json(codec: &Path) -> bool {
    codec.segments.last().is_some_and(|last| last.ident == "Json")
}

/// Form of a return type, which decides how a response becomes a value. It is derived from names, because a
/// macro has no type information.
pub(crate) enum Form {
    /// The codec handles the whole value.
    Value,
    /// `Option<T>`
    Optional,
    /// `()`
    Nothing,
    /// `Option<()>` of an operation that declares the statuses of `None`
    Exists,
    /// `ResponseValue<T>`, with the form of `T`
    WithHead(Box<Self>),
}

impl Form {
    /// Returns the form of the return type `output`, of an operation that `declares_none` by statuses.
    pub(crate) fn of(output: &Type, declares_none: bool) -> Self {
        value(output).map_or(Self::Value, |value| Self::of_value(value, declares_none))
    }

    fn of_value(ty: &Type, declares_none: bool) -> Self {
        match ty {
            _ if is_nothing(ty) => Self::Nothing,
            _ => match argument_of(ty) {
                Some((name, inner)) if name == "Option" && declares_none && is_nothing(inner) => Self::Exists,
                Some((name, _)) if name == "Option" => Self::Optional,
                Some((name, inner)) if name == "ResponseValue" => {
                    Self::WithHead(Box::new(Self::of_value(inner, declares_none)))
                }
                _ => Self::Value,
            },
        }
    }
}

/// The meaning of a response besides its status and headers.
pub(super) enum Presence {
    /// `()`
    Nothing,
    /// `Option<()>`
    MaybeNothing,
    /// Any other type
    Value,
}

/// Returns what the return type `output` says, also in a `ResponseValue`. Returns `None` for an alias of a whole
/// `Result`.
pub(super) fn presence(output: &Type) -> Option<Presence> {
    let value = value(output)?;
    let value = match argument_of(value) {
        Some((name, inner)) if name == "ResponseValue" => inner,
        _ => value,
    };
    Some(match argument_of(value) {
        _ if is_nothing(value) => Presence::Nothing,
        Some((name, inner)) if name == "Option" && is_nothing(inner) => Presence::MaybeNothing,
        _ => Presence::Value,
    })
}

fn is_nothing(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// Returns the type of the value in the return type `output`.
fn value(output: &Type) -> Option<&Type> {
    argument_of(output).map(|(_, value)| value)
}

/// Returns the last name of the type, and its first argument.
fn argument_of(ty: &Type) -> Option<(String, &Type)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(inner) => Some((last.ident.to_string(), inner)),
        _ => None,
    })
}

/// Reports a field whose type compiles, but is not sent as its author expects.
fn check_field(param: &Param, codec: Option<&Path>, errors: &mut Errors) {
    let name = param.name();
    if let Shape::Borrowed(inner) = &param.shape
        && argument_of(inner).is_some_and(|(name, _)| name == "Option")
    {
        let message =
            format!("`{name}` is required, so that its `None` could not be sent: write `Option<&T>`");
        errors.on(&param.ty, message);
    }
    if !is_bytes(&param.ty) {
        return;
    }
    let codec = codec.and_then(|codec| codec.segments.last()).map(|last| last.ident.to_string());
    let message = match codec.as_deref() {
        None => format!(
            "`{name}` is bytes, which JSON would write as a list of numbers: send a string, such as base64, or write \
             `request = Json` for such a list"
        ),
        Some("Multipart") => format!("`{name}` is bytes, each of which would be a part: write `&Part`"),
        Some("Form") => {
            format!("`{name}` is bytes, each of which would be a number: send a string, such as base64")
        }
        Some(_) => return,
    };
    errors.on(&param.ty, message);
}

/// Returns whether `ty` is bytes, in any common form, according to its names.
fn is_bytes(ty: &Type) -> bool {
    let is_u8 = |ty: &Type| matches!(ty, Type::Path(path) if path.path.is_ident("u8"));
    match ty {
        Type::Reference(reference) => is_bytes(&reference.elem),
        Type::Slice(slice) => is_u8(&slice.elem),
        Type::Array(array) => is_u8(&array.elem),
        Type::Path(path) => match argument_of(ty) {
            Some((name, inner)) => match &*name {
                "Vec" => is_u8(inner),
                "Option" | "Box" | "Arc" | "Rc" | "Cow" | "ResponseValue" => is_bytes(inner),
                _ => false,
            },
            None => path
                .path
                .segments
                .last()
                .is_some_and(|last| last.ident == "Bytes" || last.ident == "BytesMut"),
        },
        _ => false,
    }
}
