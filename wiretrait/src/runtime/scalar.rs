//! Conversion of serde's scalar values to and from strings outside of JSON: strings, numbers, `bool`s, unit
//! variants, and newtypes around them.

use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde::ser::{self, Impossible, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Writes `value` as a string, or returns the end of a sentence that describes what is wrong with it.
pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> Result<String, &'static str> {
    value.serialize(Text).map_err(|Unwritable(why)| why)
}

/// Reads a value from a string, or returns the end of a sentence that describes what is wrong.
pub(super) fn read<T: DeserializeOwned>(text: Cow<'_, str>) -> Result<T, Cow<'static, str>> {
    T::deserialize(Scalar(text)).map_err(|Problem(why)| why)
}

/// A serializer of scalar values.
struct Text;

/// The end of a sentence that describes why a value cannot be written.
#[derive(Debug)]
struct Unwritable(&'static str);

const NOT_SCALAR: Unwritable =
    Unwritable("is not a string, a number, a `bool` or a unit variant, as the flag `serde` requires");

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    /// Drops the message, which may quote the value.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self("cannot be written: its `Serialize` returns an error")
    }
}

macro_rules! written {
    ($($method:ident($type:ty))*) => { $(
        fn $method(self, value: $type) -> Result<String, Unwritable> {
            Ok(value.to_string())
        }
    )* };
}

macro_rules! finite {
    ($($method:ident($type:ty))*) => { $(
        fn $method(self, value: $type) -> Result<String, Unwritable> {
            if value.is_finite() { Ok(value.to_string()) } else { Err(Unwritable("is not a finite number")) }
        }
    )* };
}

impl Serializer for Text {
    type Ok = String;
    type Error = Unwritable;
    type SerializeSeq = Impossible<String, Unwritable>;
    type SerializeTuple = Impossible<String, Unwritable>;
    type SerializeTupleStruct = Impossible<String, Unwritable>;
    type SerializeTupleVariant = Impossible<String, Unwritable>;
    type SerializeMap = Impossible<String, Unwritable>;
    type SerializeStruct = Impossible<String, Unwritable>;
    type SerializeStructVariant = Impossible<String, Unwritable>;

    written! {
        serialize_bool(bool) serialize_char(char) serialize_str(&str)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
    }

