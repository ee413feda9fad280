//! Null depth over time.

use crate::analysis::figure::{Absent, Figure, ratio_db};

/// Most stretches of a record.
const MAX_STRETCHES: u64 = 1_000;

/// Null depth of a stretch of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NullDepth {
    /// Where the stretch begins.
    pub start_s: f64,
    /// Error over reference, `10 log10(sum e^2 / sum x^2)`; the deeper the better.
    pub null_depth_db: Figure,
}

/// Gathers the error of a reference stretch by stretch: 100 ms or a thousandth of the record, whichever is longer; what is
/// left at the end is no stretch.
///
/// ```
/// use sqnr::analysis::pair::NullDepthOverTime;
///
/// let mut over_time = NullDepthOverTime::new(48_000, 48_000.0);
/// over_time.push(0, &[0.5; 48_000], &[0.005; 48_000]);
/// let depths = over_time.depths();
/// assert!(depths.len() == 10 && (depths[3].null_depth_db.unwrap() + 40.0).abs() < 1e-9);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NullDepthOverTime {
    stretch: u64,
    sample_rate_hz: f64,
    stretches: Vec<Sums>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Sums {
    n: u64,
    xx: f64,
    ee: f64,
}

impl NullDepthOverTime {
    /// - `n_frames`: samples of the reference
    /// - `sample_rate_hz`: above 0
    pub fn new(n_frames: u64, sample_rate_hz: f64) -> Self {
        let stretch = ((0.1 * sample_rate_hz).round() as u64).max(n_frames.div_ceil(MAX_STRETCHES)).max(1);
        let n = usize::try_from(n_frames / stretch).unwrap_or(0);
        Self { stretch, sample_rate_hz, stretches: vec![Sums::default(); n] }
    }

    /// Takes in the reference from sample `start` on, and the error there.
    pub fn push(&mut self, start: u64, x: &[f64], e: &[f64]) {
        let mut from = 0;
        while from < x.len() {
            let at = start + from as u64;
            let end = x.len().min(from + (self.stretch - at % self.stretch) as usize);
            let index = usize::try_from(at / self.stretch).unwrap_or(usize::MAX);
            if let Some(sums) = self.stretches.get_mut(index) {
                let square = |v: &[f64]| super::product(v, v);
                sums.n += (end - from) as u64;
                sums.xx += square(&x[from..end]);
                sums.ee += square(&e[from..end]);
            }
            from = end;
        }
    }

    /// The depth of each stretch.
    pub fn depths(&self) -> Vec<NullDepth> {
        let depth = |sums: &Sums| match sums {
            Sums { n: 0, .. } => Err(Absent::NoOverlap),
            Sums { n, xx, ee } if !(xx + ee).is_finite() => Err(Absent::NotFinite { n_samples: *n }),
            Sums { xx, ee, .. } => ratio_db(*xx, *ee, Absent::NoError).map(|snr| -snr),
        };
        let start_s = |i: usize| (i as u64 * self.stretch) as f64 / self.sample_rate_hz;
        let of = |(i, sums): (usize, &Sums)| NullDepth { start_s: start_s(i), null_depth_db: depth(sums) };
        self.stretches.iter().enumerate().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depths(x: &[f64], e: &[f64]) -> Vec<NullDepth> {
        let mut over_time = NullDepthOverTime::new(x.len() as u64, 48e3);
        for (i, (x, e)) in x.chunks(1_000).zip(e.chunks(1_000)).enumerate() {
            over_time.push(1_000 * i as u64, x, e);
        }
        over_time.depths()
    }

    #[test]
    fn null_depth_follows_the_error_over_time() {
        let x: Vec<f64> = (0..48_000).map(|i| f64::from(i % 101) / 101.0 - 0.5).collect();
        // The second half is ten times as wrong as the first.
        let error = |i: usize| if i < 24_000 { 1e-3 } else { 1e-2 };
        let e: Vec<f64> = x.iter().enumerate().map(|(i, x)| x * error(i)).collect();
        let got = depths(&x, &e);
        assert_eq!((got.len(), got[5].start_s), (10, 0.5));
        let depth = |i: usize| got[i].null_depth_db.expect("differs");
        assert!((0..5).all(|i| (depth(i) + 60.0).abs() < 1e-6) && (5..10).all(|i| (depth(i) + 40.0).abs() < 1e-6));
        assert_eq!(depths(&x, &[0.0; 48_000])[0].null_depth_db, Err(Absent::NoError));
        assert_eq!(depths(&[0.0; 4_800], &x[..4_800])[0].null_depth_db, Err(Absent::Silence));
        assert!(depths(&[f64::NAN; 4_800], &x[..4_800])[0].null_depth_db.is_err());
        assert!(depths(&[0.1], &[0.1]).is_empty());
        assert_eq!(NullDepthOverTime::new(9_600, 48e3).depths()[1].null_depth_db, Err(Absent::NoOverlap));
    }
}
