//! Pyramid vector quantization: integer vectors of a given sum of magnitudes K, numbered without gaps.
//!
//! ```text
//! N(n, k) = N(n-1, k) + N(n, k-1) + N(n-1, k-1),   N(n, 0) = 1,  N(0, k > 0) = 0
//! ```
//!
//! counts the vectors of n integers with magnitudes that sum to k. Vectors are numbered by their first coordinate, 0
//! first, then 1, -1, 2, -2, ..., and then by the rest. Source: Fischer, A pyramid vector quantizer, IEEE Trans. IT-32
//! (1986), 568.

use crate::{Error, Result};

/// Shapes of n integers with K unit pulses, and their numbers.
#[derive(Debug, Clone)]
pub struct Pyramid {
    n: usize,
    k: usize,
    /// `counts[d * (k + 1) + j]` = N(d, j).
    counts: Vec<u128>,
}

impl Pyramid {
    /// Vectors of `n` integers whose magnitudes sum to `k`.
    ///
    /// # Errors
    /// `InvalidParameter` when n is 0 or above 1024, k is 0 or above 1024, or there are 2^127 vectors or more.
    pub fn new(n: usize, k: usize) -> Result<Self> {
        for (name, value) in [("dimension", n), ("pulses", k)] {
            if !(1..=1024).contains(&value) {
                return Err(Error::invalid(name, value, "1 to 1024"));
            }
        }
        let mut counts = vec![0u128; (n + 1) * (k + 1)];
        for d in 0..=n {
            counts[d * (k + 1)] = 1;
            for j in 1..=k {
                let at = |d: usize, j: usize| counts[d * (k + 1) + j];
                let sum =
                    if d == 0 { 0 } else { at(d - 1, j).saturating_add(at(d, j - 1)).saturating_add(at(d - 1, j - 1)) };
                counts[d * (k + 1) + j] = sum;
            }
        }
        if counts[n * (k + 1) + k] >= 1 << 127 {
            return Err(Error::invalid("pulses", k, format!("fewer: {n} integers have 2^127 vectors or more")));
        }
        Ok(Self { n, k, counts })
    }

    /// Numbers in a vector, n.
    pub fn dimension(&self) -> usize {
        self.n
    }

    /// How many vectors there are, N(n, k).
    pub fn n_vectors(&self) -> u128 {
        self.count(self.n, self.k)
    }

    fn count(&self, d: usize, j: usize) -> u128 {
        self.counts[d * (self.k + 1) + j]
    }

    /// The vector whose direction is nearest to that of `x`; for x = 0 all pulses are on the first coordinate. NaN counts
    /// as 0, infinity as the largest number.
    ///
    /// Pulses are set one by one where they raise the cosine most, from the rounded-down projection on: a greedy search,
    /// whose cosine a test holds to 95 % of the best.
    ///
    /// # Errors
    /// `LengthMismatch` unless `x` has n numbers.
    pub fn quantize(&self, x: &[f64]) -> Result<Vec<i32>> {
        self.check_length(x.len())?;
        let magnitudes: Vec<f64> = x.iter().map(|x| if x.is_nan() { 0.0 } else { x.abs().min(1e100) }).collect();
        let most = magnitudes.iter().copied().fold(0.0, f64::max);
        if most == 0.0 {
            let mut vector = vec![0; self.n];
            vector[0] = self.k as i32;
            return Ok(vector);
        }
        let a: Vec<f64> = magnitudes.iter().map(|m| m / most).collect();
        let sum: f64 = a.iter().sum();
        let mut pulses: Vec<i32> = a.iter().map(|a| (a * self.k as f64 / sum) as i32).collect();
        // Rounding may have gone one above the sum.
        let mut left = (self.k as i32 - pulses.iter().sum::<i32>()).max(0);
        while left > 0 {
            add_best_pulse(&a, &mut pulses);
            left -= 1;
        }
        Ok(pulses.iter().zip(x).map(|(p, x)| if *x < 0.0 { -p } else { *p }).collect())
    }

    /// The number of `vector`, 0 to N(n, k) - 1.
    ///
    /// # Errors
    /// `LengthMismatch` unless it has n numbers, `InvalidParameter` unless their magnitudes sum to k.
    pub fn index(&self, vector: &[i32]) -> Result<u128> {
        self.check_length(vector.len())?;
        let sum: u64 = vector.iter().map(|v| u64::from(v.unsigned_abs())).sum();
        if sum != self.k as u64 {
            return Err(Error::invalid("sum of magnitudes", sum, self.k));
        }
        let (mut index, mut left) = (0, self.k);
        for (i, &v) in vector.iter().enumerate() {
            let rest = self.n - i - 1;
            let magnitude = v.unsigned_abs() as usize;
            // Vectors with a smaller magnitude here: 0 once, others with either sign.
            for smaller in 0..magnitude {
                index += self.count(rest, left - smaller) * if smaller == 0 { 1 } else { 2 };
            }
            left -= magnitude;
            if v < 0 {
                index += self.count(rest, left);
            }
        }
        Ok(index)
    }

