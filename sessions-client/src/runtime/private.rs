//! What the expansion of `http_api` names, and nobody else: it may change with every release.
//!
//! One place for all of it keeps the expansion independent of the user's prelude and imports.

pub use super::incoming::{receive, route_of};
pub use super::respond::refuse;
pub use http::Method;
pub use std::boxed::Box;
pub use std::clone::Clone;
pub use std::fmt::{self, Debug, Formatter};
pub use std::future::Future;
pub use std::marker::{Copy, PhantomData, Send, Sized, Sync};
pub use std::option::Option::{self, None, Some};
pub use std::result::Result::{self, Err, Ok};
pub use std::sync::Arc;
pub use std::time::Duration;

/// A future behind a pointer, for the methods of a trait object.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The owned form of a borrowed argument: what a service decodes before it calls its method.
pub trait OwnedForm {
    /// `String` for `str`, `Vec<T>` for `[T]`, `T` for any other `T`.
    type Owned;

    /// The argument as the method takes it.
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

/// `Clone` as a condition on the type of a field, whatever it is.
pub trait CloneIf<'any, const NUMBER: usize>: Clone {}

impl<T: Clone, const NUMBER: usize> CloneIf<'_, NUMBER> for T {}

/// `Copy` as a condition on the type of a field, whatever it is.
pub trait CopyIf<'any, const NUMBER: usize>: Copy {}

impl<T: Copy, const NUMBER: usize> CopyIf<'_, NUMBER> for T {}

/// `Name { .. }`: arguments and payloads are the caller's, and nothing of them is printed.
///
/// # Errors
///
/// Those of the formatter.
pub fn opaque(formatter: &mut Formatter<'_>, name: &str) -> fmt::Result {
    formatter.debug_struct(name).finish_non_exhaustive()
}

/// The body of a method whose annotation does not compile. It type-checks everywhere and is never run.
pub const fn broken() -> ! {
    panic!("a contract with mistakes does not compile")
}
