//! The threshold in quiet: the faintest tone that is heard.
//!
//! Source: E. Terhardt, "Calculating virtual pitch", Hearing Research 1 (1979), equation 4.

/// Threshold in quiet at a frequency above 0 Hz, dB SPL: 3.4 dB at 1 kHz, least near 3.3 kHz.
///
/// ```
/// use sqnr::hearing::threshold::threshold_db_spl;
///
/// // The ear is most sensitive between 3 and 4 kHz.
/// assert!(threshold_db_spl(3_500.0) < threshold_db_spl(1_000.0));
/// assert!(threshold_db_spl(1_000.0) < threshold_db_spl(100.0));
/// ```
pub fn threshold_db_spl(frequency_hz: f64) -> f64 {
    let khz = frequency_hz / 1000.0;
    3.64 * khz.powf(-0.8) - 6.5 * (-0.6 * (khz - 3.3).powi(2)).exp() + 1e-3 * khz.powi(4)
}
