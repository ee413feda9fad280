//! The standards' weighting curves as formulas, in dB over the gain at 1 kHz.
//!
//! Sources: A and C: IEC 61672-1:2013, annex E, with the corner frequencies of its equations; ITU-R: Recommendation
//! BS.468-4, annex 1, figure 1a, the response of its passive network as a rational function.

/// A-weighting, dB; minus infinity at 0 Hz.
///
/// ```
/// use sqnr::hearing::curves::a_db;
///
/// // IEC 61672: 0 dB at 1 kHz, -19.1 dB at 100 Hz.
/// assert!(a_db(1_000.0).abs() < 0.01 && (a_db(100.0) + 19.1).abs() < 0.1);
/// ```
pub fn a_db(frequency_hz: f64) -> f64 {
    20.0 * (a_magnitude(frequency_hz) / a_magnitude(1000.0)).log10()
}

/// C-weighting, dB; minus infinity at 0 Hz.
pub fn c_db(frequency_hz: f64) -> f64 {
    20.0 * (c_magnitude(frequency_hz) / c_magnitude(1000.0)).log10()
}

/// IEC 61672-1, equation E.6 before normalization.
fn a_magnitude(f: f64) -> f64 {
    let f2 = f * f;
    let upper = f2 + 12_194.217f64.powi(2);
    12_194.217f64.powi(2) * f2 * f2
        / ((f2 + 20.598_997f64.powi(2)) * ((f2 + 107.652_65f64.powi(2)) * (f2 + 737.862_23f64.powi(2))).sqrt() * upper)
}

/// IEC 61672-1, equation E.1 before normalization.
fn c_magnitude(f: f64) -> f64 {
    let f2 = f * f;
    12_194.217f64.powi(2) * f2 / ((f2 + 20.598_997f64.powi(2)) * (f2 + 12_194.217f64.powi(2)))
}

/// Puts the rational form at +12.2 dB at 6.3 kHz as the table asks, and at 0 dB within 0.01 at 1 kHz.
const LEVEL_AT_1_KHZ_DB: f64 = 18.246_265_068_039_158;

/// ITU-R BS.468, dB: 12.2 dB at 6.3 kHz; minus infinity at 0 Hz.
pub fn itu_468_db(frequency_hz: f64) -> f64 {
    let f = frequency_hz;
    let h1 = -4.737_338_981_378_384e-24 * f.powi(6) + 2.043_828_333_606_125e-15 * f.powi(4)
        - 1.363_894_795_463_638e-7 * f * f
        + 1.0;
    let h2 =
        1.306_612_257_412_824e-19 * f.powi(5) - 2.118_150_887_518_656e-11 * f.powi(3) + 5.559_488_023_498_642e-4 * f;
    LEVEL_AT_1_KHZ_DB + 20.0 * (1.246_332_637_532_143e-4 * f / h1.hypot(h2)).log10()
}
