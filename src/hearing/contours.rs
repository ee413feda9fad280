//! Contours of equal loudness: which level a tone of each frequency needs.
//!
//! Points are (frequency in Hz, level in dB SPL), ascending.
//!
//! Source: ISO 226:2003; above its table, as the extension says.

/// Frequency in Hz, exponent alpha, level L_U in dB, threshold T_f in dB SPL: ISO 226:2003, table 1.
const ISO_226: [(f64, f64, f64, f64); 29] = [
    (20.0, 0.532, -31.6, 78.5),
    (25.0, 0.506, -27.2, 68.7),
    (31.5, 0.480, -23.0, 59.5),
    (40.0, 0.455, -19.1, 51.1),
    (50.0, 0.432, -15.9, 44.0),
    (63.0, 0.409, -13.0, 37.5),
    (80.0, 0.387, -10.3, 31.5),
    (100.0, 0.367, -8.1, 26.5),
    (125.0, 0.349, -6.2, 22.1),
    (160.0, 0.330, -4.5, 17.9),
    (200.0, 0.315, -3.1, 14.4),
    (250.0, 0.301, -2.0, 11.4),
    (315.0, 0.288, -1.1, 8.6),
    (400.0, 0.276, -0.4, 6.2),
    (500.0, 0.267, 0.0, 4.4),
    (630.0, 0.259, 0.3, 3.0),
    (800.0, 0.253, 0.5, 2.2),
    (1000.0, 0.250, 0.0, 2.4),
    (1250.0, 0.246, -2.7, 3.5),
    (1600.0, 0.244, -4.1, 1.7),
    (2000.0, 0.243, -1.0, -1.3),
    (2500.0, 0.243, 1.7, -4.2),
    (3150.0, 0.243, 2.5, -6.0),
    (4000.0, 0.242, 1.2, -5.4),
    (5000.0, 0.242, -2.1, -1.5),
    (6300.0, 0.245, -7.1, 6.0),
    (8000.0, 0.254, -11.2, 12.6),
    (10000.0, 0.271, -10.7, 13.9),
    (12500.0, 0.301, -3.1, 12.3),
];

/// The threshold above the table, dB SPL: 14 to 18 kHz as measured by several authors, then 15 dB per kHz up to 24 kHz,
/// above which hearing ends and the curve stays flat. Other contours go on in parallel from their end at 12.5 kHz.
const EXTENSION: [(f64, f64); 4] = [(14_000.0, 18.4), (16_000.0, 40.2), (18_000.0, 70.4), (24_000.0, 160.4)];

/// The hearing threshold.
pub(super) fn threshold() -> Vec<(f64, f64)> {
    ISO_226.iter().map(|&(hz, _, _, threshold)| (hz, threshold)).chain(EXTENSION).collect()
}

/// Contour of equal loudness at `phon`, dB SPL: ISO 226:2003, equation (1).
pub(super) fn contour(phon: f64) -> Vec<(f64, f64)> {
    let level = |&(hz, alpha, l_u, t_f): &(f64, f64, f64, f64)| {
        let a_f =
            4.47e-3 * (10f64.powf(0.025 * phon) - 1.15) + (0.4 * 10f64.powf((t_f + l_u) / 10.0 - 9.0)).powf(alpha);
        (hz, 10.0 / alpha * a_f.log10() - l_u + 94.0)
    };
    let mut points: Vec<_> = ISO_226.iter().map(level).collect();
    let above_threshold = points[ISO_226.len() - 1].1 - ISO_226[ISO_226.len() - 1].3;
    points.extend(EXTENSION.map(|(hz, db)| (hz, db + above_threshold)));
    points
}
