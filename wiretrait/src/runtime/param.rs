//! Values that are strings in a path, a query or a header.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, Hash};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZero;
use std::sync::Arc;

/// A value that can be written as a string.
///
/// Implemented for strings, numbers, `bool`, `char` and addresses of IP. [`param_value!`](crate::param_value)
/// implements this and [`FromParam`] for a custom type. A single argument of a foreign type has a flag instead:
/// `#[path(display)]` or `#[query(serde)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written as a string",
    label = "does not implement `ParamValue`",
    note = "add a flag to the annotation, such as `#[query(display)]` for a type with `Display` and `FromStr`, or \
            `#[query(serde)]` for a unit enum with serde's derives; for a custom type, write \
            `wiretrait::param_value!({Self});`"
)]
pub trait ParamValue {
    /// Returns the string, or the end of a sentence that describes what is wrong with the value: "is not a
    /// number".
    ///
    /// # Errors
    ///
    /// If the value has no string that the service would read back as the same value.
    fn to_text(&self) -> Result<Cow<'_, str>, &'static str>;
}

/// Any number of values with one name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written as a string",
    label = "does not implement `ParamValue`",
    note = "add a flag to the annotation, such as `#[query(display)]` for a type with `Display` and `FromStr`, or \
            `#[query(serde)]` for a unit enum with serde's derives; for a custom type, write \
            `wiretrait::param_value!({Self});`"
)]
pub trait ParamValues {
    /// Calls `each` with each value.
    ///
    /// # Errors
    ///
    /// Those of `each`, and those of [`ParamValue::to_text`].
    fn for_each_value(
        &self,
        each: &mut dyn FnMut(&str) -> Result<(), &'static str>,
    ) -> Result<(), &'static str>;
}

