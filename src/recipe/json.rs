//! A recipe as JSON: an object of its fields and the version of this form.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
    ser::SerializeMap,
};

use super::{Fields, Recipe, Value, text};
use crate::{Error, Result};

/// Version of the JSON form; it grows when the meaning of a field changes.
pub const SCHEMA: u64 = 1;

impl Recipe {
    /// The JSON form, on one line.
    ///
    /// ```
    /// use sqnr::recipe::Recipe;
    ///
    /// let recipe: Recipe = "mu-law bits=8 law=sox".parse()?;
    /// assert_eq!(recipe.to_json(), r#"{"schema":1,"method":"mu-law","bits":8,"law":"sox"}"#);
    /// assert_eq!(Recipe::from_json(&recipe.to_json())?, recipe);
    /// # Ok::<(), sqnr::Error>(())
    /// ```
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a map of words and numbers")
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// `InvalidParameter` that names the field; `Unsupported` for what is not JSON of this form; `LimitExceeded` for a
    /// text of more than 64 KiB.
    pub fn from_json(json: &str) -> Result<Self> {
        text::check_size(json)?;
        serde_json::from_str(json).map_err(|error| Error::Unsupported { what: format!("not a recipe: {error}") })
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Whole(n) => serializer.serialize_u64(*n),
            Self::Number(x) => serializer.serialize_f64(*x),
        }
    }
}

impl Serialize for Recipe {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", &SCHEMA)?;
        for field in self.fields() {
            map.serialize_entry(field.key, &field.value)?;
        }
        map.end()
    }
}

/// A word or a number; nothing that holds others, so that depth is no danger.
struct Scalar(Value);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct ScalarVisitor;
        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a word or a number")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Scalar, E> {
                Ok(Scalar(Value::Text(text.into())))
            }

            fn visit_u64<E: de::Error>(self, n: u64) -> std::result::Result<Scalar, E> {
                Ok(Scalar(Value::Whole(n)))
            }

            fn visit_i64<E: de::Error>(self, n: i64) -> std::result::Result<Scalar, E> {
                Ok(Scalar(Value::Number(n as f64)))
            }

            fn visit_f64<E: de::Error>(self, x: f64) -> std::result::Result<Scalar, E> {
                Ok(Scalar(Value::Number(x)))
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl<'de> Deserialize<'de> for Recipe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct RecipeVisitor;
        impl<'de> Visitor<'de> for RecipeVisitor {
            type Value = Recipe;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object with the fields of a recipe")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Recipe, A::Error> {
                let mut fields = Fields::default();
                while let Some(key) = map.next_key::<String>()? {
                    let named = |error: A::Error| de::Error::custom(format!("{}: {error}", text::shortened(&key)));
                    let Scalar(value) = map.next_value().map_err(named)?;
                    match key.as_str() {
                        "schema" => check_schema(&value).map_err(de::Error::custom)?,
                        _ => fields.add(&key, value).map_err(de::Error::custom)?,
                    }
                }
                fields.recipe().map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_map(RecipeVisitor)
    }
}

fn check_schema(value: &Value) -> Result<()> {
    match value {
        Value::Whole(SCHEMA) => Ok(()),
        other => Err(Error::invalid("schema", other, format!("{SCHEMA}; a newer sqnr may read it"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_field_is_named_on_one_line() {
        let deep = format!(r#"{{"method":"uniform","bits":{}8{}}}"#, "[".repeat(60_000 / 2), "]".repeat(20));
        for (json, why) in [
            ("", "not a recipe"),
            ("[]", "not a recipe"),
            ("{}", "method is missing"),
            (r#"{"schema":2,"method":"uniform"}"#, "schema is 2"),
            (r#"{"method":"uniform","bits":8.5}"#, "bits is 8.5"),
            (r#"{"method":"uniform","bits":null}"#, "bits: "),
            (r#"{"method":"uniform","bits":{"a":1}}"#, "bits: "),
            (r#"{"method":"uniform","bits":8,"bits":9}"#, "bits is 9"),
            (r#"{"method":"uniform","colour":"red"}"#, "field is colour"),
            (r#"{"method":"codec","quality":1e300}"#, "quality is 1"),
            (&deep, "bits: "),
        ] {
            let error = Recipe::from_json(json).expect_err(json).to_string();
            assert!(error.contains(why) && !error.contains('\n'), "{json:.80}: {error}");
        }
        let huge = format!(r#"{{"method":"{}"}}"#, "a".repeat(10 << 20));
        assert!(matches!(Recipe::from_json(&huge), Err(Error::LimitExceeded { .. })));
    }
}
