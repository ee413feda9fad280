//! A recipe as one line of text: the method, then `key=value` for each field.
//!
//! ```text
//! uniform bits=8 dither=tpdf shape=auto
//! "my codebook.json" container=f64
//! codec bitrate=96 band_quantizer=trellis
//! ```
//!
//! A value with blanks or quotes stands in double quotes, `\` before a quote or a backslash in it.

use std::{fmt, str::FromStr};

use super::{Fields, Recipe, Value};
use crate::{Error, Result};

/// Longest text that is read, bytes.
pub(super) const MAX_BYTES: usize = 1 << 16;

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, field) in self.fields().iter().enumerate() {
            let value = quoted(&field.value.to_string());
            match i {
                // A word with an equals sign would be read as another field.
                0 if !value.contains('=') => f.write_str(&value)?,
                0 => write!(f, "method={value}")?,
                _ => write!(f, " {}={value}", field.key)?,
            }
        }
        Ok(())
    }
}

impl FromStr for Recipe {
    type Err = Error;

    /// Reads the text form.
    ///
    /// # Errors
    /// `InvalidParameter` that names the field; `LimitExceeded` for a text of more than 64 KiB.
    fn from_str(text: &str) -> Result<Self> {
        check_size(text)?;
        let mut fields = Fields::default();
        for (i, word) in words(text)?.into_iter().enumerate() {
            match word.split_once('=') {
                Some((key, value)) => fields.add(key, Value::Text(value.into()))?,
                None if i == 0 => fields.add("method", Value::Text(word))?,
                None => return Err(Error::invalid("field", shortened(&word), "key=value after the method")),
            }
        }
        fields.recipe()
    }
}

/// Refuses a text that no honest recipe has.
pub(super) fn check_size(text: &str) -> Result<()> {
    match text.len() {
        n if n > MAX_BYTES => Err(Error::LimitExceeded {
            what: "length of the recipe in bytes",
            value: n as u64,
            limit: MAX_BYTES as u64,
        }),
        _ => Ok(()),
    }
}

/// The start of a word, for messages.
pub(super) fn shortened(word: &str) -> String {
    match word.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &word[..end]),
        None => word.to_owned(),
    }
}

fn quoted(value: &str) -> String {
    let is_plain = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c == '"' || c == '\\');
    match is_plain {
        true => value.to_owned(),
        false => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// The words of a text: blanks divide them but between double quotes.
fn words(text: &str) -> Result<Vec<String>> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        match c {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            '\\' if is_quoted => word.get_or_insert_default().extend(letters.next()),
            c if c.is_whitespace() && !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    if is_quoted {
        return Err(Error::invalid("recipe", shortened(text), "a second quote after each first one"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written() {
        for text in [
            "uniform bits=8 dither=tpdf shape=auto",
            "mu-law bits=8 law=sox",
            "lloyd-max levels=12 container=f64",
            "dependent rate=1.5 states=64",
            "\"my \\\"own\\\" \\\\ codebook.json\"",
            "uniform bits=4 shape=1.5,-0.6 seed=18446744073709551615",
            "int8 granularity=group:32 calibration=percentile:99.9 symmetry=symmetric rule=tflite",
            "mxfp4 exponent=best",
            "dsd64 paths=8",
            "method=a=b.json",
            "codec",
            "codec bitrate=96 band_quantizer=trellis max_bandwidth=16000",
            "codec bits_per_band=6,5.5,4",
        ] {
            let recipe: Recipe = text.parse().expect(text);
            assert_eq!(recipe.to_string(), text);
        }
        let same: Recipe = "codec bitrate=96000".parse().expect("legal");
        assert_eq!(same, "codec bitrate=96k".parse().expect("legal"));
        assert_eq!("codec quality=5".parse::<Recipe>().expect("legal").to_string(), "codec");
    }

    #[test]
    fn a_wrong_field_is_named() {
        for (text, why) in [
            ("", "method is missing"),
            ("bits=8", "method is missing"),
            ("unifrom", "method is unifrom"),
            ("uniform bits=0", "bits is 0"),
            ("uniform bits=33", "bits is 33"),
            ("uniform bits=8 bits=9", "bits is 9"),
            ("uniform bits=8 levels=9", "levels is 9"),
            ("uniform bits=8 rate=2", "rate is 2"),
            ("uniform bits=8 depth=9", "field is depth"),
            ("uniform bits=8 loud", "field is loud"),
            ("uniform bits=8 dither=triangle", "dither is triangle"),
            ("uniform bits=8 seed=-1", "seed is -1"),
            ("uniform bits=8 quality=5", "quality is 5"),
            ("int8 exponent=best", "exponent is best"),
            ("int8 granularity=row", "granularity is row"),
            ("codec quality=11", "quality is 11"),
            ("codec quality=5 nmr=-14dB", "nmr is -14"),
            ("codec bits_per_band=25", "bits per coefficient is 25"),
            ("uniform bits=nan", "bits is nan"),
            ("mu-law bits=8 compression=inf", "compression is inf"),
            ("\"uniform", "recipe is \"uniform"),
            (&format!("uniform shape={}", "1,".repeat(4_000)), "shape is 1,1,1,"),
        ] {
            let error = text.parse::<Recipe>().expect_err(text).to_string();
            assert!(error.starts_with(why), "{text}: {error}");
        }
        let huge = format!("uniform seed={}", "1".repeat(10 << 20));
        assert!(matches!(huge.parse::<Recipe>(), Err(Error::LimitExceeded { .. })));
    }

    #[test]
    fn small_numbers_are_written_too() {
        for text in ["uniform bits=8 seed=1", "trellis bits=2 states=4", "ima paths=1", "uniform levels=2"] {
            assert_eq!(text.parse::<Recipe>().expect(text).to_string(), text);
        }
    }
}
