//! Where the range of an affine quantizer comes from: the data's ends, or what may be clipped with profit.
//!
//! A wide range clips nothing and rounds coarsely, a narrow one clips the rare and rounds all others finely. The
//! calibrators of the tools guess the balance from a histogram; [`Calibration::LeastSquares`] computes it.

mod calibrator;
mod histogram;
mod least_squares;
mod observer;

pub use calibrator::Calibrator;

use super::affine::{Affine, IntegerType, ScaleRule, Symmetry, within_f32};
use super::affine_tensor::AffineOptions;
use crate::{Error, Result};

/// How the range is found.
///
/// ```
/// use sqnr::number_format::calibration::Calibration;
///
/// let mut values: Vec<f64> = (-500..=500).map(|i| f64::from(i) / 500.0).collect();
/// values.push(100.0);
/// assert_eq!(Calibration::MinMax.range(&[&values])?, (-1.0, 100.0));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Calibration {
    /// From the smallest value to the largest.
    #[default]
    MinMax,
    /// Ends that follow each batch's: `end += constant (end of batch - end)` (PyTorch's `MovingAverageMinMaxObserver`).
    MovingAverage {
        /// Weight of a new batch, above 0 to 1; PyTorch's default is 0.01.
        constant: f32,
    },
    /// The ends that hold `percent` of the values between them, half of the rest cut on either side, on a histogram of `n_bins` over
    /// plus and minus the largest magnitude (ONNX Runtime's `percentile`, asymmetric).
    Percentile {
        /// Above 0 to 100; ONNX Runtime's default is 99.999.
        percent: f64,
        /// ONNX Runtime's default is 2048.
        n_bins: usize,
    },
    /// The ends, even around zero, whose `n_quantized_bins` merged bins diverge least (Kullback-Leibler) from the
    /// histogram of `n_bins` (ONNX Runtime's `entropy`). With as many bins as quantized bins, which is ONNX Runtime's
    /// default, this is the minimum and maximum.
    Entropy {
        /// Bins of the histogram, at least `n_quantized_bins`.
        n_bins: usize,
        /// Bins of the candidate; 128 in ONNX Runtime.
        n_quantized_bins: usize,
    },
    /// PyTorch 2.15's `HistogramObserver`.
    HistogramObserver,
    /// Least squared error over every scale and zero point.
    LeastSquares,
}

impl Calibration {
    /// Scale and zero point for values like those of `batches`.
    ///
    /// # Errors
    /// `InvalidParameter` for parameters outside their range or values that are not finite; `NoResult` without values.
    pub fn affine(&self, batches: &[&[f64]], kind: IntegerType, symmetry: Symmetry, rule: ScaleRule) -> Result<Affine> {
        self.check(batches)?;
        match self {
            Self::MovingAverage { .. } | Self::HistogramObserver => {
                let (low, high) = self.range_of_batches(batches, kind);
                rule.affine(low, high, kind, symmetry)
            }
            _ => self.calibrated(batches, kind, symmetry, rule)?.affine(),
        }
    }

    /// The range alone, for codes of 8 bits. For `LeastSquares`, whose result is a scale rather than a range, the ends of the data.
    ///
    /// # Errors
    /// As for `affine`.
    pub fn range(&self, batches: &[&[f64]]) -> Result<(f64, f64)> {
        self.check(batches)?;
        match self {
            Self::MovingAverage { .. } | Self::HistogramObserver => {
                Ok(self.range_of_batches(batches, IntegerType::Int8))
            }
            _ => {
                let (symmetry, rule) = (Symmetry::default(), ScaleRule::default());
                Ok(self.calibrated(batches, IntegerType::Int8, symmetry, rule)?.range())
            }
        }
    }

    /// The range of observers to whom it matters what comes in one batch.
    fn range_of_batches(&self, batches: &[&[f64]], kind: IntegerType) -> (f64, f64) {
        let batches: Vec<&[f64]> = batches.iter().copied().filter(|batch| !batch.is_empty()).collect();
        match *self {
            Self::MovingAverage { constant } => moving_average(&batches, f64::from(constant)),
            _ => {
                let (low, high) = observer::range(&batches, kind);
                (low.into(), high.into())
            }
        }
    }

    fn calibrated(
        &self,
        batches: &[&[f64]],
        kind: IntegerType,
        symmetry: Symmetry,
        rule: ScaleRule,
    ) -> Result<Calibrator> {
        let options = AffineOptions { symmetry, rule, calibration: *self, ..AffineOptions::new(kind) };
        let mut calibrator = Calibrator::new(&options, 1)?;
        loop {
            batches.iter().for_each(|batch| calibrator.observe(batch));
            if !calibrator.begin_pass() {
                return Ok(calibrator);
            }
        }
    }

