//! The waveform of a stream of any length in bounded memory: samples while they fit, then the extremes of stretches.
//!
//! ```text
//! samples -> x x x x x x x x ...                  up to 2^21 samples, as they are
//!         -> (least greatest) (least greatest) ... then of 4 samples each, of 8, of 16, ...
//! ```
//!
//! A picture of the extremes is the picture of the samples as long as a stretch is narrower than a pixel.

/// Values kept at most: 256 for each of 8192 pixels.
const MAX_VALUES: usize = 1 << 21;

/// Takes the waveform of a stream.
///
/// ```
/// use sqnr::analysis::envelope::Envelope;
///
/// let mut envelope = Envelope::default();
/// envelope.push(&[0.1, -0.9, 0.3]);
/// let (pairs, _samples_per_pair) = envelope.finish();
/// assert!(pairs.contains(&-0.9) && pairs.contains(&0.3));
/// ```
#[derive(Debug, Clone)]
pub struct Envelope {
    max_values: usize,
    values: Vec<f64>,
    /// Samples that two values stand for; 2 while the values are the samples.
    stretch: usize,
    /// Least and greatest of the stretch that is not full yet, and how many samples it has.
    open: (f64, f64, usize),
}

impl Default for Envelope {
    /// Without samples.
    fn default() -> Self {
        Self::with_capacity(MAX_VALUES)
    }
}

impl Envelope {
    /// At most `max_values` values, a multiple of 4.
    fn with_capacity(max_values: usize) -> Self {
        Self { max_values, values: Vec::new(), stretch: 2, open: EMPTY }
    }

    /// Takes in samples; in what portions does not change the result. NaN leaves no trace once samples are merged.
    pub fn push(&mut self, x: &[f64]) {
        for &x in x {
            match self.stretch {
                2 => self.values.push(x),
                _ => self.extend_stretch(x),
            }
            if self.values.len() == self.max_values {
                self.merge();
            }
        }
    }

    fn extend_stretch(&mut self, x: f64) {
        let (low, high, n) = self.open;
        self.open = (low.min(x), high.max(x), n + 1);
        if n + 1 == self.stretch {
            self.close_stretch();
        }
    }

    fn close_stretch(&mut self) {
        let (low, high, _) = std::mem::replace(&mut self.open, EMPTY);
        self.values.extend([low, high]);
    }

    /// Every four values become two; no stretch is open then.
    fn merge(&mut self) {
        let merged = self.values.chunks_exact(4).flat_map(|four| {
            let all = four.iter().copied();
            [all.clone().fold(f64::INFINITY, f64::min), all.fold(f64::NEG_INFINITY, f64::max)]
        });
        self.values = merged.collect();
        self.stretch *= 2;
    }

    /// The values and the number of samples that each stands for, 1 when they are the samples.
    pub fn finish(mut self) -> (Vec<f64>, usize) {
        if self.open.2 > 0 {
            self.close_stretch();
        }
        (self.values, self.stretch / 2)
    }
}

const EMPTY: (f64, f64, usize) = (f64::INFINITY, f64::NEG_INFINITY, 0);

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(max_values: usize, x: &[f64], portion: usize) -> (Vec<f64>, usize) {
        let mut envelope = Envelope::with_capacity(max_values);
        x.chunks(portion).for_each(|part| envelope.push(part));
        envelope.finish()
    }

    #[test]
    fn few_samples_stay_as_they_are() {
        assert_eq!(taken(8, &[0.5, -1.0, 0.25], 2), (vec![0.5, -1.0, 0.25], 1));
    }

    #[test]
    fn many_become_the_extremes_of_stretches() {
        let x: Vec<f64> = (0..37).map(|i| f64::from(i * 7 % 11)).collect();
        for portion in [1, 5, 37] {
            let (values, each) = taken(16, &x, portion);
            assert!(values.len() < 16 && each > 1, "{values:?}");
            let extremes = x.chunks(2 * each).flat_map(|s| {
                [s.iter().copied().fold(f64::INFINITY, f64::min), s.iter().copied().fold(f64::NEG_INFINITY, f64::max)]
            });
            assert_eq!(values, extremes.collect::<Vec<f64>>());
        }
    }

    #[test]
    fn a_click_of_one_sample_is_never_lost() {
        let mut x = vec![0.0; 100_000];
        x[77_777] = 0.9;
        let (values, each) = taken(64, &x, 999);
        assert_eq!(values.iter().filter(|&&v| v == 0.9).count(), 1);
        let place = values.iter().position(|&v| v == 0.9).expect("it is there") / 2;
        assert_eq!(place, 77_777 / (2 * each));
    }
}
