//! Windows for spectra, by name.
//!
//! Cosine-sum windows are periodic (one period is N samples, "DFT-even"): `w[n] = sum_j (-1)^j a_j cos(2 pi j n / N)`.
//! The Kaiser window is symmetric, as in MATLAB: `w[n] = I0(beta sqrt(1 - (2n/(N-1) - 1)^2)) / I0(beta)`.

use std::{f64::consts::TAU, fmt, str::FromStr};

use crate::{Error, Result};

/// A window for spectral analysis.
///
/// ```
/// use sqnr::analysis::window::Window;
///
/// let hann = Window::Hann.samples(8)?;
/// assert!(hann[0].abs() < 1e-12 && (hann[4] - 1.0).abs() < 1e-12);
/// assert_eq!("bh4".parse::<Window>()?, Window::BlackmanHarris4);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Window {
    /// All ones; right for coherent records only.
    Rectangular,
    /// Hann, side lobes -31 dB falling 18 dB per octave.
    Hann,
    /// Blackman-Harris, four terms, side lobes below -92 dB.
    BlackmanHarris4,
    /// Blackman-Harris, seven terms, side lobes below -180 dB.
    BlackmanHarris7,
    /// Flat top, five terms: the peak line errs at most 0.01 dB anywhere between two lines.
    FlatTop,
    /// Kaiser with its parameter beta, 0 to 100; MATLAB measures with 38.
    Kaiser {
        /// Width of the main lobe against height of the side lobes.
        beta: f64,
    },
}

// F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform", 1978, table I.
const BLACKMAN_HARRIS_4: [f64; 4] = [0.35875, 0.48829, 0.14128, 0.01168];
// H.-H. Albrecht, "A family of cosine-sum windows for high-resolution measurements", 2001, seven terms.
const BLACKMAN_HARRIS_7: [f64; 7] = [
    0.271_051_400_693_42,
    0.433_297_939_234_48,
    0.218_122_999_543_11,
    0.065_925_446_388_03,
    0.010_811_742_098_37,
    0.000_776_584_825_22,
    0.000_013_887_217_35,
];
// G. D'Antona, A. Ferrero, "Digital signal processing for measurement systems", 2006, page 70; as MATLAB's flattopwin.
const FLAT_TOP: [f64; 5] = [0.215_578_95, 0.416_631_58, 0.277_263_158, 0.083_578_947, 0.006_947_368];

impl Window {
    /// The window's samples, n of them.
    ///
    /// # Errors
    /// `InvalidParameter` when n = 0 or the Kaiser parameter is outside 0 to 100.
    pub fn samples(self, n: usize) -> Result<Vec<f64>> {
        if n == 0 {
            return Err(Error::invalid("window length", 0, "1 and above"));
        }
        Ok(match self {
            Self::Rectangular => vec![1.0; n],
            Self::Hann => cosine_sum(&[0.5, 0.5], n),
            Self::BlackmanHarris4 => cosine_sum(&BLACKMAN_HARRIS_4, n),
            Self::BlackmanHarris7 => cosine_sum(&BLACKMAN_HARRIS_7, n),
            Self::FlatTop => cosine_sum(&FLAT_TOP, n),
            Self::Kaiser { beta } => kaiser(checked_beta(beta)?, n),
        })
    }

    /// Lines each side of a tone that hold its power: what is excluded around DC, tone and harmonics.
    ///
    /// A cosine sum of T terms spans T - 1 lines each side; Hann is given one more, the flat top and the seven-term
    /// window their number of terms (genalyzer's rule). Kaiser: the main lobe ends at `sqrt(1 + (beta / pi)^2)` lines;
    /// one more holds the foot.
    pub fn half_width_lines(self) -> usize {
        match self {
            Self::Rectangular => 0,
            Self::Hann => 3,
            Self::BlackmanHarris4 => 4,
            Self::FlatTop => 5,
            Self::BlackmanHarris7 => 7,
            Self::Kaiser { beta } => (1.0 + (beta / std::f64::consts::PI).powi(2)).sqrt().ceil() as usize + 1,
        }
    }

    /// The names that [`FromStr`] takes.
    pub const NAMES: &str = "rect, hann, bh4, bh7, flat-top, kaiser or kaiser=BETA";
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rectangular => f.write_str("rect"),
            Self::Hann => f.write_str("hann"),
            Self::BlackmanHarris4 => f.write_str("bh4"),
            Self::BlackmanHarris7 => f.write_str("bh7"),
            Self::FlatTop => f.write_str("flat-top"),
            Self::Kaiser { beta } => write!(f, "kaiser={beta}"),
        }
    }
}

