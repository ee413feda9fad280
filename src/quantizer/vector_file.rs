//! A codebook of vectors as JSON: `dimension` and `codes`, an array for each code vector.

use serde::{Deserialize, Serialize};

use super::VectorCodebook;
use super::codebook_file::malformed;
use crate::{Error, Result};

/// Longest text accepted.
const MAX_BYTES: usize = 64 << 20;

/// A codebook of vectors with the figures it was designed for.
///
/// ```
/// use sqnr::quantizer::{VectorCodebook, VectorFile};
///
/// let file = VectorFile { codebook: VectorCodebook::new(2, vec![0.0, 0.5, -1.0, 1.0])?, mse: Some(0.01), source: None };
/// assert_eq!(VectorFile::from_json(&file.to_json())?, file);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct VectorFile {
    /// The quantizer.
    pub codebook: VectorCodebook,
    /// Mean squared error of a sample on the source, full scale 1.0.
    pub mse: Option<f64>,
    /// The files it was designed for.
    pub source: Option<String>,
}

/// The file, key by key.
#[derive(Serialize, Deserialize)]
struct Record {
    dimension: usize,
    codes: Vec<Vec<f64>>,
    #[serde(default)]
    mse: Option<f64>,
    #[serde(default)]
    source: Option<String>,
}

impl VectorFile {
    /// True for text that says it holds vectors, whole or not.
    pub fn is_one(text: &str) -> bool {
        #[derive(Deserialize)]
        struct Head {
            #[serde(rename = "dimension")]
            _dimension: serde::de::IgnoredAny,
        }
        serde_json::from_str::<Head>(text).is_ok()
    }

    /// The text of a file. Numbers keep every bit when read back.
    pub fn to_json(&self) -> String {
        let dimension = self.codebook.dimension();
        let record = Record {
            dimension,
            codes: self.codebook.codes().chunks_exact(dimension).map(<[f64]>::to_vec).collect(),
            mse: self.mse,
            source: self.source.clone(),
        };
        serde_json::to_string(&record).expect("numbers, arrays and strings have a JSON form") + "\n"
    }

    /// Reads the text of a file; keys that are not known are passed over.
    ///
    /// # Errors
    /// `Malformed` for text that is not such JSON, `LimitExceeded` beyond 64 MiB, `LengthMismatch` for a code vector of
    /// another dimension, else as [`VectorCodebook::new`].
    pub fn from_json(text: &str) -> Result<Self> {
        if text.len() > MAX_BYTES {
            let (value, limit) = (text.len() as u64, MAX_BYTES as u64);
            return Err(Error::LimitExceeded { what: "bytes of a codebook file", value, limit });
        }
        let record: Record = serde_json::from_str(text).map_err(|error| malformed(text, &error))?;
        let expected = record.dimension;
        if let Some(odd) = record.codes.iter().find(|code| code.len() != expected) {
            return Err(Error::LengthMismatch { what: "code vector", expected, got: odd.len() });
        }
        let codebook = VectorCodebook::new(expected, record.codes.concat())?;
        Ok(Self { codebook, mse: record.mse, source: record.source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_vectors_are_told_from_others() {
        assert!(VectorFile::is_one(r#"{"codes": [], "dimension": 2}"#));
        assert!(!VectorFile::is_one(r#"{"levels": [0, 1]}"#) && !VectorFile::is_one("dimension"));
    }

    #[test]
    fn bad_files_are_refused() {
        for text in [
            "",
            "{}",
            r#"{"dimension": 2, "codes": [[1, 2], [3]]}"#,
            r#"{"dimension": 0, "codes": []}"#,
            r#"{"dimension": 1, "codes": []}"#,
            r#"{"dimension": 1, "codes": [[1e999]]}"#,
        ] {
            assert!(VectorFile::from_json(text).is_err(), "{text}");
        }
    }
}
