//! The items that the expansion of `http_api` refers to. They are not public API and may change with every
//! release.
//!
//! The expansion refers only to this module and public items, so that it does not depend on the user's
//! prelude and imports. The public items that generated modules use are here too, so that one import is enough.

pub use super::caller::prepare;
pub use super::decode::decode_as;
pub use super::encode::{body_of, fields_of, finish_json, without_arguments};
pub use super::formatted::{
    ByDisplay, BySerde, ListOf, OptionOf, borrowed_values, formatted, formatted_list, from_values_by, read,
    to_text_by, values,
};
pub use super::incoming::{receive, route_of};
pub use super::respond::{refuse, respond_as};
pub use super::return_type::{Exists, JsonValue, MaybeNone, Nothing, Optional, Value, WithHead};
pub use super::{
    Arguments, Contract, Encoder, Encoding, Handler, Incoming, NoneAs, Operation, Param, Place, Received,
    Request, Response, Route, Transport, Unreadable, WithOptions, decode, respond,
};
pub use crate::codec;
pub use crate::error::{Error, PlainErrors, TypedErrors};
pub use core::primitive::str;
pub use core::{concat, env};
pub use http::Method;
pub use http::header::{HeaderName, HeaderValue};
pub use std::borrow::Cow;
pub use std::boxed::Box;
pub use std::clone::Clone;
pub use std::fmt::{self, Debug, Formatter};
pub use std::future::Future;
pub use std::iter::Iterator;
pub use std::marker::{Copy, PhantomData, Send, Sized, Sync};
pub use std::option::Option::{self, None, Some};
pub use std::result::Result::{self, Err, Ok};
pub use std::sync::Arc;
pub use std::time::Duration;

use crate::codec::Codec;
#[cfg(feature = "tokio")]
use crate::transport::Policies;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
use crate::transport::{DefaultTransport, NetworkTransport};
#[cfg(feature = "tokio")]
use crate::{Caller, ClientConfig};

/// Creates a caller over `transport` with all settings of `config`.
///
/// # Errors
///
/// If `config` is not valid.
#[cfg(feature = "tokio")]
pub fn from_transport<T: Transport>(
    transport: T,
    config: &ClientConfig,
) -> Result<Caller<Policies<T>>, Error> {
    config.validate()?;
    Ok(Caller::new(Policies::new(transport, config)))
}

/// Creates a caller over the network with all settings of `config`. The user agent is that of `contract`,
/// unless `config` sets one.
///
/// # Errors
///
/// If `config` is not valid, or has no address that can be used.
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub fn from_config(contract: &Contract, config: &ClientConfig) -> Result<Caller<DefaultTransport>, Error> {
    let config = match config.user_agent() {
        Some(_) => Clone::clone(config),
        None => Clone::clone(config).with_user_agent(contract.user_agent),
    };
    from_transport(NetworkTransport::new(&config)?, &config)
}

/// Puts the options of `view` in scope, while a call is created.
pub fn enter<S>(view: &WithOptions<S>, contract: &'static Contract) -> super::with_options::Entry {
    view.enter(contract)
}

/// Returns the future of a call that was created in the scope of `entry`, with that scope around its polls.
pub fn scoped<F: Future>(entry: super::with_options::Entry, call: F) -> super::with_options::Scoped<F> {
    entry.finish(call)
}

/// Returns the media type of a codec named `Json`, which the macro takes for that of this crate.
#[must_use]
pub const fn json_type<C: IsJson>() -> &'static str {
    C::MEDIA_TYPE
}

/// The codec that the macro recognizes by its name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `wiretrait::codec::Json`",
    label = "another codec of the same name",
    note = "give the codec another name: `Json` stands for that of `wiretrait`"
)]
pub trait IsJson: Codec {}

impl IsJson for codec::Json {}

/// Returns the media type of a request whose operation has no arguments in the body; an empty string if there
/// is no body.
#[must_use]
pub const fn type_without_arguments<C: Codec>() -> &'static str {
    if C::WITHOUT_ARGUMENTS.is_some() { C::MEDIA_TYPE } else { "" }
}

/// Returns a status that the macro has checked.
#[must_use]
pub const fn status(code: u16) -> http::StatusCode {
    match http::StatusCode::from_u16(code) {
        Ok(status) => status,
        Err(_) => http::StatusCode::NOT_FOUND,
    }
}

/// Checks that the return type has an `Option`.
pub const fn declares_none<R: crate::Outcome<Ok: MaybeNone>>() {}

/// A boxed future, for the methods of a trait object.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The arguments of a call through a trait object, which outlive `'call`.
#[expect(missing_debug_implementations, reason = "arguments may be private, and it is only destructured")]
pub struct Lent<'call, A>(pub A, pub PhantomData<&'call A>);

/// Calls `method` of a trait object.
///
/// The lifetime of its future is shorter than each lifetime of the arguments, so the return type of generated code
/// cannot name it: it only exists inside this future. Rejected alternative: an `async` block in generated code, because
/// it takes three times as long to check as this call.
pub async fn call_object<S: ?Sized, A, R>(
    object: &S,
    arguments: A,
    method: for<'call> fn(&'call S, Lent<'call, A>) -> BoxFuture<'call, R>,
) -> R {
    method(object, Lent(arguments, PhantomData)).await
}

/// A type of argument that can be borrowed from an owned form, which services decode.
pub trait OwnedForm {
    /// `String` for `str`, `Vec<T>` for `[T]`, `T` for any other `T`.
    type Owned;

    /// Borrows the argument of the method.
    fn lend(owned: &Self::Owned) -> &Self;
}

impl<T> OwnedForm for T {
    type Owned = T;

    fn lend(owned: &T) -> &T {
        owned
    }
}

impl OwnedForm for str {
    type Owned = String;

    fn lend(owned: &String) -> &str {
        owned
    }
}

impl<T> OwnedForm for [T] {
    type Owned = Vec<T>;

    fn lend(owned: &Vec<T>) -> &[T] {
        owned
    }
}

/// Borrows an optional argument of the method.
pub fn lend_option<T: OwnedForm + ?Sized>(owned: &Option<T::Owned>) -> Option<&T> {
    owned.as_ref().map(T::lend)
}

/// `Clone` as a condition on the type of a field. The parameters keep the compiler from evaluating it early.
pub trait CloneIf<'any, const NUMBER: usize>: Clone {}

impl<T: Clone, const NUMBER: usize> CloneIf<'_, NUMBER> for T {}

/// `Copy` as a condition on the type of a field.
pub trait CopyIf<'any, const NUMBER: usize>: Copy {}

impl<T: Copy, const NUMBER: usize> CopyIf<'_, NUMBER> for T {}

/// Writes `Name { .. }`: arguments and payloads may be private, so they are not shown.
///
/// # Errors
///
/// Those of the formatter.
pub fn opaque(formatter: &mut Formatter<'_>, name: &str) -> fmt::Result {
    formatter.debug_struct(name).finish_non_exhaustive()
}

/// The body of a method whose annotation has a mistake. It type-checks everywhere and never runs.
pub const fn broken() -> ! {
    panic!("the contract has a compile error")
}
