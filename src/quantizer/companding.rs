//! Companding: compress, quantize uniformly, expand.
//!
//! ```text
//! x --compress--> c --uniform--> index --reconstruct--> c' --expand--> y
//! ```
//!
//! The laws are the continuous ones, for any parameter and any number of levels. What telephony transmits is their
//! piecewise linear approximation, in G.711.
//!
//! Source: B. Smith, Instantaneous companding of quantized signals, Bell System Technical Journal 36 (1957); ITU-T G.711
//! (1988) for the parameters.

use std::ops::RangeInclusive;

use super::{Codebook, Grid, Quantizer, Uniform};
use crate::{Error, Result};

/// A compression law on [-1, 1], odd and increasing, with `compress(1) = 1`.
///
/// ```
/// use sqnr::quantizer::Compressor;
///
/// let c = Compressor::MU_LAW.compress(0.01);
/// assert!((c - 0.228).abs() < 0.001);
/// assert!((Compressor::MU_LAW.expand(c) - 0.01).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Compressor {
    /// `ln(1 + mu |x|) / ln(1 + mu)`; telephony's mu is 255.
    Mu(f64),
    /// `A |x| / (1 + ln A)` below 1 / A, `(1 + ln(A |x|)) / (1 + ln A)` above; telephony's A is 87.6.
    A(f64),
}

impl Compressor {
    /// mu-law with mu = 255.
    pub const MU_LAW: Self = Self::Mu(255.0);
    /// A-law with A = 87.6.
    pub const A_LAW: Self = Self::A(87.6);

    /// The compressed value of `x`.
    pub fn compress(self, x: f64) -> f64 {
        let a = x.abs();
        let c = match self {
            Self::Mu(mu) => libm::log1p(mu * a) / libm::log1p(mu),
            Self::A(k) if a * k < 1.0 => k * a / (1.0 + libm::log(k)),
            Self::A(k) => (1.0 + libm::log(k * a)) / (1.0 + libm::log(k)),
        };
        c.copysign(x)
    }

    /// The input whose compressed value is `c`.
    pub fn expand(self, c: f64) -> f64 {
        let a = c.abs();
        let x = match self {
            Self::Mu(mu) => libm::expm1(a * libm::log1p(mu)) / mu,
            Self::A(k) if a * (1.0 + libm::log(k)) < 1.0 => a * (1.0 + libm::log(k)) / k,
            Self::A(k) => libm::exp(a * (1.0 + libm::log(k)) - 1.0) / k,
        };
        x.copysign(c)
    }

    fn check(self) -> Result<()> {
        match self {
            Self::Mu(mu) if !(1e-6..=1e6).contains(&mu) => Err(Error::invalid("mu", mu, "1e-6 to 1e6")),
            Self::A(a) if !(1.0..=1e6).contains(&a) => Err(Error::invalid("A", a, "1 to 1e6")),
            _ => Ok(()),
        }
    }
}

/// A quantizer that is uniform in the compressed domain. Full scale is 1.0; codes are those of [`Uniform`].
///
/// ```
/// use sqnr::quantizer::{Companding, Compressor, Grid, Quantizer};
///
/// let q = Companding::new(Compressor::MU_LAW, Grid::MidRise, 256)?;
/// let quiet = 0.001;
/// assert!((q.reconstruct(q.index(quiet)) - quiet).abs() < 0.0001); // 8 uniform bits err up to 0.004
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Companding {
    compressor: Compressor,
    compressed: Uniform,
    /// Levels and thresholds, when there are few enough to keep: searching them is faster than a logarithm.
    table: Option<Codebook>,
}

/// Largest number of levels that is kept as a table (1 MiB of levels and thresholds).
const MAX_TABLE_LEVELS: u64 = 1 << 16;

impl Companding {
    /// A companding quantizer of L levels, uniform with `grid` in the compressed domain.
    ///
    /// # Errors
    /// `InvalidParameter` for mu outside 1e-6 to 1e6, A outside 1 to 1e6, or L outside 2 to 2^32.
    pub fn new(compressor: Compressor, grid: Grid, n_levels: u64) -> Result<Self> {
        compressor.check()?;
        Self::of_uniform(compressor, Uniform::new(grid, n_levels, 1.0)?)
    }

