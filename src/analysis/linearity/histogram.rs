//! How often each code of a converter occurred.

use crate::{Error, Result};

/// Counts codes of a converter with L levels.
///
/// ```
/// use sqnr::analysis::linearity::{CodeHistogram, Stimulus, analyse};
///
/// // A ramp met code 3 half as often as the others: its cell is half a step too narrow.
/// let histogram = CodeHistogram::from_counts(vec![50, 110, 110, 50, 110, 110, 110, 50])?;
/// let figures = analyse(&histogram, Stimulus::Ramp { ends_lsb: None }).expect("enough samples");
/// assert!((figures.dnl_max_lsb.unwrap() - 0.5).abs() < 1e-9);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CodeHistogram {
    pub(super) counts: Vec<u64>,
    n_outside: u64,
}

impl CodeHistogram {
    /// An empty histogram for codes 0 to L - 1.
    ///
    /// # Errors
    /// `InvalidParameter` for fewer than 4 or more than 2^24 levels.
    pub fn new(n_levels: usize) -> Result<Self> {
        if !(4..=1 << 24).contains(&n_levels) {
            return Err(Error::invalid("levels", n_levels, "4 to 16777216"));
        }
        Ok(Self { counts: vec![0; n_levels], n_outside: 0 })
    }

    /// From counts per code.
    ///
    /// # Errors
    /// Those of [`CodeHistogram::new`].
    pub fn from_counts(counts: Vec<u64>) -> Result<Self> {
        Self { counts, ..Self::new(4)? }.checked()
    }

    fn checked(self) -> Result<Self> {
        Self::new(self.counts.len()).map(|_| self)
    }

    /// Takes in samples of full scale 1.0 as codes: `x L / 2 + L / 2`, rounded. NaN and codes outside are counted apart.
    pub fn push(&mut self, x: &[f64]) {
        let half = self.counts.len() as f64 / 2.0;
        for x in x {
            let code = (x * half + half + 0.5).floor();
            if code >= 0.0 && code < self.counts.len() as f64 {
                self.counts[code as usize] += 1;
            } else {
                self.n_outside += 1;
            }
        }
    }

    /// Counts per code.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Samples that were no code.
    pub fn n_outside(&self) -> u64 {
        self.n_outside
    }
}