    fn check(&self, batches: &[&[f64]]) -> Result<()> {
        self.check_parameters()?;
        if let Some(bad) = batches.iter().copied().flatten().find(|x| !x.is_finite()) {
            return Err(Error::invalid("calibration value", bad, "finite numbers"));
        }
        if batches.iter().any(|b| !b.is_empty()) {
            return Ok(());
        }
        Err(Error::NoResult { what: "calibration of no values".into() })
    }

    fn check_parameters(&self) -> Result<()> {
        match *self {
            Self::MovingAverage { constant } if !(constant > 0.0 && constant <= 1.0) => {
                Err(Error::invalid("averaging constant", constant, "above 0 to 1"))
            }
            Self::Percentile { percent, .. } if !(percent > 0.0 && percent <= 100.0) => {
                Err(Error::invalid("percentile", percent, "above 0 to 100"))
            }
            Self::Percentile { n_bins, .. } => histogram::check_bins(n_bins),
            Self::Entropy { n_bins, n_quantized_bins } if n_quantized_bins == 0 || n_quantized_bins > n_bins => {
                Err(Error::invalid("quantized bins", n_quantized_bins, "1 to the number of histogram bins"))
            }
            Self::Entropy { n_bins, .. } => histogram::check_bins(n_bins),
            _ => Ok(()),
        }
    }
}

/// The range of no value.
const NOTHING: (f64, f64) = (f64::INFINITY, f64::NEG_INFINITY);

fn ends(x: &[f64]) -> (f64, f64) {
    x.iter().fold(NOTHING, |range, &x| widest(range, (x, x)))
}

fn widest(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0.min(b.0), a.1.max(b.1))
}

/// In the precision of `f32`, as PyTorch follows the ends; of at least one batch, none empty.
fn moving_average(batches: &[&[f64]], constant: f64) -> (f64, f64) {
    let narrow = |(low, high): (f64, f64)| (within_f32(low), within_f32(high));
    let mut batches = batches.iter().map(|b| narrow(ends(b)));
    let first = batches.next().expect("checked: there is a value");
    let follow = |old: f32, new: f32| old + constant as f32 * (new - old);
    let (low, high) = batches.fold(first, |range, end| (follow(range.0, end.0), follow(range.1, end.1)));
    (low.into(), high.into())
}

#[cfg(test)]
mod tests {
    use super::super::affine_tensor::AffineTensor;
    use super::super::golden_input::{gauss_f64, rows, sqnr_db};
    use super::*;

    fn four(x: &[f64]) -> Vec<&[f64]> {
        x.chunks(1024).collect()
    }

    #[test]
    fn equals_onnx_runtime() {
        let x = gauss_f64();
        let cases = [
            ("calibrator percentile", Calibration::Percentile { percent: 99.99, n_bins: 2048 }),
            ("calibrator entropy", Calibration::Entropy { n_bins: 128, n_quantized_bins: 128 }),
            ("calibrator minmax", Calibration::MinMax),
        ];
        let golden = rows("onnxruntime.csv");
        for (name, calibration) in cases {
            let row = golden.iter().find(|r| r[0] == name).expect("in the table");
            let (low, high) = calibration.range(&[&x]).expect("values");
            assert_eq!(format!("lo={low} hi={high}"), row[1].trim_end_matches(".0"), "{name}");
            let rule = ScaleRule::OnnxRuntime;
            let affine = calibration.affine(&[&x], IntegerType::Int8, Symmetry::Asymmetric, rule).expect("values");
            assert_eq!(format!("scale={} zp={}", f64::from(affine.scale()), affine.zero_point()), row[2], "{name}");
        }
        let symmetric = golden.iter().find(|r| r[1] == "symmetric -127..127").expect("in the table");
        let rule = ScaleRule::OnnxRuntime;
        let affine = Calibration::MinMax.affine(&[&x], IntegerType::Int8, Symmetry::Symmetric, rule).expect("values");
        assert_eq!(format!("scale={} zp={}", f64::from(affine.scale()), affine.zero_point()), symmetric[2]);
    }

    /// Cubes in single precision, as numpy multiplies them.
    fn cubes() -> Vec<f64> {
        gauss_f64().iter().map(|&x| x as f32).map(|x| f64::from(x * x * x)).collect()
    }

    /// In single precision, where candidates tie that differ in double.
    #[test]
    fn entropy_equals_onnx_runtime_on_peaked_data_with_outliers() {
        let gauss = gauss_f64();
        let outliers: Vec<f64> = gauss.iter().enumerate().map(|(i, &x)| if i % 1024 == 5 { 40.0 } else { x }).collect();
        let golden = rows("onnxruntime.csv");
        for (name, x) in [("gauss", gauss), ("cubes", cubes()), ("outliers of 40", outliers)] {
            let is_it = |r: &&Vec<String>| r[0] == format!("calibrator entropy 2048 bins, {name}");
            let row = golden.iter().find(is_it).expect("in the table");
            let calibration = Calibration::Entropy { n_bins: 2048, n_quantized_bins: 128 };
            let (low, high) = calibration.range(&[&x]).expect("values");
            assert_eq!(format!("lo={low} hi={high}"), row[1], "{name}");
        }
    }