    /// The grid of WaveNet and torchaudio: mu-law with mu = L - 1, the first level at -1 and the last at 1, ties upwards.
    /// 256 levels have mu = 255. Source: A. van den Oord et al., WaveNet, 2016, section 2.2; torchaudio,
    /// `functional.mu_law_encoding` and `mu_law_decoding`.
    ///
    /// ```
    /// use sqnr::quantizer::{Companding, Quantizer};
    ///
    /// let q = Companding::mu_law_to_the_ends(256)?;
    /// // Indices are torchaudio's less 128.
    /// assert_eq!((q.index(1.0), q.index(0.0), q.index(-1.0)), (127, 0, -128));
    /// assert!((q.reconstruct(127) - 1.0).abs() < 1e-15);
    /// # Ok::<(), sqnr::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidParameter` for L outside 2 to 2^20.
    pub fn mu_law_to_the_ends(n_levels: u64) -> Result<Self> {
        if !(2..=1 << 20).contains(&n_levels) {
            return Err(Error::invalid("levels", n_levels, "2 to 1048576 on the grid of WaveNet"));
        }
        let (n, grid) = (n_levels as f64, if n_levels % 2 == 1 { Grid::MidTread } else { Grid::MidRise });
        let compressed = Uniform::new(grid, n_levels, n / (n - 1.0))?;
        Self::of_uniform(Compressor::Mu(n - 1.0), compressed)
    }

    fn of_uniform(compressor: Compressor, compressed: Uniform) -> Result<Self> {
        let n_levels = compressed.n_levels();
        let mut companding = Self { compressor, compressed, table: None };
        if n_levels <= MAX_TABLE_LEVELS {
            companding.table = Some(Codebook::tabulate(&companding)?);
        }
        Ok(companding)
    }

    /// The compression law.
    pub fn compressor(&self) -> Compressor {
        self.compressor
    }

    /// The index by formula; next to a threshold, where the logarithm's rounding could decide, by comparing with it.
    fn index_by_formula(&self, x: f64) -> i32 {
        let compressed = self.compressor.compress(x);
        let mut index = self.compressed.index(compressed);
        if self.is_far_from_thresholds(compressed) {
            return index;
        }
        let (first, last) = self.compressed.indices().into_inner();
        while index > first && x < self.threshold(index - 1) {
            index -= 1;
        }
        while index < last && x >= self.threshold(index) {
            index += 1;
        }
        index
    }

    /// Whether the nearest threshold is more than 1/256 step away. Compressing and expanding err by a few units of
    /// 2^-53 of the full scale, which is 2^31 steps at most: less than 2^-19 step.
    fn is_far_from_thresholds(&self, compressed: f64) -> bool {
        let half = if self.compressed.grid() == Grid::MidTread { 0.5 } else { 0.0 };
        let steps = compressed * self.compressed.steps_per_unit() - half;
        (steps - steps.round()).abs() > 1.0 / 256.0
    }
}

impl Quantizer for Companding {
    fn indices(&self) -> RangeInclusive<i32> {
        self.compressed.indices()
    }

    fn index(&self, x: f64) -> i32 {
        match &self.table {
            Some(table) => table.index(x) + self.compressed.indices().start(),
            None => self.index_by_formula(if x.is_nan() { 0.0 } else { x }),
        }
    }

    fn reconstruct(&self, index: i32) -> f64 {
        match &self.table {
            Some(table) => table.reconstruct(index.saturating_sub(*self.compressed.indices().start())),
            None => self.compressor.expand(self.compressed.reconstruct(index)),
        }
    }

    fn index_slice(&self, x: &[f64], indices: &mut [i32]) {
        assert_eq!(x.len(), indices.len(), "input and output have one length");
        match &self.table {
            Some(table) => {
                let first = *self.compressed.indices().start();
                table.index_slice(x, indices);
                indices.iter_mut().for_each(|index| *index += first);
            }
            None => indices.iter_mut().zip(x).for_each(|(index, &x)| *index = self.index(x)),
        }
    }

