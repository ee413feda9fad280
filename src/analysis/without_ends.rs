//! Error statistics that leave out the ends of a signal, where a filter before lacked neighbours.

use super::error_statistics::{ErrorFigures, ErrorStatistics};

/// Gathers pairs of samples but for the first and the last few.
///
/// ```
/// use sqnr::analysis::{error_statistics::{ErrorStatistics, Settings}, without_ends::WithoutEnds};
///
/// let mut inner = WithoutEnds::new(ErrorStatistics::new(Settings::default())?, 2);
/// // The first two and the last two are off.
/// inner.push(&[0.5; 4], &[9.0, 9.0, 0.55, 0.55]);
/// inner.push(&[0.5; 3], &[0.55, 9.0, 9.0]);
/// assert!((inner.figures().snr_db.unwrap() - 20.0).abs() < 1e-9);
/// assert_eq!(inner.n_left_out(), 4);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WithoutEnds {
    statistics: ErrorStatistics,
    /// Samples left out at each end.
    n_ends: usize,
    n_seen: u64,
    /// The last pairs, which may be the end.
    x: Vec<f64>,
    y: Vec<f64>,
}

impl WithoutEnds {
    /// Leaves out `n_ends` samples at each end; with 0 it leaves out none.
    pub fn new(statistics: ErrorStatistics, n_ends: usize) -> Self {
        Self { statistics, n_ends, n_seen: 0, x: Vec::new(), y: Vec::new() }
    }

    /// Takes in as many inputs as outputs.
    pub fn push(&mut self, x: &[f64], y: &[f64]) {
        let n_start = (self.n_ends as u64).saturating_sub(self.n_seen).min(x.len() as u64) as usize;
        self.n_seen += x.len() as u64;
        if self.n_ends == 0 {
            return self.statistics.push(x, y);
        }
        self.x.extend_from_slice(&x[n_start..]);
        self.y.extend_from_slice(&y[n_start..]);
        let n_ready = self.x.len().saturating_sub(self.n_ends);
        self.statistics.push(&self.x[..n_ready], &self.y[..n_ready]);
        self.x.drain(..n_ready);
        self.y.drain(..n_ready);
    }

    /// Takes in indices of quantized samples.
    pub fn push_indices(&mut self, indices: &[i32]) {
        self.statistics.push_indices(indices);
    }

    /// Takes in what another channel gathered.
    pub fn merge(&mut self, other: &Self) {
        self.statistics.merge(&other.statistics);
    }

    /// What the samples between the ends say.
    pub fn figures(&self) -> ErrorFigures {
        self.statistics.figures()
    }

    /// Samples left out so far, as if the last one were the end.
    pub fn n_left_out(&self) -> u64 {
        self.n_seen.min(2 * self.n_ends as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::error_statistics::Settings;

    #[test]
    fn blocks_of_any_size_leave_out_the_same() {
        let x: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0).collect();
        let y: Vec<f64> = x.iter().map(|x| x * x).collect();
        let statistics = || ErrorStatistics::new(Settings::default()).expect("legal");
        let mut plain = statistics();
        plain.push(&x[7..93], &y[7..93]);
        for size in [1, 3, 6, 7, 8, 50, 100] {
            let mut inner = WithoutEnds::new(statistics(), 7);
            x.chunks(size).zip(y.chunks(size)).for_each(|(x, y)| inner.push(x, y));
            let snr_db = |figures: ErrorFigures| figures.snr_db.expect("an error");
            assert!((snr_db(inner.figures()) - snr_db(plain.figures())).abs() < 1e-9, "blocks of {size}");
            assert_eq!(inner.n_left_out(), 14);
        }
        let mut short = WithoutEnds::new(statistics(), 7);
        short.push(&x[..10], &y[..10]);
        assert!(short.figures().snr_db.is_err() && short.n_left_out() == 10);
    }
}
