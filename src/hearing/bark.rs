//! The Bark scale: frequency as place along the ear's membrane, a critical band a unit.
//!
//! Source: ITU-R BS.1387-1, annex 2, 2.1.5.

/// Position on the Bark scale: `7 asinh(f / 650)`.
///
/// ```
/// use sqnr::hearing::bark::{bark, hz_of_bark};
///
/// // A thousand hertz lie near 8.5 Bark.
/// assert!((bark(1_000.0) - 8.5).abs() < 0.2);
/// assert!((hz_of_bark(bark(1_000.0)) - 1_000.0).abs() < 1.0);
/// ```
pub fn bark(frequency_hz: f64) -> f64 {
    7.0 * (frequency_hz / 650.0).asinh()
}

/// The frequency at a position on the Bark scale.
pub fn hz_of_bark(bark: f64) -> f64 {
    650.0 * (bark / 7.0).sinh()
}
