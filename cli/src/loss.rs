//! What decoding a file costs, for people and for machines.

use serde_json::{Map, Value, json};

use sqnr::{analysis::Absent, task::DecodingLoss};

use super::units;

/// `SNR 21.30 dB`, `exact`, or why there is no figure.
pub fn describe(loss: &DecodingLoss) -> String {
    match loss.figures.snr_db {
        Ok(value) => format!("SNR {}", units::db(value)),
        Err(Absent::NoError) => "exact".into(),
        Err(why) => format!("no SNR: {why}"),
    }
}

/// For machines.
pub fn json(loss: &DecodingLoss) -> Map<String, Value> {
    Map::from_iter([
        ("snr_db".to_owned(), json!(loss.figures.snr_db.ok())),
        ("mse".to_owned(), json!(loss.figures.mse)),
        ("error_peak".to_owned(), json!(loss.figures.error_peak)),
        ("samples".to_owned(), json!(loss.samples)),
        ("reference_samples".to_owned(), json!(loss.reference_samples)),
    ])
}