impl FromStr for Window {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let refuse = || Error::invalid("window", name, Self::NAMES);
        Ok(match name {
            "rect" | "rectangular" => Self::Rectangular,
            "hann" => Self::Hann,
            "bh4" | "blackman-harris" => Self::BlackmanHarris4,
            "bh7" => Self::BlackmanHarris7,
            "flat-top" | "flattop" => Self::FlatTop,
            "kaiser" => Self::Kaiser { beta: 38.0 },
            _ => {
                let beta = name.strip_prefix("kaiser=").ok_or_else(refuse)?;
                Self::Kaiser { beta: checked_beta(beta.parse().map_err(|_| refuse())?)? }
            }
        })
    }
}

fn checked_beta(beta: f64) -> Result<f64> {
    if (0.0..=100.0).contains(&beta) { Ok(beta) } else { Err(Error::invalid("Kaiser beta", beta, "0 to 100")) }
}

fn cosine_sum(coefficients: &[f64], n: usize) -> Vec<f64> {
    let value = |i: usize| {
        let phase = TAU * i as f64 / n as f64;
        let terms = coefficients.iter().enumerate();
        terms.map(|(j, a)| if j % 2 == 0 { *a } else { -a } * (phase * j as f64).cos()).sum()
    };
    // w[n] = w[N - n]: half of the cosines suffice.
    let mut w: Vec<f64> = (0..=n / 2).map(value).collect();
    for i in n / 2 + 1..n {
        w.push(w[n - i]);
    }
    w.truncate(n);
    w
}

fn kaiser(beta: f64, n: usize) -> Vec<f64> {
    if n == 1 {
        return vec![1.0];
    }
    let at = |i: usize| {
        let u = 2.0 * i as f64 / (n - 1) as f64 - 1.0;
        bessel_i0(beta * (1.0 - u * u).max(0.0).sqrt()) / bessel_i0(beta)
    };
    (0..n).map(at).collect()
}

/// Modified Bessel function of the first kind, order 0: `sum_k ((x/2)^k / k!)^2`, all terms positive.
pub(super) fn bessel_i0(x: f64) -> f64 {
    let quarter_square = x * x / 4.0;
    let mut sum = 1.0;
    let mut term = 1.0;
    let mut k = 1.0;
    while term > sum * f64::EPSILON / 4.0 {
        term *= quarter_square / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Window; 6] = [
        Window::Rectangular,
        Window::Hann,
        Window::BlackmanHarris4,
        Window::BlackmanHarris7,
        Window::FlatTop,
        Window::Kaiser { beta: 38.0 },
    ];

    #[test]
    fn names_round_trip() {
        for window in ALL {
            assert_eq!(window.to_string().parse::<Window>().expect("own name"), window);
        }
        assert!("hamming-ish".parse::<Window>().is_err());
        assert!("kaiser=nan".parse::<Window>().is_err());
    }

    #[test]
    fn noise_bandwidths_are_the_published_ones() {
        // Harris 1978, table I: Hann 1.50, four-term Blackman-Harris 2.00; flat top 3.77 (MATLAB enbw).
        for (window, lines) in [
            (Window::Rectangular, 1.0),
            (Window::Hann, 1.5),
            (Window::BlackmanHarris4, 2.0044),
            (Window::FlatTop, 3.7702),
        ] {
            let w = window.samples(4096).expect("legal");
            let sum: f64 = w.iter().sum();
            let square: f64 = w.iter().map(|v| v * v).sum();
            let enbw = 4096.0 * square / (sum * sum);
            assert!((enbw - lines).abs() < 1e-4, "{window}: {enbw}");
        }
    }

    #[test]
    fn odd_lengths_and_one_sample_work() {
        for window in ALL {
            for n in [1, 2, 3, 7] {
                let w = window.samples(n).expect("legal");
                assert_eq!(w.len(), n);
                assert!(w.iter().all(|v| v.is_finite()));
            }
        }
    }

    #[test]
    fn kaiser_bessel_is_accurate() {
        // I0(1) and I0(38), the series summed in 28 decimal digits.
        assert!((bessel_i0(1.0) - 1.266_065_877_752_008_4).abs() < 1e-15);
        assert!((bessel_i0(38.0) / 2.068_504_714_851_044_8e15 - 1.0).abs() < 1e-14);
    }
}
