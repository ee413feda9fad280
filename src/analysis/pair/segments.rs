//! Segmental SNR: the mean over short frames of each frame's SNR.

use crate::analysis::figure::Absent;

use super::EPSILON;

/// Bounds of a frame's SNR in the clamped measure, dB.
const BOUNDS_DB: (f64, f64) = (-10.0, 35.0);
const SEGMENT_S: f64 = 0.02;

/// Gathers frames of 20 ms; what is left of one at a break is no frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Segments {
    /// Samples of a frame.
    pub length: usize,
    pub n: usize,
    sum_db: f64,
    clamped_sum_db: f64,
    /// The frame at hand: samples, sum x^2, sum e^2.
    at: usize,
    xx: f64,
    ee: f64,
}

impl Segments {
    pub(super) fn new(sample_rate_hz: f64) -> Self {
        Self { length: (SEGMENT_S * sample_rate_hz).round().max(1.0) as usize, ..Self::default() }
    }

    pub(super) fn push(&mut self, x: &[f64], e: &[f64]) {
        let mut from = 0;
        while from < x.len() {
            let end = x.len().min(from + self.length - self.at);
            let square = |v: &[f64]| super::product(v, v);
            self.xx += square(&x[from..end]);
            self.ee += square(&e[from..end]);
            self.at += end - from;
            from = end;
            if self.at == self.length {
                let db = 10.0 * ((self.xx + EPSILON) / (self.ee + EPSILON)).log10();
                self.sum_db += db;
                self.clamped_sum_db += db.clamp(BOUNDS_DB.0, BOUNDS_DB.1);
                self.n += 1;
                self.end_frame();
            }
        }
    }

    /// What follows does not continue what came.
    pub(super) fn end_frame(&mut self) {
        (self.at, self.xx, self.ee) = (0, 0.0, 0.0);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.sum_db += other.sum_db;
        self.clamped_sum_db += other.clamped_sum_db;
    }

    /// The plain mean and the clamped one.
    pub(super) fn means(&self, n_samples: usize) -> Result<(f64, f64), Absent> {
        let n = self.n as f64;
        match self.n {
            0 => Err(Absent::TooShort { n_samples, needed: self.length }),
            _ => Ok((self.sum_db / n, self.clamped_sum_db / n)),
        }
    }
}
