//! Vector quantizers learnt from data: k-means++ seeds, then the generalized Lloyd algorithm.
//!
//! Both conditions of Lloyd and Max in n dimensions: a vector goes to its nearest code vector, a code vector lies at the
//! mean of what goes to it. Sources: Linde, Buzo, Gray, An algorithm for vector quantizer design, IEEE Trans. COM-28
//! (1980), 84; Arthur and Vassilvitskii, k-means++, SODA 2007.

use crate::random::SplitMix64;
use crate::{Error, Result, parallel};

/// Vectors that one thread takes at a time. Their sums are added in order, so that the result does not depend on threads.
const CHUNK: usize = 4_096;

/// Code vectors, one after the other.
///
/// ```
/// use sqnr::quantizer::VectorCodebook;
///
/// let square = VectorCodebook::new(2, vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])?;
/// let (index, squared_distance) = square.nearest(&[0.9, 0.2])?;
/// assert_eq!((index, square.code(index)), (2, Some(&[1.0, 0.0][..])));
/// assert!((squared_distance - 0.05).abs() < 1e-12);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct VectorCodebook {
    dimension: usize,
    codes: Vec<f64>,
}

/// How to learn a codebook.
///
/// ```
/// use sqnr::quantizer::{Training, VectorCodebook};
///
/// let pairs = [0.0, 0.0, 0.1, 0.0, 1.0, 1.0, 1.0, 0.9];
/// let trained = VectorCodebook::train(2, &pairs, &Training { n_codes: 2, ..Training::default() })?;
/// // One code vector for each of the two clouds.
/// assert_ne!(trained.nearest(&pairs[..2])?.0, trained.nearest(&pairs[6..])?.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Training {
    /// Code vectors.
    pub n_codes: usize,
    /// Most steps of Lloyd's algorithm.
    pub max_iterations: usize,
    /// Ends when a step lowers the error by less than this part.
    pub tolerance: f64,
    /// Seed of the k-means++ draws.
    pub seed: u64,
}

impl Default for Training {
    fn default() -> Self {
        Self { n_codes: 256, max_iterations: 100, tolerance: 1e-6, seed: 0 }
    }
}

/// Code vectors of [`Training::of_bits`] at most.
const MOST_CODES_BITS: u32 = 8;
/// Vectors for each code that say enough of a signal.
const VECTORS_PER_CODE: usize = 32;

impl Training {
    /// For `bits` a sample, 1 to 8: the dimension of the longest vectors that at most 256 codes name, how many vectors to
    /// learn from, and how.
    ///
    /// # Errors
    /// `InvalidParameter` for other bits.
    pub fn of_bits(bits: u32) -> Result<(usize, usize, Self)> {
        if !(1..=MOST_CODES_BITS).contains(&bits) {
            return Err(Error::invalid("bits of a vector's sample", bits, format!("1 to {MOST_CODES_BITS}")));
        }
        let dimension = MOST_CODES_BITS / bits;
        let n_codes = 1 << (bits * dimension);
        let training = Self { n_codes, max_iterations: 10, ..Self::default() };
        Ok((dimension as usize, VECTORS_PER_CODE * n_codes, training))
    }
}

/// What vectors of one code vector sum to.
#[derive(Debug, Clone)]
struct Sums {
    counts: Vec<f64>,
    totals: Vec<f64>,
    squared_error: f64,
}

impl VectorCodebook {
    /// A codebook of given code vectors, `codes.len() / dimension` of them.
    ///
    /// # Errors
    /// `InvalidParameter` when the dimension is 0, there is no code vector or a number that is not finite;
    /// `LengthMismatch` when the numbers do not fill the last vector.
    pub fn new(dimension: usize, codes: Vec<f64>) -> Result<Self> {
        check_vectors(dimension, &codes)?;
        Ok(Self { dimension, codes })
    }

