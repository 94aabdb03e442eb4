//! JSON as strictly as a hostile volume needs it: a key twice is an error
//! (two readers would see two different accounts), nesting is bounded, and no
//! error repeats what stood in the file.

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::de::Read;
use std::borrow::Cow;
use std::fmt;

/// Deepest nesting of objects and arrays.
pub(super) const MAX_DEPTH: usize = 16;

/// Why the bytes are no JSON document of ours. Holds no content but keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not valid JSON: {0}")]
pub struct InvalidJson(String);

/// A document that borrows from its bytes: a boot reads thousands, keeps a few
/// strings of each, and should copy nothing else.
#[derive(Clone, PartialEq)]
pub(super) enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; fractions and negative ones too.
    Number(serde_json::Number),
    /// A string, copied only if it holds an escape.
    String(Cow<'a, str>),
    /// A list.
    Array(Vec<Value<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// The members of an object, in their order; no key stands twice.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.0
            .iter()
            .find(|(other, _)| other == key)
            .map(|(_, value)| value)
    }

    /// The same object, owning everything.
    pub(super) fn to_owned(&self) -> serde_json::Map<String, serde_json::Value> {
        self.0
            .iter()
            .map(|(key, value)| (key.clone().into_owned(), value.to_owned()))
            .collect()
    }

    /// Few keys are compared pair by pair; a hostile object may have thousands.
    fn repeats_a_key(&self) -> bool {
        let keys = self.0.iter().map(|(key, _)| key);
        if self.0.len() <= 16 {
            return keys
                .enumerate()
                .any(|(at, key)| self.0[..at].iter().any(|(other, _)| other == key));
        }
        let mut keys: Vec<_> = keys.collect();
        keys.sort_unstable();
        keys.windows(2).any(|pair| pair[0] == pair[1])
    }
}

/// Says the type alone: a value may be a password hash.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        })
    }
}

impl Value<'_> {
    /// The same value, owning everything.
    pub(super) fn to_owned(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Number(number) => serde_json::Value::Number(number.clone()),
            Self::String(text) => text.clone().into_owned().into(),
            Self::Array(items) => items.iter().map(Value::to_owned).collect(),
            Self::Object(object) => serde_json::Value::Object(object.to_owned()),
        }
    }
}

/// Parses one document and nothing after it.
pub(super) fn parse(bytes: &[u8]) -> Result<Value<'_>, InvalidJson> {
    // All text at once is checked in a fraction of the time that its strings take
    // one by one; what is not UTF-8 goes the other way, to the place of the fault.
    match std::str::from_utf8(bytes) {
        Ok(text) => parse_from(serde_json::Deserializer::from_str(text)),
        Err(_) => parse_from(serde_json::Deserializer::from_slice(bytes)),
    }
}

fn parse_from<'a, R: Read<'a>>(
    mut reader: serde_json::Deserializer<R>,
) -> Result<Value<'a>, InvalidJson> {
    let value = Strict { depth: 0 }
        .deserialize(&mut reader)
        .map_err(|e| InvalidJson(e.to_string()))?;
    reader.end().map_err(|e| InvalidJson(e.to_string()))?;
    Ok(value)
}

/// Builds a [`Value`], counting how deep it stands.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Owned(value.to_owned())))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::String(Cow::Borrowed(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut object = Object(Vec::with_capacity(16));
        while let Some(Key(key)) = map.next_key()? {
            object.0.push((key, map.next_value_seed(inner)?));
        }
        if object.repeats_a_key() {
            return Err(A::Error::custom("a key stands twice in one object"));
        }
        Ok(Value::Object(object))
    }
}

/// A key; serde copies a plain `Cow`.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests;
