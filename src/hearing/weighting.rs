//! How loud noise of each frequency is: the curves that a noise shaper is designed for.
//!
//! A weighting is a power spectrum's factor in dB; only differences matter, so each is given as its source has it.

use crate::{Error, Result};

/// A weighting curve.
#[derive(Debug, Clone, PartialEq)]
pub enum Weighting {
    /// A of IEC 61672-1: moderate levels of sound, 0 dB at 1 kHz.
    A,
    /// ITU-R BS.468-4: broadcast noise, peak of 12.2 dB at 6.3 kHz.
    Itu468,
    /// Minus the hearing threshold of ISO 226:2003: what is just audible.
    Threshold,
    /// Minus the 15-phon contour of ISO 226:2003: faint noise.
    Phon15,
    /// Points (frequency in Hz, weight in dB), frequencies above 0 and ascending; linear in between over the logarithm
    /// of the frequency, flat beyond the ends.
    Curve(Vec<(f64, f64)>),
}

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
/// beyond which nobody hears and the curve stays flat. Other contours go on in parallel from their end at 12.5 kHz.
const EXTENSION: [(f64, f64); 4] = [(14_000.0, 18.4), (16_000.0, 40.2), (18_000.0, 70.4), (24_000.0, 160.4)];

impl Weighting {
    /// The weighting of a name: `a`, `468`, `threshold` (or `t`), `phon15` (or `p15`).
    ///
    /// # Errors
    /// `InvalidParameter` for any other name.
    pub fn parse(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "a" => Ok(Self::A),
            "468" | "itu468" | "itu-r-468" => Ok(Self::Itu468),
            "t" | "threshold" => Ok(Self::Threshold),
            "p15" | "phon15" | "15-phon" => Ok(Self::Phon15),
            _ => Err(Error::invalid("weighting", name, "a, 468, threshold, phon15")),
        }
    }

    /// The curve's values in dB at `frequencies_hz`, each above 0.
    ///
    /// # Errors
    /// `InvalidParameter` for a user's curve without points, not ascending or not finite.
    pub fn db(&self, frequencies_hz: &[f64]) -> Result<Vec<f64>> {
        let each = |f: &dyn Fn(f64) -> f64| Ok(frequencies_hz.iter().map(|&hz| f(hz)).collect());
        match self {
            Self::A => each(&a_db),
            Self::Itu468 => each(&itu_468_db),
            Self::Threshold => each(&|hz| -interpolate(&threshold(), hz)),
            Self::Phon15 => {
                let contour = contour(15.0);
                each(&|hz| -interpolate(&contour, hz))
            }
            Self::Curve(points) => {
                check_curve(points)?;
                each(&|hz| interpolate(points, hz))
            }
        }
    }
}

fn check_curve(points: &[(f64, f64)]) -> Result<()> {
    let ascending = points.windows(2).all(|p| p[0].0 < p[1].0);
    let sound = points.iter().all(|&(hz, db)| hz > 0.0 && hz.is_finite() && (-1000.0..=1000.0).contains(&db));
    match !points.is_empty() && ascending && sound {
        true => Ok(()),
        false => {
            let allowed = "one point at least, frequencies above 0 Hz and ascending, weights within 1000 dB";
            Err(Error::invalid("weighting curve", format!("{points:?}"), allowed))
        }
    }
}

/// Linear over the logarithm of the frequency, flat beyond the ends; `points` is ascending and not empty.
fn interpolate(points: &[(f64, f64)], hz: f64) -> f64 {
    let above = points.partition_point(|p| p.0 <= hz);
    if above == 0 || above == points.len() {
        return points[above.saturating_sub(1)].1;
    }
    let ((f0, v0), (f1, v1)) = (points[above - 1], points[above]);
    v0 + (v1 - v0) * (hz / f0).ln() / (f1 / f0).ln()
}