    /// Learns from `data`, vectors of `dimension` numbers one after the other.
    ///
    /// # Errors
    /// As [`Self::new`], and `InvalidParameter` when there are no codes asked for or more than vectors that differ.
    pub fn train(dimension: usize, data: &[f64], training: &Training) -> Result<Self> {
        check_vectors(dimension, data)?;
        let n_vectors = data.len() / dimension;
        if !(1..=n_vectors).contains(&training.n_codes) {
            let allowed = format!("1 to {n_vectors} (as many vectors are given)");
            return Err(Error::invalid("code vectors", training.n_codes, allowed));
        }
        let mut book = Self { dimension, codes: seeds(dimension, data, training)? };
        let mut before = f64::INFINITY;
        for _ in 0..training.max_iterations {
            let sums = book.assign(data);
            book.move_to_means(&sums);
            if sums.squared_error >= before * (1.0 - training.tolerance) {
                break;
            }
            before = sums.squared_error;
        }
        Ok(book)
    }

    /// Numbers in a vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Code vectors.
    pub fn n_codes(&self) -> usize {
        self.codes.len() / self.dimension
    }

    /// All code vectors, one after the other.
    pub fn codes(&self) -> &[f64] {
        &self.codes
    }

    /// The code vector of an index.
    pub fn code(&self, index: usize) -> Option<&[f64]> {
        self.codes.chunks_exact(self.dimension).nth(index)
    }

    /// The index of the nearest code vector, and its squared distance. A NaN in `x` makes that NaN and the index 0.
    ///
    /// # Errors
    /// `LengthMismatch` unless `x` has as many numbers as code vectors have.
    pub fn nearest(&self, x: &[f64]) -> Result<(usize, f64)> {
        if x.len() != self.dimension {
            return Err(Error::LengthMismatch { what: "vector", expected: self.dimension, got: x.len() });
        }
        Ok(self.nearest_of(x))
    }

    fn nearest_of(&self, x: &[f64]) -> (usize, f64) {
        let mut best = (0, squared_distance(x, &self.codes[..self.dimension]));
        for (i, code) in self.codes.chunks_exact(self.dimension).enumerate().skip(1) {
            let distance = squared_distance(x, code);
            if distance < best.1 {
                best = (i, distance);
            }
        }
        best
    }

    fn assign(&self, data: &[f64]) -> Sums {
        let part = |chunk: &[f64]| {
            let mut sums =
                Sums { counts: vec![0.0; self.n_codes()], totals: vec![0.0; self.codes.len()], squared_error: 0.0 };
            for x in chunk.chunks_exact(self.dimension) {
                let (i, distance) = self.nearest_of(x);
                sums.counts[i] += 1.0;
                sums.squared_error += distance;
                let total = &mut sums.totals[i * self.dimension..(i + 1) * self.dimension];
                total.iter_mut().zip(x).for_each(|(t, x)| *t += x);
            }
            sums
        };
        let chunks: Vec<&[f64]> = data.chunks(CHUNK * self.dimension).collect();
        let mut parts = parallel::map(&chunks, |chunk| part(chunk)).into_iter();
        let mut all = parts.next().expect("data holds a vector");
        for part in parts {
            all.squared_error += part.squared_error;
            all.counts.iter_mut().zip(part.counts).for_each(|(a, b)| *a += b);
            all.totals.iter_mut().zip(part.totals).for_each(|(a, b)| *a += b);
        }
        all
    }

    /// A code vector without vectors stays where it is.
    fn move_to_means(&mut self, sums: &Sums) {
        let dimension = self.dimension;
        for (i, code) in self.codes.chunks_exact_mut(dimension).enumerate().filter(|(i, _)| sums.counts[*i] > 0.0) {
            let total = &sums.totals[i * dimension..(i + 1) * dimension];
            code.iter_mut().zip(total).for_each(|(c, t)| *c = t / sums.counts[i]);
        }
    }
}

