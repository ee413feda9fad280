//! How loud noise of each frequency is: the curves that a noise shaper is designed for.
//!
//! A weighting is a power spectrum's factor in dB; only differences matter, so each is given as its source has it.

use super::contours::{contour, threshold};
use super::curves::{a_db, itu_468_db};
use crate::{Error, Result};

/// No weight is lower: a shaper's design needs finite numbers.
const LEAST_DB: f64 = -1000.0;

/// A weighting curve.
///
/// ```
/// use sqnr::hearing::weighting::Weighting;
///
/// let db = Weighting::parse("a")?.db(&[1_000.0, 100.0])?;
/// assert!((db[0] - db[1] - 19.1).abs() < 0.1);
/// # Ok::<(), sqnr::Error>(())
/// ```
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
            Self::A => each(&|hz| a_db(hz).max(LEAST_DB)),
            Self::Itu468 => each(&|hz| itu_468_db(hz).max(LEAST_DB)),
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