    /// The vector of a number.
    ///
    /// # Errors
    /// `InvalidParameter` when `index` is N(n, k) or more.
    pub fn vector(&self, mut index: u128) -> Result<Vec<i32>> {
        if index >= self.n_vectors() {
            return Err(Error::invalid("index", index, format!("0 to {}", self.n_vectors() - 1)));
        }
        let mut left = self.k;
        let mut vector = Vec::with_capacity(self.n);
        for rest in (0..self.n).rev() {
            let mut magnitude = 0;
            loop {
                let each = self.count(rest, left - magnitude);
                let all = if magnitude == 0 { each } else { 2 * each };
                if index < all {
                    let is_negative = magnitude > 0 && index >= each;
                    index -= if is_negative { each } else { 0 };
                    vector.push(if is_negative { -(magnitude as i32) } else { magnitude as i32 });
                    break;
                }
                index -= all;
                magnitude += 1;
            }
            left -= magnitude;
        }
        Ok(vector)
    }

    fn check_length(&self, got: usize) -> Result<()> {
        if got == self.n {
            return Ok(());
        }
        Err(Error::LengthMismatch { what: "vector of a pyramid", expected: self.n, got })
    }
}

/// Adds the pulse after which `(a . p)^2 / (p . p)` is greatest.
fn add_best_pulse(a: &[f64], pulses: &mut [i32]) {
    let dot: f64 = a.iter().zip(pulses.iter()).map(|(a, p)| a * f64::from(*p)).sum();
    let energy: f64 = pulses.iter().map(|p| f64::from(*p) * f64::from(*p)).sum();
    let cosine = |i: usize| (dot + a[i]).powi(2) / (energy + 2.0 * f64::from(pulses[i]) + 1.0);
    let best = (1..a.len()).fold(0, |best, i| if cosine(i) > cosine(best) { i } else { best });
    pulses[best] += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_the_papers_table() {
        // Fischer, table I: N(2, 2) = 8, N(3, 2) = 18, N(4, 2) = 32, N(4, 4) = 192.
        for (n, k, count) in [(2, 2, 8), (3, 2, 18), (4, 2, 32), (4, 4, 192), (1, 9, 2), (16, 1, 32)] {
            assert_eq!(Pyramid::new(n, k).expect("legal").n_vectors(), count, "N({n}, {k})");
        }
    }

    #[test]
    fn every_number_is_one_vector_and_back() {
        for (n, k) in [(1, 3), (2, 5), (4, 4), (5, 3), (3, 7)] {
            let pyramid = Pyramid::new(n, k).expect("legal");
            let mut seen = std::collections::HashSet::new();
            for index in 0..pyramid.n_vectors() {
                let vector = pyramid.vector(index).expect("in range");
                assert_eq!(vector.iter().map(|v| v.abs()).sum::<i32>(), k as i32);
                assert_eq!(pyramid.index(&vector).expect("legal"), index);
                assert!(seen.insert(vector));
            }
        }
    }

    #[test]
    fn large_pyramids_number_their_ends() {
        let pyramid = Pyramid::new(64, 20).expect("under 2^127");
        for index in [0, 1, pyramid.n_vectors() / 3, pyramid.n_vectors() - 1] {
            assert_eq!(pyramid.index(&pyramid.vector(index).expect("in range")).expect("legal"), index);
        }
    }

    #[test]
    fn quantizing_finds_the_nearest_direction() {
        let pyramid = Pyramid::new(4, 5).expect("legal");
        let all: Vec<Vec<i32>> = (0..pyramid.n_vectors()).map(|i| pyramid.vector(i).expect("in range")).collect();
        let cosine = |x: &[f64], v: &[i32]| {
            let dot: f64 = x.iter().zip(v).map(|(x, v)| x * f64::from(*v)).sum();
            dot / v.iter().map(|v| f64::from(v * v)).sum::<f64>().sqrt()
        };
        let mut seed = 1u32;
        for _ in 0..200 {
            let x: [f64; 4] = std::array::from_fn(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(seed >> 8) / 16_777_216.0 - 0.5
            });
            let best = all.iter().map(|v| cosine(&x, v)).fold(f64::MIN, f64::max);
            let ours = cosine(&x, &pyramid.quantize(&x).expect("4 numbers"));
            assert!(ours > 0.95 * best, "{x:?}: {ours} against {best}");
        }
    }

    #[test]
    fn odd_inputs_are_defined_and_wrong_ones_refused() {
        let pyramid = Pyramid::new(3, 4).expect("legal");
        for x in [[0.0; 3], [f64::NAN; 3], [f64::INFINITY, -1.0, 0.0], [1e-320, -1e-320, 0.0]] {
            assert_eq!(pyramid.quantize(&x).expect("3 numbers").iter().map(|v| v.abs()).sum::<i32>(), 4, "{x:?}");
        }
        assert!(pyramid.quantize(&[0.0; 2]).is_err() && pyramid.index(&[1, 1, 1]).is_err());
        assert!(pyramid.vector(pyramid.n_vectors()).is_err());
        assert!(Pyramid::new(0, 1).is_err() && Pyramid::new(1, 0).is_err() && Pyramid::new(1024, 1024).is_err());
        assert!(pyramid.index(&[i32::MIN, i32::MIN, 4]).is_err());
    }
}
