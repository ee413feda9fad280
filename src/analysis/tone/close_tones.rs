//! Tells two tones that lie within some lines of one another from a single one, and a steady tone from one that is not.
//!
//! ```text
//! x -> parts of the record -> amplitude and phase of the tone in each: z[k], against a steady rotation
//! one steady tone: z is constant        two: z[k] = a u1^k + b u2^k, both roots on the unit circle
//! ```
//!
//! Source: G. R. de Prony, 1795; R. Kumaresan, D. W. Tufts, "Estimating the parameters of exponentially damped
//! sinusoids and pole-zero modeling in noise", 1982.

use std::f64::consts::TAU;

use rustfft::num_complex::Complex64;

use crate::analysis::{
    figure::Absent,
    sinusoids::{Basis, turn},
    window::Window,
};

/// Most parts of a record: tones 12 lines each side are seen.
const MAX_PARTS: usize = 32;
/// Fewest parts that tell two tones.
const MIN_PARTS: usize = 8;
/// Fewest samples of a part.
const MIN_PART: usize = 8;
/// Roots so near to the unit circle are those of steady tones: 20 % over the whole record at 32 parts.
const ROOT_TOLERANCE: f64 = 0.04;
/// Of a second tone less than this below the first, figures of one tone have no meaning.
const LEAST_RATIO: f64 = 0.5;
/// Two tones must leave less than this part of what one leaves.
const EXPLAINED: f64 = 0.1;
/// Tones nearer than this part of a line are one of a changing amplitude.
const LEAST_LINES: f64 = 0.2;
/// A tone whose amplitude and phase change by this much (mean square, -26 dB) is not steady: a twentieth in amplitude.
const UNSTEADY: f64 = 2.5e-3;

/// Amplitude and phase of a component near `cycles` per sample, as they change through the record, against a steady
/// rotation of that frequency; none of records too short for parts.
struct Envelope {
    parts: Vec<Complex64>,
    part_length: usize,
    cycles: f64,
}

impl Envelope {
    fn of(x: &[f64], cycles: f64) -> Option<Self> {
        // Two periods a part at least, of the tone and of its image.
        let most = (x.len() as f64 * cycles.min(0.5 - cycles) / 2.0).floor() as usize;
        let n_parts = MAX_PARTS.min(most).min(x.len() / MIN_PART);
        if n_parts < MIN_PARTS {
            return None;
        }
        let part_length = x.len() / n_parts;
        let basis = Basis::new(part_length, &[cycles]);
        // Harmonics are two lines of a part away and more: the window's side lobes keep them out.
        let window = Window::Hann.samples(part_length).ok()?;
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let part = |(k, part): (usize, &[f64])| {
            let windowed: Vec<f64> = part.iter().zip(&window).map(|(x, w)| (x - mean) * w).collect();
            let phasor = basis.project(&windowed).phasors[0];
            let rotation = Complex64::from_polar(1.0, -TAU * turn(cycles, (k * part_length) as f64));
            Complex64::new(phasor.cosine, -phasor.sine) * rotation * (2.0 / part_length as f64)
        };
        let parts = x.chunks_exact(part_length).take(n_parts).enumerate().map(part).collect();
        Some(Self { parts, part_length, cycles })
    }

    fn power(&self) -> f64 {
        self.parts.iter().map(Complex64::norm_sqr).sum()
    }

    /// What a constant leaves, over the whole.
    fn change(&self) -> f64 {
        let mean = self.parts.iter().sum::<Complex64>() / self.parts.len() as f64;
        self.parts.iter().map(|z| (z - mean).norm_sqr()).sum::<f64>() / self.power().max(f64::MIN_POSITIVE)
    }

    /// The two roots of `z[k+2] + c1 z[k+1] + c0 z[k] = 0`, by least squares.
    fn roots(&self) -> Option<[Complex64; 2]> {
        let z = &self.parts;
        let sum = |a: usize, b: usize| -> Complex64 { (0..z.len() - 2).map(|k| z[k + a].conj() * z[k + b]).sum() };
        let (g11, g10, g00) = (sum(1, 1).re, sum(1, 0), sum(0, 0).re);
        let determinant = g11 * g00 - g10.norm_sqr();
        if determinant <= 1e-14 * g11 * g00 {
            return None;
        }
        let (r1, r0) = (-sum(1, 2), -sum(0, 2));
        let c1 = (r1 * g00 - g10 * r0) / determinant;
        let c0 = (r0 * g11 - g10.conj() * r1) / determinant;
        let root = (c1 * c1 - 4.0 * c0).sqrt();
        Some([(-c1 + root) / 2.0, (-c1 - root) / 2.0])
    }

