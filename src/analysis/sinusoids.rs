//! Least-squares fit of DC and sinusoids of known frequencies, jointly, in one pass over the samples.
//!
//! ```text
//! x[n] ~ c0 + sum_i a_i cos(2 pi f_i m) + b_i sin(2 pi f_i m)      m = n - (N - 1) / 2
//! ```
//!
//! With time counted from the middle of the record every product of a cosine and a sine sums to zero, so that the
//! normal equations fall apart into one system for DC and cosines and one for sines, and their coefficients are
//! values of the Dirichlet kernel `S(t) = sum_m cos(t m) = sin(N t / 2) / sin(t / 2)`. Only the right-hand sides need
//! the data. Frequencies above one half fold by themselves.

use std::f64::consts::TAU;

/// Samples per block: cosine and sine tables of ten frequencies (40 KiB) still share the first-level cache with them.
const BLOCK: usize = 256;
const LANES: usize = 4;
/// A column whose part outside the span of those before it is smaller than this (relative, squared) is left out.
const DEPENDENT: f64 = 1e-9;

/// Amplitudes of cosine and sine of one frequency, time counted from the middle of the record.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Phasor {
    pub cosine: f64,
    pub sine: f64,
}

impl Phasor {
    /// Amplitude of the sinusoid.
    pub(super) fn amplitude(self) -> f64 {
        self.cosine.hypot(self.sine)
    }
}

/// Sums over the record that the normal equations need.
#[derive(Debug, Clone, Default)]
pub(super) struct Projection {
    pub sum: f64,
    pub phasors: Vec<Phasor>,
}

/// DC and sinusoids fitted to a record.
#[derive(Debug, Clone, Default)]
pub(super) struct Fitted {
    pub dc: f64,
    pub phasors: Vec<Phasor>,
}

/// Cosines and sines of some frequencies over a record of n samples.
pub(super) struct Basis {
    n: usize,
    waves: Vec<Wave>,
}

struct Wave {
    cycles_per_sample: f64,
    cosine: Vec<f64>,
    sine: Vec<f64>,
}

impl Wave {
    fn new(cycles_per_sample: f64) -> Self {
        let (sine, cosine) = (0..BLOCK).map(|l| (TAU * turn(cycles_per_sample, l as f64)).sin_cos()).unzip();
        Self { cycles_per_sample, cosine, sine }
    }
}

/// Fractional part of `cycles * time`, exact to the last bit of a turn even after millions of turns.
pub(super) fn turn(cycles: f64, time: f64) -> f64 {
    let product = cycles * time;
    let lost = cycles.mul_add(time, -product);
    (product - product.floor()) + lost
}

impl Basis {
    /// Frequencies in cycles per sample.
    pub(super) fn new(n: usize, cycles_per_sample: &[f64]) -> Self {
        Self { n, waves: cycles_per_sample.iter().map(|&f| Wave::new(f)).collect() }
    }

    /// Frequency of component `i`.
    pub(super) fn cycles_per_sample(&self, i: usize) -> f64 {
        self.waves[i].cycles_per_sample
    }

    /// Cosine and sine of the phase at sample `start`.
    fn rotation(&self, wave: &Wave, start: usize) -> (f64, f64) {
        let m = start as f64 - (self.n as f64 - 1.0) / 2.0;
        let (s, c) = (TAU * turn(wave.cycles_per_sample, m)).sin_cos();
        (c, s)
    }

    /// Sums of the samples against every column.
    pub(super) fn project(&self, x: &[f64]) -> Projection {
        let mut total = Projection { sum: 0.0, phasors: vec![Phasor::default(); self.waves.len()] };
        for (b, block) in x.chunks(BLOCK).enumerate() {
            total.sum += block.iter().sum::<f64>();
            for (wave, phasor) in self.waves.iter().zip(&mut total.phasors) {
                let (c, s) = self.rotation(wave, b * BLOCK);
                let (dot_c, dot_s) = (dot(block, &wave.cosine), dot(block, &wave.sine));
                phasor.cosine += c * dot_c - s * dot_s;
                phasor.sine += s * dot_c + c * dot_s;
            }
        }
        total
    }

    /// Hands `take` the samples block by block with the fitted components subtracted.
    pub(super) fn residual_blocks(&self, x: &[f64], fitted: &Fitted, mut take: impl FnMut(&[f64])) {
        let mut residual = [0.0; BLOCK];
        for (b, block) in x.chunks(BLOCK).enumerate() {
            let residual = &mut residual[..block.len()];
            residual.iter_mut().zip(block).for_each(|(r, x)| *r = x - fitted.dc);
            for (wave, phasor) in self.waves.iter().zip(&fitted.phasors) {
                let (c, s) = self.rotation(wave, b * BLOCK);
                let along_c = phasor.cosine * c + phasor.sine * s;
                let along_s = phasor.sine * c - phasor.cosine * s;
                let table = wave.cosine.iter().zip(&wave.sine);
                residual.iter_mut().zip(table).for_each(|(r, (c, s))| *r -= along_c * c + along_s * s);
            }
            take(residual);
        }
    }

