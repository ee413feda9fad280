//! The density that theory expects of a quantizer's error, in steps.
//!
//! Away from overload the total error of a uniform quantizer is uniform over one step without dither (when the input
//! spreads over many steps), and the sum of that and the dither with non-subtractive dither. With subtractive dither of
//! at least one step it is uniform for any input.
//!
//! Source: S. P. Lipshitz, R. A. Wannamaker, J. Vanderkooy, "Quantization and dither: a theoretical survey", 1992.

/// Shape of the expected error, in units of one step.
///
/// ```
/// use sqnr::analysis::error_density::ErrorDensity;
///
/// // Triangular dither triples the error of rounding: step^2 / 4 instead of step^2 / 12.
/// assert_eq!(ErrorDensity::Quadratic.variance() / ErrorDensity::Uniform.variance(), 3.0);
/// assert!((ErrorDensity::Quadratic.cdf(0.0) - 0.5).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum ErrorDensity {
    /// Uniform over one step: no dither, or subtractive dither.
    #[default]
    Uniform,
    /// Triangular over two steps: rectangular dither of one step.
    Triangular,
    /// Three uniforms, three steps wide: triangular dither of two steps.
    Quadratic,
    /// Uniform over one step and Gaussian dither of this standard deviation, in steps.
    Gaussian {
        /// Standard deviation of the dither, steps.
        sigma_steps: f64,
    },
}

impl ErrorDensity {
    /// Probability of an error of at most `u` steps.
    pub fn cdf(self, u: f64) -> f64 {
        match self {
            Self::Uniform => irwin_hall_cdf(1, u + 0.5),
            Self::Triangular => irwin_hall_cdf(2, u + 1.0),
            Self::Quadratic => irwin_hall_cdf(3, u + 1.5),
            Self::Gaussian { sigma_steps } if sigma_steps > 0.0 => {
                let s = sigma_steps;
                s * (gaussian_cdf_integral((u + 0.5) / s) - gaussian_cdf_integral((u - 0.5) / s))
            }
            Self::Gaussian { .. } => irwin_hall_cdf(1, u + 0.5),
        }
    }

    /// Variance in steps squared: 1/12, 1/6, 1/4, or 1/12 + sigma^2.
    pub fn variance(self) -> f64 {
        match self {
            Self::Uniform => 1.0 / 12.0,
            Self::Triangular => 1.0 / 6.0,
            Self::Quadratic => 0.25,
            Self::Gaussian { sigma_steps } => 1.0 / 12.0 + sigma_steps * sigma_steps,
        }
    }
}

/// Distribution of the sum of n uniforms on [0, 1]: `1/n! sum_k (-1)^k C(n, k) (t - k)_+^n`.
fn irwin_hall_cdf(n: u32, t: f64) -> f64 {
    if t >= f64::from(n) {
        return 1.0;
    }
    let mut binomial = 1.0;
    let mut factorial = 1.0;
    let mut sum = 0.0;
    for k in 0..=n {
        let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
        sum += sign * binomial * (t - f64::from(k)).max(0.0).powi(n as i32);
        binomial *= f64::from(n - k) / f64::from(k + 1);
        factorial *= f64::from(k.max(1));
    }
    sum / factorial
}

/// Integral of the standard normal distribution function from minus infinity: `z Phi(z) + phi(z)`.
fn gaussian_cdf_integral(z: f64) -> f64 {
    let phi = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    z * 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2) + phi
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ErrorDensity; 4] = [
        ErrorDensity::Uniform,
        ErrorDensity::Triangular,
        ErrorDensity::Quadratic,
        ErrorDensity::Gaussian { sigma_steps: 0.5 },
    ];

    #[test]
    fn variance_is_that_of_the_density() {
        for density in ALL {
            let width = 1e-3;
            let variance: f64 = (-8000..8000)
                .map(|i| {
                    let u = (f64::from(i) + 0.5) * width;
                    u * u * (density.cdf(u + width / 2.0) - density.cdf(u - width / 2.0))
                })
                .sum();
            assert!((variance - density.variance()).abs() < 1e-6, "{density:?}: {variance}");
        }
    }

    #[test]
    fn distribution_is_symmetric_and_ends_at_0_and_1() {
        for density in ALL {
            assert!((density.cdf(0.0) - 0.5).abs() < 1e-15);
            assert!(density.cdf(-20.0).abs() < 1e-15);
            assert!((density.cdf(20.0) - 1.0).abs() < 1e-12);
            assert!((density.cdf(0.3) + density.cdf(-0.3) - 1.0).abs() < 1e-14);
        }
    }
}