    #[test]
    fn equals_py_torch() {
        let x = gauss_f64();
        let cubes = cubes();
        let mut n_checked = 0;
        for row in rows("torch_observers.csv") {
            let calibration = match row[0].as_str() {
                "MinMaxObserver" => Calibration::MinMax,
                "MovingAverageMinMaxObserver" => Calibration::MovingAverage { constant: 0.01 },
                "HistogramObserver" => Calibration::HistogramObserver,
                _ => continue,
            };
            if row[1].contains("reduce_range") {
                continue;
            }
            let kind = if row[1].starts_with("quint8") { IntegerType::UInt8 } else { IntegerType::Int8 };
            let symmetry = if row[1].contains("symmetric") { Symmetry::Symmetric } else { Symmetry::Asymmetric };
            let x = if row[1].contains("of cubes") { &cubes } else { &x };
            let batches = if row[1].ends_with("one batch") { vec![&x[..]] } else { four(x) };
            let affine = calibration.affine(&batches, kind, symmetry, ScaleRule::PyTorch).expect("values");
            let got = (f64::from(affine.scale()).to_string(), affine.zero_point().to_string());
            assert_eq!(got, (row[2].clone(), row[3].clone()), "{} {}", row[0], row[1]);
            n_checked += 1;
        }
        assert_eq!(n_checked, 24);
    }

    #[test]
    fn least_squares_is_at_least_the_golden_grid_search() {
        let x = gauss_f64();
        let mut options = AffineOptions::new(IntegerType::Int8);
        options.calibration = Calibration::LeastSquares;
        let tensor = AffineTensor::encode(&x, &[4096], &options).expect("legal");
        let grid =
            rows("observer_quality.csv").into_iter().find(|r| r[2].starts_with("grid search of")).expect("there");
        let (got, grid) = (sqnr_db(&x, &tensor.decode()), grid[5].parse::<f64>().expect("a number"));
        assert!(got >= grid - 5e-4, "{got} {grid}");
    }

    #[test]
    fn more_entropy_bins_clip_the_outliers() {
        let x = gauss_f64();
        let (low, high) = Calibration::Entropy { n_bins: 1024, n_quantized_bins: 128 }.range(&[&x]).expect("values");
        assert!(low > -7.25 && high < 9.5 && low < -2.0 && high > 2.0, "{low} {high}");
    }

    #[test]
    fn wrong_parameters_and_values_are_refused() {
        let x: &[f64] = &[1.0, 2.0];
        for calibration in [
            Calibration::MovingAverage { constant: 0.0 },
            Calibration::MovingAverage { constant: f32::NAN },
            Calibration::Percentile { percent: 101.0, n_bins: 2048 },
            Calibration::Percentile { percent: 99.0, n_bins: 0 },
            Calibration::Percentile { percent: 99.0, n_bins: usize::MAX },
            Calibration::Entropy { n_bins: 64, n_quantized_bins: 128 },
            Calibration::Entropy { n_bins: 64, n_quantized_bins: 0 },
        ] {
            assert!(calibration.range(&[x]).is_err(), "{calibration:?}");
        }
        assert!(Calibration::MinMax.range(&[]).is_err());
        assert!(Calibration::MinMax.range(&[&[]]).is_err());
        assert!(Calibration::LeastSquares.range(&[&[f64::NAN]]).is_err());
    }

    #[test]
    fn constants_and_single_values_calibrate() {
        let all = [
            Calibration::MinMax,
            Calibration::MovingAverage { constant: 0.5 },
            Calibration::Percentile { percent: 99.0, n_bins: 2048 },
            Calibration::Entropy { n_bins: 1024, n_quantized_bins: 128 },
            Calibration::HistogramObserver,
            Calibration::LeastSquares,
        ];
        for calibration in all {
            for x in
                [&[0.0f64][..], &[3.0; 5], &[-2.5], &[f64::MAX, f64::MIN], &[1e-45, 0.0], &[1e39, -1e300], &[5e-324]]
            {
                for symmetry in [Symmetry::Asymmetric, Symmetry::Symmetric] {
                    let affine = calibration.affine(&[x], IntegerType::Int8, symmetry, ScaleRule::OnnxRuntime);
                    assert!(affine.is_ok(), "{calibration:?} {x:?} {affine:?}");
                }
            }
        }
    }
}