    fn threshold(&self, index: i32) -> f64 {
        self.compressor.expand(self.compressed.threshold(index))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quantizer::laws;

    #[test]
    fn known_points_of_the_laws() {
        // mu-law: compress(1/255) = ln 2 / ln 256 = 1/8. A-law: the two pieces meet at 1/A, value 1 / (1 + ln A).
        assert!((Compressor::MU_LAW.compress(-1.0 / 255.0) + 0.125).abs() < 1e-15);
        let corner = 1.0 / (1.0 + 87.6f64.ln());
        assert!((Compressor::A_LAW.compress(1.0 / 87.6) - corner).abs() < 1e-15);
        assert!((Compressor::A_LAW.compress(1.0) - 1.0).abs() < 1e-15);
    }

    /// Indices and values of torchaudio 2.x for every 64th of the range, in its own arithmetic but in double precision:
    /// `((sign(x) log1p(255 |x|) / log1p(255) + 1) / 2 * 255 + 0.5)` cut to a whole number, and back.
    #[test]
    fn the_grid_of_wavenet_is_torchaudios() {
        let q = Companding::mu_law_to_the_ends(256).expect("legal");
        for i in -64..=64 {
            let x = f64::from(i) / 64.0;
            let compressed = (255.0 * x.abs()).ln_1p() / 256f64.ln() * x.signum();
            let index = ((compressed + 1.0) / 2.0 * 255.0 + 0.5) as i32;
            assert_eq!(q.index(x), index - 128, "{x}");
            let place = f64::from(index) / 255.0 * 2.0 - 1.0;
            let value = ((place.abs() * 256f64.ln()).exp() - 1.0) / 255.0 * place.signum();
            assert!((q.reconstruct(index - 128) - value).abs() < 1e-14, "{x}");
        }
        laws::hold(&q, 1.0, 3);
        laws::hold(&Companding::mu_law_to_the_ends(15).expect("legal"), 1.0, 3);
        assert!(Companding::mu_law_to_the_ends(1).is_err());
    }

    #[test]
    fn illegal_parameters_are_refused() {
        for law in [Compressor::Mu(0.0), Compressor::Mu(f64::NAN), Compressor::A(0.5), Compressor::A(f64::INFINITY)] {
            assert!(Companding::new(law, Grid::MidRise, 256).is_err(), "{law:?}");
        }
    }

    proptest! {
        #[test]
        fn laws_hold(
            n_levels in prop_oneof![2u64..600, Just(1u64 << 20), Just((1u64 << 32) - 1), Just(1u64 << 32)],
            parameter in prop_oneof![Just(255.0), Just(87.6), 1f64..1e4],
            choice in 0..4,
            seed in any::<u64>(),
        ) {
            let law = if choice & 1 == 0 { Compressor::Mu(parameter) } else { Compressor::A(parameter) };
            let grid = if choice & 2 == 0 { Grid::MidRise } else { Grid::MidTread };
            laws::hold(&Companding::new(law, grid, n_levels).expect("legal"), 1.0, seed);
        }

        #[test]
        fn formula_agrees_with_the_table(
            n_levels in 2u64..3_000, parameter in 1f64..1e4, a_law in any::<bool>(), seed in any::<u64>(),
        ) {
            let law = if a_law { Compressor::A(parameter) } else { Compressor::Mu(parameter) };
            let mut q = Companding::new(law, Grid::MidTread, n_levels).expect("legal");
            q.table = None;
            laws::agrees_with_its_table(&q, 1.0, seed);
        }

        #[test]
        fn expand_undoes_compress(x in -1f64..1.0, parameter in 1f64..1e4) {
            for law in [Compressor::Mu(parameter), Compressor::A(parameter)] {
                prop_assert!((law.expand(law.compress(x)) - x).abs() <= 4e-15 * x.abs().max(1e-3));
            }
        }
    }
}
