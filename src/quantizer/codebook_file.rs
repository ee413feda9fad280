//! A codebook as JSON: `levels` and `thresholds`, and what is known about them.

use serde::{Deserialize, Serialize};

use super::{Codebook, codebook::MAX_LEVELS};
use crate::{Error, Result};

/// A codebook with the figures it was designed for; a figure that does not exist is `None`, in JSON null.
///
/// ```
/// use sqnr::quantizer::{Codebook, CodebookFile};
///
/// let file = CodebookFile::new(Codebook::from_levels(vec![-0.5, 0.5])?);
/// assert_eq!(CodebookFile::from_json(&file.to_json())?, file);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CodebookFile {
    /// The quantizer.
    pub codebook: Codebook,
    /// Mean squared error on the source, full scale 1.0.
    pub mse: Option<f64>,
    /// Signal-to-quantization-noise ratio on the source, dB.
    pub snr_db: Option<f64>,
    /// Entropy of the indices on the source, bits.
    pub entropy_bits: Option<f64>,
    /// The density or the files it was designed for.
    pub source: Option<String>,
}

/// The file, key by key.
#[derive(Serialize, Deserialize)]
struct Record {
    levels: Vec<f64>,
    #[serde(default)]
    thresholds: Option<Vec<f64>>,
    #[serde(default)]
    mse: Option<f64>,
    #[serde(default)]
    snr_db: Option<f64>,
    #[serde(default)]
    entropy_bits: Option<f64>,
    #[serde(default)]
    source: Option<String>,
}

/// Longest text accepted: the most levels and thresholds at their longest, and room for blanks.
const MAX_BYTES: usize = 2 * MAX_LEVELS * 32;

impl CodebookFile {
    /// A codebook about which nothing else is known.
    pub fn new(codebook: Codebook) -> Self {
        Self { codebook, mse: None, snr_db: None, entropy_bits: None, source: None }
    }

    /// The text of a codebook file. Numbers keep every bit when read back.
    pub fn to_json(&self) -> String {
        let record = Record {
            levels: self.codebook.levels().to_vec(),
            thresholds: Some(self.codebook.thresholds().to_vec()),
            mse: self.mse,
            snr_db: self.snr_db,
            entropy_bits: self.entropy_bits,
            source: self.source.clone(),
        };
        serde_json::to_string_pretty(&record).expect("numbers, arrays and strings have a JSON form") + "\n"
    }

    /// Reads the text of a codebook file. Without `thresholds` they lie midway between the levels; keys that are not
    /// known are passed over.
    ///
    /// # Errors
    /// `Malformed` for text that is not such JSON, `LimitExceeded` beyond 64 MiB, else as [`Codebook::new`].
    pub fn from_json(text: &str) -> Result<Self> {
        if text.len() > MAX_BYTES {
            let (value, limit) = (text.len() as u64, MAX_BYTES as u64);
            return Err(Error::LimitExceeded { what: "bytes of a codebook file", value, limit });
        }
        let record: Record = serde_json::from_str(text).map_err(|error| malformed(text, &error))?;
        let codebook = match record.thresholds {
            Some(thresholds) => Codebook::new(record.levels, thresholds)?,
            None => Codebook::from_levels(record.levels)?,
        };
        let Record { mse, snr_db, entropy_bits, source, .. } = record;
        Ok(Self { codebook, mse, snr_db, entropy_bits, source })
    }
}

/// serde_json counts lines from 1 and columns in bytes.
pub(super) fn malformed(text: &str, error: &serde_json::Error) -> Error {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at_byte = (before + error.column().saturating_sub(1)) as u64;
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or_default();
    Error::Malformed { what: format!("not a codebook: {reason}"), at_byte }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_survives_the_file() {
        let levels = vec![-1.0 / 3.0, 1e-300, std::f64::consts::PI];
        let mut file = CodebookFile::new(Codebook::from_levels(levels).expect("ascending"));
        file.mse = Some(0.1 + 0.2);
        file.source = Some("laplace \"quoted\"\n".into());
        assert_eq!(CodebookFile::from_json(&file.to_json()).expect("own text"), file);
    }

    #[test]
    fn thresholds_may_be_absent() {
        let file = CodebookFile::from_json(r#"{"levels": [0, 1], "schema": 1}"#).expect("levels are enough");
        assert_eq!(file.codebook.thresholds(), [0.5]);
    }

    #[test]
    fn bad_files_say_what_and_where() {
        let at = |text| match CodebookFile::from_json(text) {
            Err(Error::Malformed { at_byte, .. }) => at_byte,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(at("{\n\"levels\": [1, x]}"), 16);
        at("");
        at("[1, 2]");
        at(r#"{"thresholds": []}"#);
        at(r#"{"levels": "1, 2"}"#);
        at(r#"{"levels": [1, 1e999]}"#);
        assert!(matches!(CodebookFile::from_json(r#"{"levels": [2, 1]}"#), Err(Error::InvalidParameter { .. })));
    }

    #[test]
    fn figures_that_do_not_exist_become_null() {
        let mut file = CodebookFile::new(Codebook::from_levels(vec![0.0]).expect("one level"));
        file.snr_db = Some(f64::INFINITY);
        assert!(file.to_json().contains("\"snr_db\": null"));
    }
}