    /// Amplitudes of `u1^k`, `u2^k`, and what they leave of the power.
    fn amplitudes(&self, roots: [Complex64; 2]) -> Option<([f64; 2], f64)> {
        let column = |root: Complex64| (0..self.parts.len()).map(move |k| root.powu(k as u32));
        let [u1, u2] = roots;
        let g11: f64 = column(u1).map(|u| u.norm_sqr()).sum();
        let g22: f64 = column(u2).map(|u| u.norm_sqr()).sum();
        let g12: Complex64 = column(u1).zip(column(u2)).map(|(a, b)| a.conj() * b).sum();
        let right = |root| -> Complex64 { column(root).zip(&self.parts).map(|(u, z)| u.conj() * z).sum() };
        let determinant = g11 * g22 - g12.norm_sqr();
        if determinant <= 1e-12 * g11 * g22 {
            return None;
        }
        let (r1, r2) = (right(u1), right(u2));
        let (a, b) = ((r1 * g22 - g12 * r2) / determinant, (r2 * g11 - g12.conj() * r1) / determinant);
        let pairs = column(u1).zip(column(u2)).zip(&self.parts);
        let left: f64 = pairs.map(|((u1, u2), z)| (z - a * u1 - b * u2).norm_sqr()).sum();
        Some(([a.norm(), b.norm()], left / self.power()))
    }

    /// Frequency of a root, cycles per sample.
    fn frequency(&self, root: Complex64) -> f64 {
        self.cycles + root.arg() / TAU / self.part_length as f64
    }
}

/// Two steady tones near `cycles` per sample of about one level, ascending, and their difference in dB; none where one tone
/// explains as much.
pub(in crate::analysis) fn close_tones(x: &[f64], cycles: f64) -> Option<([f64; 2], f64)> {
    let envelope = Envelope::of(x, cycles)?;
    let roots = envelope.roots()?;
    if roots.iter().any(|root| (root.norm() - 1.0).abs() > ROOT_TOLERANCE) {
        return None;
    }
    let ([a, b], left) = envelope.amplitudes(roots)?;
    // One tone may lie anywhere: its frequency is that of the larger root.
    let single = Envelope::of(x, envelope.frequency(roots[usize::from(b > a)]))?.change();
    let mut pair = roots.map(|root| envelope.frequency(root));
    pair.sort_by(f64::total_cmp);
    let apart = (pair[1] - pair[0]) * x.len() as f64;
    let is_pair = a.min(b) > LEAST_RATIO * a.max(b) && left < EXPLAINED * single && apart > LEAST_LINES;
    is_pair.then(|| (pair, 20.0 * (a.max(b) / a.min(b)).log10()))
}

/// Refuses a tone of `cycles` per sample that changes through the record more than `rest`, the power of all else, makes it
/// seem to.
pub(super) fn check_steady(x: &[f64], cycles: f64, tone: f64, rest: f64) -> Result<(), Absent> {
    let Some(envelope) = Envelope::of(x, cycles) else { return Ok(()) };
    let change = envelope.change();
    // White noise of power P is 3 P / (2 length) there, Hann's noise bandwidth over the length; the tone half its power.
    let by_chance = rest / tone.max(f64::MIN_POSITIVE) * 3.0 / envelope.part_length as f64;
    if change < UNSTEADY || change < 8.0 * by_chance {
        return Ok(());
    }
    Err(Absent::UnsteadyTone { change_db: 10.0 * change.log10() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize, value: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut state = 5u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            1e-3 * ((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
        };
        (0..n).map(|i| value(i as f64) + noise()).collect()
    }

    const N: usize = 16_384;
    const F: f64 = 0.1234;

    #[test]
    fn two_tones_some_lines_apart_are_two() {
        for lines in [0.5, 1.0, 2.0, 4.0, 7.0] {
            for phase in [0.2, 1.5, 3.0] {
                let second = F + lines / N as f64;
                let x = wave(N, |n| (TAU * F * n).cos() + (TAU * second * n + phase).cos());
                let (pair, _) = close_tones(&x, F + 0.4 * lines / N as f64).expect("two");
                let apart = (pair[1] - pair[0]) * N as f64;
                assert!((apart / lines - 1.0).abs() < 0.15, "{lines} {phase}: {apart}");
            }
        }
    }

    #[test]
    fn one_tone_is_one_steady_or_not() {
        let n = N as f64;
        let tone = |n: f64| (TAU * F * n).cos();
        assert!(close_tones(&wave(N, tone), F + 0.3 / n).is_none());
        assert!(check_steady(&wave(N, tone), F, 0.5, 3e-7).is_ok());
        let unsteady: [&dyn Fn(f64) -> f64; 3] = [
            &|i: f64| (-2.0 * i / n).exp() * tone(i),
            &|i: f64| (1.0 + 0.2 * (TAU * 3.3 * i / n).sin()) * tone(i),
            &|i: f64| (TAU * F * i + 0.5 * (TAU * 3.3 * i / n).sin()).cos(),
        ];
        for (k, value) in unsteady.iter().enumerate() {
            let x = wave(N, value);
            assert!(close_tones(&x, F).is_none(), "{k}");
            assert!(matches!(check_steady(&x, F, 0.5, 3e-7), Err(Absent::UnsteadyTone { .. })), "{k}");
        }
        // Noise as strong as the tone does not make it unsteady.
        let mut state = 5u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            3.0 * ((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
        };
        let x: Vec<f64> = (0..N).map(|i| tone(i as f64) + noise()).collect();
        assert!(check_steady(&x, F, 0.5, 3.0).is_ok());
    }
}