/// `R_A(f)` of IEC 61672-1:2013, equation (E.1), poles from E.4, normalised at 1 kHz.
fn a_db(hz: f64) -> f64 {
    let response = |f: f64| {
        let f2 = f * f;
        let low = (f2 + 20.598_997f64.powi(2)) * ((f2 + 107.652_65f64.powi(2)) * (f2 + 737.862_23f64.powi(2))).sqrt();
        f2 * f2 / (low * (f2 + 12_194.217f64.powi(2)))
    };
    power_db((response(hz) / response(1000.0)).powi(2))
}

/// ITU-R BS.468-4, annex 1, figure 1a: the response of its passive network as a rational function, 0 dB at 1 kHz.
fn itu_468_db(hz: f64) -> f64 {
    let h1 = -4.737_338_981_378_384e-24 * hz.powi(6) + 2.043_828_333_606_125e-15 * hz.powi(4)
        - 1.363_894_795_463_638e-7 * hz.powi(2)
        + 1.0;
    let h2 =
        1.306_612_257_412_824e-19 * hz.powi(5) - 2.118_150_887_518_656e-11 * hz.powi(3) + 5.559_488_023_498_642e-4 * hz;
    let response = 1.246_332_637_532_143e-4 * hz / h1.hypot(h2);
    power_db(response * response) + 18.2
}

/// Decibels of a power, no lower than -1000.
fn power_db(power: f64) -> f64 {
    10.0 * power.max(1e-100).log10()
}

fn threshold() -> Vec<(f64, f64)> {
    ISO_226.iter().map(|&(hz, _, _, threshold)| (hz, threshold)).chain(EXTENSION).collect()
}

/// Contour of equal loudness at `phon`, dB SPL: ISO 226:2003, equation (1).
fn contour(phon: f64) -> Vec<(f64, f64)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the standards' own tables, to the tenth of a decibel that is printed; "20 Hz" of IEC 61672 is 10^1.3.
    #[test]
    fn curves_pass_through_the_standards_tables() {
        let a = Weighting::A.db(&[19.953, 100.0, 1000.0, 10_000.0, 19_953.0]).expect("no parameters");
        for (got, expected) in a.iter().zip([-50.5, -19.1, 0.0, -2.5, -9.3]) {
            assert!((got - expected).abs() < 0.1, "A: {got} {expected}");
        }
        let itu = Weighting::Itu468.db(&[31.5, 1000.0, 6300.0, 20_000.0]).expect("no parameters");
        for (got, expected) in itu.iter().zip([-29.9, 0.0, 12.2, -22.2]) {
            assert!((got - expected).abs() < 0.1, "468: {got} {expected}");
        }
        let threshold = Weighting::Threshold.db(&[10.0, 1000.0, 4000.0, 96_000.0]).expect("no parameters");
        assert_eq!(threshold, [-78.5, -2.4, 5.4, -160.4]);
        // By definition the contour of 15 phon passes 1 kHz at 15 dB SPL; the formula does so to 0.1 dB.
        let phon = Weighting::Phon15.db(&[1000.0]).expect("no parameters");
        assert!((phon[0] + 15.0).abs() < 0.1, "{phon:?}");
    }

    #[test]
    fn a_users_curve_is_linear_in_octaves() {
        let curve = Weighting::Curve(vec![(100.0, 0.0), (400.0, 12.0)]);
        let db = curve.db(&[1.0, 100.0, 200.0, 400.0, 1e6]).expect("ascending");
        assert!(db.iter().zip([0.0, 0.0, 6.0, 12.0, 12.0]).all(|(a, b)| (a - b).abs() < 1e-9), "{db:?}");
        for points in [vec![], vec![(0.0, 1.0)], vec![(2.0, 0.0), (1.0, 0.0)], vec![(1.0, f64::NAN)]] {
            assert!(Weighting::Curve(points).db(&[1.0]).is_err());
        }
        assert!(Weighting::parse("z").is_err());
        assert_eq!(Weighting::parse("P15").expect("a name"), Weighting::Phon15);
    }
}