fn check_vectors(dimension: usize, numbers: &[f64]) -> Result<()> {
    if dimension == 0 {
        return Err(Error::invalid("dimension", 0, "1 and above"));
    }
    if numbers.is_empty() {
        return Err(Error::invalid("number of vectors", 0, "1 and above"));
    }
    if !numbers.len().is_multiple_of(dimension) {
        let expected = numbers.len().next_multiple_of(dimension);
        return Err(Error::LengthMismatch { what: "numbers of whole vectors", expected, got: numbers.len() });
    }
    match numbers.iter().find(|x| !x.is_finite() || x.abs() > 1e150) {
        Some(bad) => Err(Error::invalid("number of a vector", bad, "finite numbers within +-1e150")),
        None => Ok(()),
    }
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// k-means++: each seed is drawn with the probability of its squared distance to those before.
fn seeds(dimension: usize, data: &[f64], training: &Training) -> Result<Vec<f64>> {
    let vectors: Vec<&[f64]> = data.chunks_exact(dimension).collect();
    let mut random = SplitMix64::new(training.seed);
    let first = (random.unit() * vectors.len() as f64) as usize;
    let mut codes = vectors[first].to_vec();
    let mut distances: Vec<f64> = vectors.iter().map(|x| squared_distance(x, vectors[first])).collect();
    for found in 1..training.n_codes {
        let total: f64 = distances.iter().sum();
        if total <= 0.0 {
            let allowed = format!("1 to {found} (as many vectors differ)");
            return Err(Error::invalid("code vectors", training.n_codes, allowed));
        }
        let mut left = random.unit() * total;
        let drawn = distances.iter().position(|d| {
            left -= d;
            left < 0.0
        });
        // Rounding may leave a little: the last vector with any distance then.
        let last = distances.iter().rposition(|d| *d > 0.0).expect("the sum is above 0");
        let seed = vectors[drawn.unwrap_or(last)];
        codes.extend_from_slice(seed);
        distances.iter_mut().zip(&vectors).for_each(|(d, x)| *d = d.min(squared_distance(x, seed)));
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_found() {
        let centres = [[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [-7.0, -7.0]];
        let mut random = SplitMix64::new(1);
        let data: Vec<f64> = (0..4000).flat_map(|i| centres[i % 4].map(|c| c + random.unit() - 0.5)).collect();
        let book = VectorCodebook::train(2, &data, &Training { n_codes: 4, ..Training::default() }).expect("legal");
        for centre in centres {
            let (_, distance) = book.nearest(&centre).expect("2 numbers");
            assert!(distance < 0.01, "{centre:?}: {distance}");
        }
    }

    #[test]
    fn a_uniform_square_comes_near_the_hexagon_bound() {
        // Cells of many codes on a square are about hexagons: G between 0.0802 (A2) and 0.0833 (squares) but for edges.
        let mut random = SplitMix64::new(5);
        let data: Vec<f64> = (0..40_000).map(|_| random.unit()).collect();
        let training = Training { n_codes: 64, max_iterations: 60, ..Training::default() };
        let book = VectorCodebook::train(2, &data, &training).expect("legal");
        let error: f64 = data.chunks_exact(2).map(|x| book.nearest(x).expect("2 numbers").1).sum();
        let moment = error / 20_000.0 / 2.0 * 64.0;
        assert!(moment > 0.0795 && moment < 0.0845, "{moment}");
    }

    #[test]
    fn bits_choose_the_longest_vectors() {
        let shape = |bits| Training::of_bits(bits).map(|(dimension, _, training)| (dimension, training.n_codes));
        assert_eq!(shape(1).expect("legal"), (8, 256));
        assert_eq!(shape(3).expect("legal"), (2, 64));
        assert_eq!(shape(8).expect("legal"), (1, 256));
        assert!(shape(0).is_err() && shape(9).is_err());
    }

    #[test]
    fn what_cannot_be_learnt_is_refused() {
        let training = |n_codes| Training { n_codes, ..Training::default() };
        assert!(VectorCodebook::train(0, &[1.0], &training(1)).is_err());
        assert!(VectorCodebook::train(2, &[1.0], &training(1)).is_err());
        assert!(VectorCodebook::train(1, &[], &training(1)).is_err());
        assert!(VectorCodebook::train(1, &[f64::NAN], &training(1)).is_err());
        assert!(VectorCodebook::train(1, &[1.0, 2.0], &training(0)).is_err());
        let error = VectorCodebook::train(1, &[1.0, 2.0, 1.0, 2.0], &training(3)).expect_err("two differ").to_string();
        assert!(error.contains("1 to 2"), "{error}");
        assert!(VectorCodebook::new(2, vec![0.0; 4]).expect("legal").nearest(&[0.0]).is_err());
    }
}
