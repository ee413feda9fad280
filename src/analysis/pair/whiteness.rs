//! Whether an error is white: its correlation with itself.
//!
//! Source: G. M. Ljung, G. E. P. Box, "On a measure of lack of fit in time series models", 1978.

use crate::analysis::figure::Absent;

/// Lags looked at.
pub(super) const N_LAGS: usize = 20;

/// Sums of products of an error with itself, lag by lag.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LaggedSums {
    /// `sum e[n] e[n - k]` for k = 1 to [`N_LAGS`].
    sums: [f64; N_LAGS],
    /// The last errors, oldest first, then room for a block.
    recent: Vec<f64>,
}

impl Default for LaggedSums {
    fn default() -> Self {
        Self { sums: [0.0; N_LAGS], recent: Vec::new() }
    }
}

impl LaggedSums {
    pub(super) fn push(&mut self, e: &[f64]) {
        let n_before = self.recent.len();
        self.recent.extend_from_slice(e);
        for (k, sum) in self.sums.iter_mut().enumerate() {
            let from = n_before.max(k + 1);
            if from < self.recent.len() {
                *sum += super::product(&self.recent[from..], &self.recent[from - k - 1..self.recent.len() - k - 1]);
            }
        }
        let n_old = self.recent.len().saturating_sub(N_LAGS);
        self.recent.drain(..n_old);
    }

    /// What follows does not continue what came.
    pub(super) fn forget(&mut self) {
        self.recent.clear();
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, other)| *sum += other);
    }
}

/// Autocorrelation of an error, and what it says of whiteness.
#[derive(Debug, Clone, Copy)]
pub(super) struct Autocorrelation {
    pub largest: f64,
    pub lag: usize,
    pub q: f64,
    pub p_white: f64,
}

impl Autocorrelation {
    /// Ljung-Box statistic `Q = n (n + 2) sum r_k^2 / (n - k)`, chi-squared with as many degrees of freedom as lags.
    pub(super) fn of(lagged: &LaggedSums, n_samples: usize, energy: f64) -> Result<Self, Absent> {
        if n_samples < 4 * N_LAGS {
            return Err(Absent::TooShort { n_samples, needed: 4 * N_LAGS });
        }
        if energy <= 0.0 {
            return Err(Absent::NoError);
        }
        let n = n_samples as f64;
        let (mut largest, mut largest_lag, mut sum) = (0.0f64, 1, 0.0);
        for (lag, products) in (1..).zip(lagged.sums) {
            let r = products / energy;
            if r.abs() > largest.abs() {
                (largest, largest_lag) = (r, lag);
            }
            sum += r * r / (n - lag as f64);
        }
        let q = n * (n + 2.0) * sum;
        Ok(Self { largest, lag: largest_lag, q, p_white: chi_squared_tail(N_LAGS, q) })
    }
}

/// Probability that a chi-squared variable of an even number of degrees of freedom exceeds q:
/// `exp(-q/2) sum_{i < dof/2} (q/2)^i / i!`.
fn chi_squared_tail(even_dof: usize, q: f64) -> f64 {
    let half = q / 2.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    for i in 1..even_dof / 2 {
        term *= half / i as f64;
        sum += term;
    }
    ((-half).exp() * sum).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chi_squared_tail_of_known_quantiles() {
        // Table: 20 degrees of freedom, 5 % at 31.410, 95 % at 10.851.
        assert!((chi_squared_tail(20, 31.410) - 0.05).abs() < 1e-4);
        assert!((chi_squared_tail(20, 10.851) - 0.95).abs() < 1e-4);
    }

    #[test]
    fn blocks_give_the_sums_of_the_whole() {
        let e: Vec<f64> = (0..1_000).map(|i| f64::from(i * i % 101) - 50.0).collect();
        for size in [1, 7, 19, 20, 21, 333, 1_000] {
            let mut lagged = LaggedSums::default();
            e.chunks(size).for_each(|block| lagged.push(block));
            for k in 1..=N_LAGS {
                let plain: f64 = e[k..].iter().zip(&e).map(|(a, b)| a * b).sum();
                assert_eq!(lagged.sums[k - 1], plain, "blocks of {size}, lag {k}");
            }
        }
    }
}