    /// Least-squares fit.
    pub(super) fn fit(&self, x: &[f64]) -> Fitted {
        let projection = self.project(x);
        let angle = |i: usize| TAU * self.waves[i].cycles_per_sample;
        let k = self.waves.len();
        let kernel = |t: f64| dirichlet(self.n, t);
        // Column 0 of the first system is DC, a cosine of frequency zero.
        let cosine_angle = |i: usize| if i == 0 { 0.0 } else { angle(i - 1) };
        let cosines = solve(
            k + 1,
            |i, j| 0.5 * (kernel(cosine_angle(i) - cosine_angle(j)) + kernel(cosine_angle(i) + cosine_angle(j))),
            |i| if i == 0 { projection.sum } else { projection.phasors[i - 1].cosine },
        );
        let sines = solve(
            k,
            |i, j| 0.5 * (kernel(angle(i) - angle(j)) - kernel(angle(i) + angle(j))),
            |i| projection.phasors[i].sine,
        );
        let phasors = (0..k).map(|i| Phasor { cosine: cosines[i + 1], sine: sines[i] }).collect();
        Fitted { dc: cosines[0], phasors }
    }
}

/// `sum_m cos(t m)` over N samples centred on zero.
pub(super) fn dirichlet(n: usize, t: f64) -> f64 {
    let n_samples = n as f64;
    // The kernel repeats after 2 pi, with the other sign when N is even.
    let turns = (t / TAU).round();
    let r = t - turns * TAU;
    let sign = if n.is_multiple_of(2) && turns.rem_euclid(2.0) == 1.0 { -1.0 } else { 1.0 };
    if (r * n_samples).abs() < 1e-6 {
        return sign * n_samples;
    }
    sign * (n_samples * r / 2.0).sin() / (r / 2.0).sin()
}

/// Dot product over the shorter of the two, in four lanes.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len());
    let (a_chunks, a_rest) = a[..n].as_chunks::<LANES>();
    let (b_chunks, b_rest) = b[..n].as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for i in 0..LANES {
            lanes[i] += a[i] * b[i];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]) + rest
}

/// Solves a symmetric positive semidefinite system by Cholesky factors; dependent columns get zero.
pub(super) fn solve(k: usize, matrix: impl Fn(usize, usize) -> f64, right: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut lower = vec![vec![0.0; k]; k];
    let mut z = vec![0.0; k];
    for i in 0..k {
        for j in 0..i {
            let inner: f64 = (0..j).map(|p| lower[i][p] * lower[j][p]).sum();
            lower[i][j] = if lower[j][j] > 0.0 { (matrix(i, j) - inner) / lower[j][j] } else { 0.0 };
        }
        let diagonal = matrix(i, i);
        let pivot = diagonal - lower[i][..i].iter().map(|l| l * l).sum::<f64>();
        let scale = if diagonal > 0.0 { diagonal } else { 1.0 };
        if pivot > DEPENDENT * scale {
            lower[i][i] = pivot.sqrt();
            let inner: f64 = (0..i).map(|p| lower[i][p] * z[p]).sum();
            z[i] = (right(i) - inner) / lower[i][i];
        }
    }
    let mut solution = vec![0.0; k];
    for i in (0..k).rev() {
        if lower[i][i] > 0.0 {
            let inner: f64 = (i + 1..k).map(|p| lower[p][i] * solution[p]).sum();
            solution[i] = (z[i] - inner) / lower[i][i];
        }
    }
    solution
}

/// The frequency in 0 to 1/2 cycles per sample that has the same samples.
pub(super) fn fold(cycles_per_sample: f64) -> f64 {
    (cycles_per_sample - cycles_per_sample.round()).abs()
}

/// Sums for one frequency that a step of Gauss and Newton needs: against cosine, sine and both times m.
pub(super) struct SlopeProjection {
    pub sum: f64,
    pub phasor: Phasor,
    pub slope: Phasor,
}