    finite!(serialize_f32(f32) serialize_f64(f64));

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<String, Unwritable> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<String, Unwritable> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, Unwritable> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<String, Unwritable> {
        Err(NOT_SCALAR)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<String, Unwritable> {
        Err(NOT_SCALAR)
    }

    fn serialize_unit(self) -> Result<String, Unwritable> {
        Err(NOT_SCALAR)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<String, Unwritable> {
        Err(NOT_SCALAR)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, Unwritable> {
        Err(NOT_SCALAR)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Unwritable> {
        Err(NOT_SCALAR)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unwritable> {
        Err(NOT_SCALAR)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unwritable> {
        Err(NOT_SCALAR)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritable> {
        Err(NOT_SCALAR)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unwritable> {
        Err(NOT_SCALAR)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Unwritable> {
        Err(NOT_SCALAR)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unwritable> {
        Err(NOT_SCALAR)
    }
}

/// A deserializer of one string, which the expected type can also read as a number or `bool`.
struct Scalar<'t>(Cow<'t, str>);

/// The end of a sentence that describes what is wrong with a string. It never quotes the string, which may be
/// private.
#[derive(Debug)]
struct Problem(Cow<'static, str>);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(Cow::Borrowed("has a value that is not valid"))
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self(Cow::Owned(format!("must be {expected}")))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self(Cow::Owned(format!("must be {expected}")))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        let expected: Vec<_> = expected.iter().map(|variant| format!("`{variant}`")).collect();
        Self(match &expected[..] {
            [] => Cow::Borrowed("has no valid value"),
            [only] => Cow::Owned(format!("must be {only}")),
            [all @ .., last] => Cow::Owned(format!("must be {} or {last}", all.join(", "))),
        })
    }
}

macro_rules! parsed {
    ($($method:ident: $visit:ident, $wrong:literal;)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            visitor.$visit(self.0.parse().map_err(|_| Problem(Cow::Borrowed($wrong)))?)
        }
    )* };
}

impl<'de> de::Deserializer<'de> for Scalar<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_enum(IntoDeserializer::<Problem>::into_deserializer(self.0))
    }

    parsed! {
        deserialize_bool: visit_bool, "must be `true` or `false`";
        deserialize_i8: visit_i64, "must be a whole number";
        deserialize_i16: visit_i64, "must be a whole number";
        deserialize_i32: visit_i64, "must be a whole number";
        deserialize_i64: visit_i64, "must be a whole number";
        deserialize_i128: visit_i128, "must be a whole number";
        deserialize_u8: visit_u64, "must be a whole number that is not negative";
        deserialize_u16: visit_u64, "must be a whole number that is not negative";
        deserialize_u32: visit_u64, "must be a whole number that is not negative";
        deserialize_u64: visit_u64, "must be a whole number that is not negative";
        deserialize_u128: visit_u128, "must be a whole number that is not negative";
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let number = self.0.parse().ok().filter(|number: &f64| number.is_finite());
        visitor.visit_f64(number.ok_or(Problem(Cow::Borrowed("must be a number")))?)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use serde::{Deserialize, Serialize};
    use std::borrow::Cow;
    use std::fmt::Debug;

    #[derive(Debug, PartialEq, Deserialize, Serialize)]
    #[serde(rename_all = "kebab-case")]
    enum State {
        StillOpen,
        Closed,
        Other(u8),
    }

    #[derive(Debug, PartialEq, Deserialize, Serialize)]
    struct Id<T>(T);

    #[track_caller]
    fn round_trip<T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug>(value: T, text: &str) {
        assert_eq!(write(&value).as_deref(), Ok(text));
        assert_eq!(read::<T>(Cow::Borrowed(text)).as_ref(), Ok(&value));
        assert_eq!(read::<T>(Cow::Owned(text.to_owned())), Ok(value));
    }

    #[test]
    fn scalar_values_are_read_as_they_were_written() {
        round_trip(State::StillOpen, "still-open");
        round_trip(Id(State::Closed), "closed");
        round_trip(Id(u8::MAX), "255");
        round_trip(Id(i16::MIN), "-32768");
        round_trip(Id(u128::MAX), "340282366920938463463374607431768211455");
        round_trip(Id(1.5_f64), "1.5");
        round_trip(Id(true), "true");
        round_trip(Id('ä'), "ä");
        round_trip(Id(String::from("7")), "7");
        round_trip(Id(Some(7)), "7");
    }

    #[test]
    fn values_that_are_not_scalar_cannot_be_written() {
        let not_scalar =
            "is not a string, a number, a `bool` or a unit variant, as the flag `serde` requires";
        assert_eq!(write(&[1, 2]), Err(not_scalar));
        assert_eq!(write(&()), Err(not_scalar));
        assert_eq!(write(&None::<u8>), Err(not_scalar));
        assert_eq!(write(&State::Other(1)), Err(not_scalar));
        assert_eq!(write(&Id((1, 2))), Err(not_scalar));
        assert_eq!(write(&f64::NAN), Err("is not a finite number"));
    }

    #[test]
    fn problems_name_the_expected_value_and_not_the_given_one() {
        #[track_caller]
        fn problem<T: for<'de> Deserialize<'de> + Debug>(expected: &str) {
            assert_eq!(read::<T>(Cow::Borrowed("secret")).unwrap_err(), expected);
        }
        problem::<State>("must be `still-open`, `closed` or `other`");
        problem::<Id<u8>>("must be a whole number that is not negative");
        problem::<Id<bool>>("must be `true` or `false`");
        problem::<Vec<u8>>("must be a sequence");
        problem::<char>("must be a character");
        problem::<f32>("must be a number");
        assert_eq!(read::<f64>(Cow::Borrowed("inf")).unwrap_err(), "must be a number");
        assert_eq!(read::<u8>(Cow::Borrowed("256")).unwrap_err(), "must be u8");
    }
}
