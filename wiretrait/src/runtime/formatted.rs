//! Values that are converted to strings by `Display` and `FromStr` or by serde, as the flags of an annotation ask
//! for.
//!
//! The expansion names a format and, for readers, the `Option` and the list around the values, which it sees in
//! the signature. Rejected alternative: one blanket implementation per format, because `Option<T>` and `Vec<T>`
//! could implement `Display` themselves one day, so that the implementations for them would overlap.

use super::param::{MISSING, OTHER_LENGTH};
use super::{Arguments, ParamValue, ParamValues, Unreadable, scalar};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::str::FromStr;

/// The format of the flag `display`.
#[derive(Debug)]
pub struct ByDisplay;

/// The format of the flag `serde`.
#[derive(Debug)]
pub struct BySerde;

/// A reader of an `Option`.
#[derive(Debug)]
pub struct OptionOf<R>(PhantomData<R>);

/// A reader of a list.
#[derive(Debug)]
pub struct ListOf<R>(PhantomData<R>);

/// The conversion of a `T` to a string.
pub trait Write<T: ?Sized> {
    /// Returns the string, or the end of a sentence that describes what is wrong with the value.
    ///
    /// # Errors
    ///
    /// If there is no string for the value.
    fn write(value: &T) -> Result<Cow<'_, str>, &'static str>;
}

/// The conversion of strings to a `T`.
pub trait Read<T> {
    /// Reads the value, or returns the end of a sentence that describes what is wrong.
    ///
    /// # Errors
    ///
    /// If a string is missing or cannot be read.
    fn read(values: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<T, Cow<'static, str>>;
}

impl<T: fmt::Display + ?Sized> Write<T> for ByDisplay {
    fn write(value: &T) -> Result<Cow<'_, str>, &'static str> {
        use fmt::Write as _;

        let mut text = String::new();
        // `to_string` would panic.
        write!(text, "{value}").map_err(|_| "cannot be written: its `Display` returns an error")?;
        Ok(Cow::Owned(text))
    }
}

impl<T: FromStr> Read<T> for ByDisplay {
    fn read(values: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<T, Cow<'static, str>> {
        // The error may quote the value.
        values.next().ok_or(MISSING)?.parse().map_err(|_| Cow::Borrowed("has a value that is not valid"))
    }
}

impl<T: Serialize + ?Sized> Write<T> for BySerde {
    fn write(value: &T) -> Result<Cow<'_, str>, &'static str> {
        scalar::write(value).map(Cow::Owned)
    }
}

impl<T: DeserializeOwned> Read<T> for BySerde {
    fn read(values: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<T, Cow<'static, str>> {
        scalar::read(values.next().ok_or(MISSING)?)
    }
}

impl<T, R: Read<T>> Read<Option<T>> for OptionOf<R> {
    fn read(values: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Option<T>, Cow<'static, str>> {
        let mut values = values.peekable();
        if values.peek().is_none() { Ok(None) } else { R::read(&mut values).map(Some) }
    }
}

impl<L: FromElements, R: Read<L::Element>> Read<L> for ListOf<R> {
    fn read(values: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<L, Cow<'static, str>> {
        L::from_elements(&mut values.map(|value| R::read(&mut std::iter::once(value))))
    }
}

/// A list whose elements can be written.
pub trait Elements {
    /// The type of the elements.
    type Element;

    /// Calls `each` with each element, until one fails.
    ///
    /// # Errors
    ///
    /// Those of `each`.
    fn for_each_element(
        &self,
        each: &mut dyn FnMut(&Self::Element) -> Result<(), &'static str>,
    ) -> Result<(), &'static str>;
}

/// A list that can be collected from its elements.
pub trait FromElements: Elements + Sized {
    /// Collects the elements.
    ///
    /// # Errors
    ///
    /// The first error of `elements`, or if their number is wrong.
    fn from_elements(
        elements: &mut dyn Iterator<Item = Result<Self::Element, Cow<'static, str>>>,
    ) -> Result<Self, Cow<'static, str>>;
}

macro_rules! elements {
    ($([$($generics:tt)*] $type:ty;)*) => { $(
        impl<$($generics)*> Elements for $type {
            type Element = T;

            fn for_each_element(
                &self,
                each: &mut dyn FnMut(&T) -> Result<(), &'static str>,
            ) -> Result<(), &'static str> {
                self.iter().try_for_each(each)
            }
        }
    )* };
}

elements! {
    [T] [T];
    [T] Vec<T>;
    [T, const N: usize] [T; N];
    [T] BTreeSet<T>;
    [T, S] HashSet<T, S>;
}

macro_rules! collected {
    ($([$($generics:tt)*] $type:ty;)*) => { $(
        impl<$($generics)*> FromElements for $type {
            fn from_elements(
                elements: &mut dyn Iterator<Item = Result<T, Cow<'static, str>>>,
            ) -> Result<Self, Cow<'static, str>> {
                elements.collect()
            }
        }
    )* };
}