impl SlopeProjection {
    /// Projects the residual of `fitted`, a fit on `basis`, on component `i` of the basis.
    pub(super) fn of_residual(x: &[f64], i: usize, basis: &Basis, fitted: &Fitted) -> Self {
        let wave = &basis.waves[i];
        let weighted = |table: &[f64]| table.iter().enumerate().map(|(l, v)| l as f64 * v).collect::<Vec<f64>>();
        let (cosine_l, sine_l) = (weighted(&wave.cosine), weighted(&wave.sine));
        let mut total = Self { sum: 0.0, phasor: Phasor::default(), slope: Phasor::default() };
        let mut start = 0;
        basis.residual_blocks(x, fitted, |r| {
            let (c, s) = basis.rotation(wave, start);
            let m = start as f64 - (x.len() as f64 - 1.0) / 2.0;
            let (dot_c, dot_s) = (dot(r, &wave.cosine), dot(r, &wave.sine));
            // sum r (m + l) cos = m sum r cos + sum r l cos
            let (slope_c, slope_s) = (m * dot_c + dot(r, &cosine_l), m * dot_s + dot(r, &sine_l));
            total.sum += r.iter().sum::<f64>();
            total.phasor.cosine += c * dot_c - s * dot_s;
            total.phasor.sine += s * dot_c + c * dot_s;
            total.slope.cosine += c * slope_c - s * slope_s;
            total.slope.sine += s * slope_c + c * slope_s;
            start += r.len();
        });
        total
    }
}

/// `S(t)`, `sum m sin(t m)` and `sum m^2 cos(t m)` over N samples centred on zero, t not a multiple of 2 pi.
///
/// With `s S = sin(N t / 2)`, s = sin(t / 2), differentiated twice.
pub(super) fn dirichlet_moments(n: usize, t: f64) -> [f64; 3] {
    let n_samples = n as f64;
    let (s, c) = (t / 2.0).sin_cos();
    let (s_n, c_n) = (n_samples * t / 2.0).sin_cos();
    let kernel = s_n / s;
    let first = (n_samples / 2.0 * c_n - 0.5 * c * kernel) / s;
    let second = (-n_samples * n_samples / 4.0 * s_n + 0.25 * s * kernel - c * first) / s;
    [kernel, -first, -second]
}

/// Angle in radians of `cycles_per_sample`.
pub(super) fn angle(cycles_per_sample: f64) -> f64 {
    TAU * cycles_per_sample
}

#[cfg(test)]
mod tests {
    use super::*;

    fn centred(n: usize) -> impl Iterator<Item = f64> {
        (0..n).map(move |i| i as f64 - (n as f64 - 1.0) / 2.0)
    }

    #[test]
    fn kernel_and_its_moments_are_the_plain_sums() {
        for n in [16, 17, 101] {
            for t in [0.0, 0.01, 0.7, 3.0, 6.0, TAU, 2.0 * TAU, 9.0, -1.3] {
                let sum: f64 = centred(n).map(|m| (t * m).cos()).sum();
                assert!((dirichlet(n, t) - sum).abs() < 1e-9, "{n} {t}");
            }
            for t in [0.3, 1.1, 2.9] {
                let [kernel, first, second] = dirichlet_moments(n, t);
                let want_first: f64 = centred(n).map(|m| m * (t * m).sin()).sum();
                let want_second: f64 = centred(n).map(|m| m * m * (t * m).cos()).sum();
                assert!((kernel - dirichlet(n, t)).abs() < 1e-11);
                assert!((first - want_first).abs() < 1e-9 * (n * n) as f64);
                assert!((second - want_second).abs() < 1e-9 * (n * n) as f64);
            }
        }
    }

    #[test]
    fn components_come_back_to_the_last_digits() {
        let n = 1000;
        let cycles = [0.012_34, 0.2, 0.437, 3.0 * 0.437];
        let truth = [(0.9, 0.1), (-1e-5, 2e-5), (0.0, 0.3), (1e-9, -1e-9)];
        let x: Vec<f64> = centred(n)
            .map(|m| {
                let waves = cycles.iter().zip(&truth);
                0.25 + waves.map(|(f, (a, b))| a * (TAU * f * m).cos() + b * (TAU * f * m).sin()).sum::<f64>()
            })
            .collect();
        let basis = Basis::new(n, &cycles);
        let fitted = basis.fit(&x);
        assert!((fitted.dc - 0.25).abs() < 1e-14);
        for (got, want) in fitted.phasors.iter().zip(&truth) {
            assert!((got.cosine - want.0).abs() < 1e-13 && (got.sine - want.1).abs() < 1e-13, "{got:?} {want:?}");
        }
        let mut energy = 0.0;
        basis.residual_blocks(&x, &fitted, |r| energy += dot(r, r));
        assert!(energy / (n as f64) < 1e-27);
    }

    #[test]
    fn a_component_at_half_the_rate_needs_one_column() {
        let x: Vec<f64> = (0..64).map(|n| if n % 2 == 0 { 0.5 } else { -0.5 }).collect();
        let fitted = Basis::new(64, &[0.5]).fit(&x);
        assert!((fitted.phasors[0].amplitude() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn turns_stay_exact_far_out() {
        // 0.1 is not a binary fraction: its nearest double is 0.1 + 5.55e-18.
        assert!((turn(0.1, 1e7 + 3.0) - (0.3 + 5.551e-11)).abs() < 1e-14);
    }
}
