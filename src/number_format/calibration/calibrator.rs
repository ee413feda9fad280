//! A calibration that is shown its values in stretches, as often as it needs them: memory does not grow with their number.
//!
//! ```text
//! pass 1: number, smallest, largest    pass 2: a histogram between them, or all values where they are few
//! ```

use super::super::affine::{Affine, IntegerType, ScaleRule, Symmetry, within_f32};
use super::super::affine_tensor::AffineOptions;
use super::histogram::Histogram;
use super::least_squares::{self, Points};
use super::observer::Observer;
use super::{Calibration, NOTHING, widest};
use crate::Result;

/// Finds scale and zero point for values that come in stretches.
///
/// ```
/// use sqnr::number_format::{AffineOptions, IntegerType, calibration::Calibrator};
///
/// let mut calibrator = Calibrator::new(&AffineOptions::new(IntegerType::UInt8), 1)?;
/// loop {
///     calibrator.observe(&[0.0, 1.0]);
///     calibrator.observe(&[2.55]);
///     if !calibrator.begin_pass() {
///         break;
///     }
/// }
/// assert_eq!(calibrator.affine()?.scale(), 0.01);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug)]
pub struct Calibrator {
    calibration: Calibration,
    kind: IntegerType,
    symmetry: Symmetry,
    rule: ScaleRule,
    /// Calibrators that share the memory.
    n_beside: usize,
    n_values: u64,
    ends: (f64, f64),
    second: Second,
}

/// What the second pass gathers.
#[derive(Debug)]
enum Second {
    Nothing,
    Histogram(Histogram),
    Observer(Observer),
    Points(Points),
}

impl Calibrator {
    /// A calibrator at rest.
    ///
    /// - `n_calibrators`: how many are in use at a time; they share about 8 MiB
    ///
    /// # Errors
    /// `InvalidParameter` for parameters of the calibration outside their range.
    pub fn new(options: &AffineOptions, n_calibrators: usize) -> Result<Self> {
        options.calibration.check_parameters()?;
        Ok(Self {
            calibration: options.calibration,
            kind: options.kind,
            symmetry: options.symmetry,
            rule: options.rule,
            n_beside: n_calibrators.max(1),
            n_values: 0,
            ends: NOTHING,
            second: Second::Nothing,
        })
    }

    /// Takes the next values of this pass, all finite.
    pub fn observe(&mut self, x: &[f64]) {
        match &mut self.second {
            Second::Nothing => {
                self.n_values += x.len() as u64;
                self.ends = x.iter().fold(self.ends, |ends, &x| widest(ends, (x, x)));
            }
            Second::Histogram(histogram) => histogram.add(x),
            Second::Observer(observer) => observer.count(x),
            Second::Points(points) => points.add(x),
        }
    }

    /// Ends a pass; true when the values must come once more.
    pub fn begin_pass(&mut self) -> bool {
        if self.n_values == 0 || !matches!(self.second, Second::Nothing) {
            return false;
        }
        let narrow = (within_f32(self.ends.0), within_f32(self.ends.1));
        self.second = match self.calibration {
            Calibration::MinMax | Calibration::MovingAverage { .. } => return false,
            Calibration::Percentile { n_bins, .. } | Calibration::Entropy { n_bins, .. } => {
                Second::Histogram(Histogram::new(narrow, n_bins))
            }
            Calibration::HistogramObserver => Second::Observer(Observer::new(narrow)),
            Calibration::LeastSquares if least_squares::is_in_range(self.ends) => {
                Second::Points(Points::new(self.ends, self.n_values, self.n_beside))
            }
            Calibration::LeastSquares => return false,
        };
        true
    }

    /// The range found; of least squares, whose result is a scale rather than a range, the ends of the values.
    pub(super) fn range(&self) -> (f64, f64) {
        let wide = |(low, high): (f32, f32)| (f64::from(low), f64::from(high));
        match (&self.second, self.calibration) {
            (Second::Histogram(histogram), Calibration::Percentile { percent, .. }) => {
                wide(histogram.percentile(percent))
            }
            (Second::Histogram(histogram), Calibration::Entropy { n_quantized_bins, .. }) => {
                wide(histogram.entropy(n_quantized_bins))
            }
            (Second::Observer(observer), _) => wide(observer.range(self.kind)),
            _ => self.ends,
        }
    }

    /// Scale and zero point; of no values those of zero.
    ///
    /// # Errors
    /// As [`ScaleRule::affine`].
    pub fn affine(self) -> Result<Affine> {
        let range = self.rule.range(self.kind, self.symmetry);
        match (&self.second, self.n_values) {
            (_, 0) => self.rule.affine(0.0, 0.0, self.kind, self.symmetry),
            (Second::Points(_), _) => {
                let Second::Points(points) = self.second else { unreachable!("matched above") };
                let found = least_squares::affine(points, self.kind, self.symmetry, range)?;
                Ok(found.with_division(self.rule.division()))
            }
            _ => {
                let (low, high) = self.range();
                self.rule.affine(low, high, self.kind, self.symmetry)
            }
        }
    }
}