collected! {
    [T] Vec<T>;
    [T: Ord] BTreeSet<T>;
    [T: Eq + Hash, S: BuildHasher + Default] HashSet<T, S>;
}

impl<T, const N: usize> FromElements for [T; N] {
    fn from_elements(
        elements: &mut dyn Iterator<Item = Result<T, Cow<'static, str>>>,
    ) -> Result<Self, Cow<'static, str>> {
        Vec::from_elements(elements)?.try_into().map_err(|_| Cow::Borrowed(OTHER_LENGTH))
    }
}

/// A conversion of a `T` to a string.
type WriteOf<T> = fn(&T) -> Result<Cow<'_, str>, &'static str>;

/// A value with its conversion. The conversion is a function, so that a type without it is reported once: where
/// this is created.
pub struct Formatted<'v, T: ?Sized>(&'v T, WriteOf<T>);

/// Omits the value, which may be private.
impl<T: ?Sized> fmt::Debug for Formatted<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Formatted").finish_non_exhaustive()
    }
}

/// Marks `value` to be written by the format `W`.
pub fn formatted<W: Write<T>, T: ?Sized>(value: &T) -> Formatted<'_, T> {
    Formatted(value, W::write)
}

#[diagnostic::do_not_recommend]
impl<T: ?Sized> ParamValue for Formatted<'_, T> {
    fn to_text(&self) -> Result<Cow<'_, str>, &'static str> {
        (self.1)(self.0)
    }
}

/// A list with the conversion of its elements.
pub struct FormattedList<'v, L: Elements + ?Sized>(&'v L, WriteOf<L::Element>);

/// Omits the values, which may be private.
impl<L: Elements + ?Sized> fmt::Debug for FormattedList<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormattedList").finish_non_exhaustive()
    }
}

/// Marks the elements of `list` to be written by the format `W`.
pub fn formatted_list<W: Write<L::Element>, L: Elements + ?Sized>(list: &L) -> FormattedList<'_, L> {
    FormattedList(list, W::write)
}

#[diagnostic::do_not_recommend]
impl<L: Elements + ?Sized> ParamValues for FormattedList<'_, L> {
    fn for_each_value(
        &self,
        each: &mut dyn FnMut(&str) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        self.0.for_each_element(&mut |element| each(&(self.1)(element)?))
    }
}

#[diagnostic::do_not_recommend]
impl<L: Elements + ?Sized> ParamValues for Option<FormattedList<'_, L>> {
    fn for_each_value(
        &self,
        each: &mut dyn FnMut(&str) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        self.as_ref().map_or(Ok(()), |list| list.for_each_value(each))
    }
}

/// The values of an optional argument, of any type with values.
pub struct Values<'v, T: ?Sized>(Option<&'v T>);

/// Omits the values, which may be private.
impl<T: ?Sized> fmt::Debug for Values<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").finish_non_exhaustive()
    }
}

/// Returns the values of an argument `Option<T>`.
#[inline]
pub fn values<T: ParamValues>(argument: &Option<T>) -> Values<'_, T> {
    Values(argument.as_ref())
}

/// Returns the values of an argument `Option<&T>`.
#[inline]
#[must_use]
pub fn borrowed_values<T: ParamValues + ?Sized>(argument: Option<&T>) -> Values<'_, T> {
    Values(argument)
}

#[diagnostic::do_not_recommend]
impl<T: ParamValues + ?Sized> ParamValues for Values<'_, T> {
    #[inline]
    fn for_each_value(
        &self,
        each: &mut dyn FnMut(&str) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        self.0.map_or(Ok(()), |value| value.for_each_value(each))
    }
}

/// Reads the argument at `index` of the signature by `R`.
///
/// # Errors
///
/// If it is required but missing, or cannot be read.
pub fn read<R: Read<T>, T>(arguments: &mut Arguments<'_>, index: usize) -> Result<T, Unreadable> {
    arguments.read(index, R::read)
}

/// Writes `value` by the format `W`, for [`param_value!`](crate::param_value).
///
/// # Errors
///
/// If there is no string for the value.
pub fn to_text_by<W: Write<T>, T: ?Sized>(value: &T) -> Result<Cow<'_, str>, &'static str> {
    W::write(value)
}

/// Reads a value by `R`, for [`param_value!`](crate::param_value).
///
/// # Errors
///
/// If a string is missing or cannot be read.
pub fn from_values_by<R: Read<T>, T>(
    values: &mut dyn Iterator<Item = Cow<'_, str>>,
) -> Result<T, &'static str> {
    R::read(values).map_err(|why| match why {
        Cow::Borrowed(why) => why,
        Cow::Owned(_) => "has a value that is not valid",
    })
}
