//! Values that travel as plain text: in a path, a query or a header.

use std::borrow::Cow;

/// A value with one plain text form.
///
/// Implement it, and [`FromTexts`] for the service's side, to give a type of your own a place in a path, a
/// query or a header.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no plain text form",
    label = "not text, a number or `bool`",
    note = "a placeholder takes text, a number or `bool`; `#[query]` and `#[header]` also take `Option`, slices and `Vec` \
            of them; a type of your own can implement `ParamValue`; anything else travels as a `#[field]`"
)]
pub trait ParamValue {
    /// The text, or what is wrong with the value, as the end of a sentence: "is not a number".
    ///
    /// # Errors
    ///
    /// When the value has no text that the other side would read back.
    fn to_text(&self) -> Result<Cow<'_, str>, &'static str>;
}

/// Any number of values that travel under one name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no plain text form",
    label = "not text, a number or `bool`",
    note = "a placeholder takes text, a number or `bool`; `#[query]` and `#[header]` also take `Option`, slices and `Vec` \
            of them; a type of your own can implement `ParamValue`; anything else travels as a `#[field]`"
)]
pub trait ParamValues {
    /// Calls `each` with every value in turn.
    ///
    /// # Errors
    ///
    /// Those of `each`, and what is wrong with a value.
    fn for_each_text(
        &self,
        each: &mut dyn FnMut(&str) -> Result<(), &'static str>,
    ) -> Result<(), &'static str>;
}

/// A value read from the texts under its name: one for a plain value, any number for a list.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from plain text",
    label = "not text, a number, `bool`, or `Option` or `Vec` of them",
    note = "a type of your own can implement `FromTexts`"
)]
pub trait FromTexts: Sized {
    /// Reads the value, or says what is wrong, as the end of a sentence: "must be a whole number".
    ///
    /// # Errors
    ///
    /// When a text is missing or cannot be read.
    fn from_texts(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str>;
}

/// What a service says of an argument that is not there.
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

impl FromTexts for String {
    fn from_texts(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
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

        impl FromTexts for $type {
            fn from_texts(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
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

        impl FromTexts for $type {
            fn from_texts(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
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
    fn for_each_text(
        &self,
        each: &mut dyn FnMut(&str) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        each(&self.to_text()?)
    }
}

impl<T: ParamValue> ParamValues for Option<T> {
    fn for_each_text(
        &self,
        each: &mut dyn FnMut(&str) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        self.as_ref().map_or(Ok(()), |value| each(&value.to_text()?))
    }
}

macro_rules! lists {
    ($([$($generics:tt)*] $type:ty;)*) => { $(
        impl<$($generics)*> ParamValues for $type {
            fn for_each_text(
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
            fn for_each_text(
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

impl<T: FromTexts> FromTexts for Option<T> {
    fn from_texts(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
        let mut texts = texts.peekable();
        if texts.peek().is_none() { Ok(None) } else { T::from_texts(&mut texts).map(Some) }
    }
}

impl<T: FromTexts> FromTexts for Vec<T> {
    fn from_texts(texts: &mut dyn Iterator<Item = Cow<'_, str>>) -> Result<Self, &'static str> {
        texts.map(|text| T::from_texts(&mut std::iter::once(text))).collect()
    }
}