/// A value that can be read from the strings with its name: one for a single value, any number for a list.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a string",
    label = "does not implement `FromParam`",
    note = "the flags `display` and `serde` and the macro `param_value!` serve both directions"
)]
pub trait FromParam: Sized {
    /// Reads the value, or returns the end of a sentence that describes what is wrong: "must be a whole
    /// number".
    ///
    /// # Errors
    ///
    /// If a string is missing or cannot be read.
    fn from_values(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str>;
}

/// The error for a missing argument.
pub(super) const MISSING: &str = "must not be null";

#[diagnostic::do_not_recommend]
impl ParamValue for str {
    #[inline]
    fn to_text(&self) -> Result<Cow<'_, str>, &'static str> {
        Ok(Cow::Borrowed(self))
    }
}

impl<T: ParamValue + ?Sized> ParamValue for &T {
    fn to_text(&self) -> Result<Cow<'_, str>, &'static str> {
        (**self).to_text()
    }
}

macro_rules! strings {
    ($([$($generics:tt)*] $type:ty;)*) => { $(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> ParamValue for $type {
            fn to_text(&self) -> Result<Cow<'_, str>, &'static str> {
                Ok(Cow::Borrowed(self))
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($generics)*> FromParam for $type {
            fn from_values(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
                texts.next().map(|text| text.into_owned().into()).ok_or(MISSING)
            }
        }
    )* };
}

strings! {
    [] String;
    [] Box<str>;
    [] Arc<str>;
    ['text] Cow<'text, str>;
}

macro_rules! displayed {
    ($($type:ty: $wrong:literal;)*) => { $(
        #[diagnostic::do_not_recommend]
        impl ParamValue for $type {
            fn to_text(&self) -> Result<Cow<'_, str>, &'static str> {
                Ok(Cow::Owned(self.to_string()))
            }
        }

        #[diagnostic::do_not_recommend]
        impl FromParam for $type {
            fn from_values(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
                texts.next().ok_or(MISSING)?.parse().map_err(|_| $wrong)
            }
        }
    )* };
}

displayed! {
    u8: "must be a whole number from 0 to 255";
    u16: "must be a whole number from 0 to 65535";
    u32: "must be a whole number of 32 bits";
    u64: "must be a whole number";
    u128: "must be a whole number";
    usize: "must be a whole number";
    i8: "must be a whole number from -128 to 127";
    i16: "must be a whole number from -32768 to 32767";
    i32: "must be a whole number of 32 bits";
    i64: "must be a whole number";
    i128: "must be a whole number";
    isize: "must be a whole number";
    bool: "must be `true` or `false`";
    char: "must be one character";
    NonZero<u8>: "must be a whole number from 1 to 255";
    NonZero<u16>: "must be a whole number from 1 to 65535";
    NonZero<u32>: "must be a whole number of 32 bits other than 0";
    NonZero<u64>: "must be a whole number other than 0";
    NonZero<u128>: "must be a whole number other than 0";
    NonZero<usize>: "must be a whole number other than 0";
    NonZero<i8>: "must be a whole number from -128 to 127 other than 0";
    NonZero<i16>: "must be a whole number from -32768 to 32767 other than 0";
    NonZero<i32>: "must be a whole number of 32 bits other than 0";
    NonZero<i64>: "must be a whole number other than 0";
    NonZero<i128>: "must be a whole number other than 0";
    NonZero<isize>: "must be a whole number other than 0";
    IpAddr: "must be an IP address";
    Ipv4Addr: "must be an IPv4 address";
    Ipv6Addr: "must be an IPv6 address";
    SocketAddr: "must be an IP address with a port";
}

macro_rules! floats {
    ($($type:ty)*) => { $(
        #[diagnostic::do_not_recommend]
        impl ParamValue for $type {
            fn to_text(&self) -> Result<Cow<'_, str>, &'static str> {
                if self.is_finite() {
                    Ok(Cow::Owned(self.to_string()))
                } else {
                    Err("is not a finite number")
                }
            }
        }

        #[diagnostic::do_not_recommend]
        impl FromParam for $type {
            fn from_values(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
                texts
                    .next()
                    .ok_or(MISSING)?
                    .parse()
                    .ok()
                    .filter(|number: &Self| number.is_finite())
                    .ok_or("must be a number")
            }
        }
    )* };
}

floats!(f32 f64);

#[diagnostic::do_not_recommend]
impl<T: ParamValue + ?Sized> ParamValues for T {
    #[inline]
    fn for_each_value(
        &self,
        each: &mut dyn FnMut(&str) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        each(&self.to_text()?)
    }
}

impl<T: ParamValue> ParamValues for Option<T> {
    fn for_each_value(
        &self,
        each: &mut dyn FnMut(&str) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        self.as_ref().map_or(Ok(()), |value| each(&value.to_text()?))
    }
}

macro_rules! lists {
    ($([$($generics:tt)*] $type:ty;)*) => { $(
        impl<$($generics)*> ParamValues for $type {
            fn for_each_value(
                &self,
                each: &mut dyn FnMut(&str) -> Result<(), &'static str>,
            ) -> Result<(), &'static str> {
                self.iter().try_for_each(|value| each(&value.to_text()?))
            }
        }
    )* };
}

lists! {
    [T: ParamValue] [T];
    [T: ParamValue] Vec<T>;
    [T: ParamValue] &[T];
    [T: ParamValue] &Vec<T>;
    [T: ParamValue, const N: usize] [T; N];
    [T: ParamValue, const N: usize] &[T; N];
    [T: ParamValue] BTreeSet<T>;
    [T: ParamValue] &BTreeSet<T>;
    [T: ParamValue, S] HashSet<T, S>;
    [T: ParamValue, S] &HashSet<T, S>;
}

macro_rules! optional_lists {
    ($([$($generics:tt)*] $type:ty;)*) => { $(
        impl<$($generics)*> ParamValues for Option<$type> {
            fn for_each_value(
                &self,
                each: &mut dyn FnMut(&str) -> Result<(), &'static str>,
            ) -> Result<(), &'static str> {
                self.iter().flat_map(|list| list.iter()).try_for_each(|value| each(&value.to_text()?))
            }
        }
    )* };
}

optional_lists! {
    [T: ParamValue] Vec<T>;
    [T: ParamValue] &[T];
    [T: ParamValue] &Vec<T>;
    [T: ParamValue, const N: usize] [T; N];
    [T: ParamValue] BTreeSet<T>;
    [T: ParamValue, S] HashSet<T, S>;
}

impl<T: FromParam> FromParam for Option<T> {
    fn from_values(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
        let mut texts = texts.peekable();
        if texts.peek().is_none() { Ok(None) } else { T::from_values(&mut texts).map(Some) }
    }
}

/// Reads one value of type `T` from each string.
fn elements<T: FromParam, L: FromIterator<T>>(
    texts: &mut dyn Iterator<Item = Cow<'_, str>>,
) -> Result<L, &'static str> {
    texts.map(|value| T::from_values(&mut std::iter::once(value))).collect()
}

impl<T: FromParam> FromParam for Vec<T> {
    fn from_values(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
        elements(texts)
    }
}

impl<T: FromParam + Ord> FromParam for BTreeSet<T> {
    fn from_values(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
        elements(texts)
    }
}

impl<T: FromParam + Eq + Hash, S: BuildHasher + Default> FromParam for HashSet<T, S> {
    fn from_values(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
        elements(texts)
    }
}

impl<T: FromParam, const N: usize> FromParam for [T; N] {
    fn from_values(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
        elements::<T, Vec<T>>(texts)?.try_into().map_err(|_| OTHER_LENGTH)
    }
}

/// The error for a list that does not fill an array.
pub(super) const OTHER_LENGTH: &str = "must have another number of values";

/// Implements [`ParamValue`](crate::ParamValue) and [`FromParam`](crate::FromParam) for types of the current crate, so that they
/// can be in a path, a query or a header without a flag.
///
/// By default, a type is written by its `Display` and read by its `FromStr`. With `as serde`, it is written by its
/// `Serialize` and read by its `Deserialize`, which must make it a string, a number or a `bool`; unit enums and
/// newtypes around such values do.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use std::{fmt, num::ParseIntError, str::FromStr};
/// use wiretrait::{Operation, Result, http_api, param_value};
///
/// struct UserId(u64);
///
/// impl fmt::Display for UserId {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         write!(f, "u{}", self.0)
///     }
/// }
///
/// impl FromStr for UserId {
///     type Err = ParseIntError;
///     fn from_str(id: &str) -> std::result::Result<Self, ParseIntError> {
///         id.trim_start_matches('u').parse().map(Self)
///     }
/// }
///
/// #[derive(Deserialize, Serialize)]
/// #[serde(rename_all = "lowercase")]
/// enum Role {
///     Admin,
///     Guest,
/// }
///
/// param_value!(UserId, Role as serde);
///
/// #[http_api(client = RolesClient, module = roles)]
/// trait Roles {
///     #[get("/users/{id}")]
///     async fn find(&self, id: &UserId, #[query] roles: &[Role]) -> Result<()>;
/// }
///
/// # fn main() -> Result<()> {
/// let request = roles::Find::new(&UserId(7), &[Role::Admin, Role::Guest]).encode()?;
/// assert_eq!(request.uri(), "/users/u7?roles=admin&roles=guest");
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! param_value {
    () => {};
    ($type:ty as serde $(, $($rest:tt)*)?) => {
        impl $crate::ParamValue for $type {
            fn to_text(
                &self,
            ) -> $crate::__private::Result<$crate::__private::Cow<'_, $crate::__private::str>, &'static $crate::__private::str>
            {
                $crate::__private::to_text_by::<$crate::__private::BySerde, Self>(self)
            }
        }

        impl $crate::FromParam for $type {
            fn from_values(
                values: &mut dyn $crate::__private::Iterator<
                    Item = $crate::__private::Cow<'_, $crate::__private::str>,
                >,
            ) -> $crate::__private::Result<Self, &'static $crate::__private::str> {
                $crate::__private::from_values_by::<$crate::__private::BySerde, Self>(values)
            }
        }

        $crate::param_value!($($($rest)*)?);
    };
    ($type:ty $(, $($rest:tt)*)?) => {
        impl $crate::ParamValue for $type {
            fn to_text(
                &self,
            ) -> $crate::__private::Result<$crate::__private::Cow<'_, $crate::__private::str>, &'static $crate::__private::str>
            {
                $crate::__private::to_text_by::<$crate::__private::ByDisplay, Self>(self)
            }
        }

        impl $crate::FromParam for $type {
            fn from_values(
                values: &mut dyn $crate::__private::Iterator<
                    Item = $crate::__private::Cow<'_, $crate::__private::str>,
                >,
            ) -> $crate::__private::Result<Self, &'static $crate::__private::str> {
                $crate::__private::from_values_by::<$crate::__private::ByDisplay, Self>(values)
            }
        }

        $crate::param_value!($($($rest)*)?);
    };
}
