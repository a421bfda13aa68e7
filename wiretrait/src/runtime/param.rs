//! Values that are strings in a path, a query or a header.

use std::borrow::Cow;

/// A value that can be written as a string.
///
/// To use a custom type in a path, a query or a header, implement this for clients and [`FromParam`] for
/// services.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written as a string",
    label = "not a string, a number or `bool`",
    note = "a placeholder must be a string, a number or `bool`; `#[query]` and `#[header]` also accept an `Option`, slice or \
            `Vec` of them; implement `ParamValue` for a custom type, or send other types as a `#[field]`"
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
    label = "not a string, a number or `bool`",
    note = "a placeholder must be a string, a number or `bool`; `#[query]` and `#[header]` also accept an `Option`, slice or \
            `Vec` of them; implement `ParamValue` for a custom type, or send other types as a `#[field]`"
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
    label = "not a string, a number, `bool`, or an `Option` or `Vec` of them",
    note = "implement `FromParam` for a custom type"
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

impl ParamValue for str {
    fn to_text(&self) -> Result<Cow<'_, str>, &'static str> {
        Ok(Cow::Borrowed(self))
    }
}

impl ParamValue for String {
    fn to_text(&self) -> Result<Cow<'_, str>, &'static str> {
        Ok(Cow::Borrowed(self))
    }
}

impl ParamValue for Cow<'_, str> {
    fn to_text(&self) -> Result<Cow<'_, str>, &'static str> {
        Ok(Cow::Borrowed(self))
    }
}

impl<T: ParamValue + ?Sized> ParamValue for &T {
    fn to_text(&self) -> Result<Cow<'_, str>, &'static str> {
        (**self).to_text()
    }
}

impl FromParam for String {
    fn from_values(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
        texts.next().map(Cow::into_owned).ok_or(MISSING)
    }
}

macro_rules! displayed {
    ($($type:ty: $wrong:literal;)*) => { $(
        impl ParamValue for $type {
            fn to_text(&self) -> Result<Cow<'_, str>, &'static str> {
                Ok(Cow::Owned(self.to_string()))
            }
        }

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
}

macro_rules! floats {
    ($($type:ty)*) => { $(
        impl ParamValue for $type {
            fn to_text(&self) -> Result<Cow<'_, str>, &'static str> {
                if self.is_finite() {
                    Ok(Cow::Owned(self.to_string()))
                } else {
                    Err("is not a finite number")
                }
            }
        }

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

impl<T: ParamValue + ?Sized> ParamValues for T {
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
}

impl<T: FromParam> FromParam for Option<T> {
    fn from_values(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
        let mut texts = texts.peekable();
        if texts.peek().is_none() { Ok(None) } else { T::from_values(&mut texts).map(Some) }
    }
}

impl<T: FromParam> FromParam for Vec<T> {
    fn from_values(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
        texts.map(|value| T::from_values(&mut std::iter::once(value))).collect()
    }
}
