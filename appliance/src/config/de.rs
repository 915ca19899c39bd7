//! Reads typed configuration out of a [`Node`]: a serde deserializer whose errors name key and origin.

use std::{collections::btree_map, slice};

use serde::{
    de::{self, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};

use super::{
    node::{Node, Value},
    problem::Problem,
};

/// Reads a `T` out of a node.
pub(crate) fn read<T: de::DeserializeOwned>(node: &Node) -> Result<T, Problem> {
    T::deserialize(node)
}

/// A number from the command line or the environment.
fn parsed<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Problem> {
    text.trim().parse().map_err(|_| de::Error::custom(format_args!("expected {what}, not {text:?}")))
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            match &self.value {
                Value::Text(text) => visitor.$visit(parsed::<$type>(text, "a number")?),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for &'de Node {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.value {
            Value::Text(text) | Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::List(list) => visitor.visit_seq(Elements { list: list.iter(), index: 0 }),
            Value::Table(table) => visitor.visit_map(Entries { table: table.iter(), value: None }),
        }
    }

    numbers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_f32 visit_f32 f32, deserialize_f64 visit_f64 f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.value {
            Value::Text(text) => visitor.visit_bool(parsed::<bool>(text, "true or false")?),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    /// A list given as text has commas between its elements.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.value {
            Value::Text(text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                let mut elements = de::value::SeqDeserializer::new(parts.map(Word));
                visitor.visit_seq(&mut elements)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Problem> {
        match &self.value {
            Value::Text(text) | Value::String(text) => visitor.visit_enum(Word(text)),
            _ => Err(de::Error::custom("expected a word")),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

/// The elements of a list; errors name the element's number.
struct Elements<'de> {
    list: slice::Iter<'de, Node>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Problem;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Problem> {
        let Some(node) = self.list.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(node).map(Some).map_err(|problem| problem.inside(&index.to_string(), &node.origin))
    }
}

/// The entries of a table; errors name the key.
struct Entries<'de> {
    table: btree_map::Iter<'de, String, Node>,
    value: Option<(&'de str, &'de Node)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Problem;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Problem> {
        let Some((key, node)) = self.table.next() else { return Ok(None) };
        self.value = Some((key, node));
        let key: StrDeserializer<'_, Problem> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|mut problem| {
            problem.origin.get_or_insert_with(|| node.origin.clone());
            problem
        })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Problem> {
        let Some((key, node)) = self.value.take() else { return Err(de::Error::custom("a value was asked for before its key")) };
        seed.deserialize(node).map_err(|problem| problem.inside(key, &node.origin))
    }
}

/// One word of a text, for lists given as text and for enumerations.
struct Word<'de>(&'de str);

impl<'de> IntoDeserializer<'de, Problem> for Word<'de> {
    type Deserializer = de::value::BorrowedStrDeserializer<'de, Problem>;

    fn into_deserializer(self) -> Self::Deserializer {
        de::value::BorrowedStrDeserializer::new(self.0)
    }
}

impl<'de> EnumAccess<'de> for Word<'de> {
    type Error = Problem;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Problem> {
        let deserializer: StrDeserializer<'_, Problem> = self.0.into_deserializer();
        Ok((seed.deserialize(deserializer)?, self))
    }
}

impl<'de> VariantAccess<'de> for Word<'de> {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Problem> {
        Err(de::Error::custom("a word alone does not do here"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Problem> {
        Err(de::Error::custom("a word alone does not do here"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Problem> {
        Err(de::Error::custom("a word alone does not do here"))
    }
}
