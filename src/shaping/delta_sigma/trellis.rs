//! A one-bit modulator that looks ahead: the bits are chosen for the errors they lead to, not for the next one alone.
//!
//! The plain modulator takes the bit of least `e[n]^2`, and pays later: near its limit each error forces a larger one.
//! Here the sum of squares over a path of bits is kept for the best `n_paths` paths (the M-algorithm); a bit leaves when
//! it is `latency` old, as the best path has it, and paths that disagree are dropped.

use super::modulator::{LoopFilter, LoopState, audible};
use super::ntf::{MAX_ORDER, Ntf};
use crate::{Error, Result};

/// How far and how broadly to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrellisOptions {
    /// Paths kept, 1 to 256; 1 is the plain modulator. Time grows in proportion.
    pub n_paths: usize,
    /// Samples from the first guess of a bit to its release, 1 to 64.
    pub latency: usize,
}

impl Default for TrellisOptions {
    /// 16 paths, 48 samples.
    fn default() -> Self {
        Self { n_paths: 16, latency: 48 }
    }
}

#[derive(Debug, Clone, Copy)]
struct Path {
    cost: f64,
    state: LoopState,
    /// Bit 0 is the newest; 1 stands for +1.
    bits: u64,
}

/// A step that a path may take.
#[derive(Debug, Clone, Copy)]
struct Step {
    cost: f64,
    error: f64,
    path: usize,
    bit: u64,
}

/// Cost beyond which every path has run away.
const RUNAWAY: f64 = 1e8;

/// A one-bit modulator with look-ahead.
///
/// ```
/// use sqnr::shaping::delta_sigma::{Ntf, NtfSpec, TrellisModulator, TrellisOptions};
///
/// let ntf = Ntf::synthesize(&NtfSpec::default())?;
/// let mut modulator = TrellisModulator::new(&ntf, TrellisOptions::default())?;
/// let mut v = Vec::new();
/// modulator.process(&[0.25; 4096], &mut v);
/// modulator.finish(&mut v);
/// let mean = v.iter().sum::<f64>() / 4096.0;
/// assert!(v.len() == 4096 && (mean - 0.25).abs() < 0.01);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TrellisModulator {
    filter: LoopFilter,
    options: TrellisOptions,
    paths: Vec<Path>,
    next: Vec<Path>,
    steps: Vec<Step>,
    /// Samples taken in that have not left yet, at most `latency`.
    n_pending: usize,
    n_resets: u64,
}

impl TrellisModulator {
    /// # Errors
    /// `InvalidParameter` outside the ranges of [`TrellisOptions`].
    pub fn new(ntf: &Ntf, options: TrellisOptions) -> Result<Self> {
        if !(1..=256).contains(&options.n_paths) {
            return Err(Error::invalid("paths of the look-ahead", options.n_paths, "1 to 256"));
        }
        if !(1..=64).contains(&options.latency) {
            return Err(Error::invalid("latency of the look-ahead", options.latency, "1 to 64 samples"));
        }
        Ok(Self {
            filter: LoopFilter::new(ntf),
            options,
            paths: vec![REST],
            next: Vec::with_capacity(options.n_paths),
            steps: Vec::with_capacity(2 * options.n_paths),
            n_pending: 0,
            n_resets: 0,
        })
    }

    /// Takes `u` in, full scale 1.0, and appends the levels (-1 or 1) that are ready: `latency` fewer than came in.
    /// NaN counts as 0, and beyond twice full scale the input is clipped there.
    pub fn process(&mut self, u: &[f64], v: &mut Vec<f64>) {
        for &u in u {
            self.extend(audible(u));
            self.n_pending += 1;
            if self.n_pending == self.options.latency {
                v.push(self.release());
            }
        }
    }

    /// The last levels, as the best path has them; the modulator is at rest afterwards.
    pub fn finish(&mut self, v: &mut Vec<f64>) {
        let bits = self.best().bits;
        v.extend((0..self.n_pending).rev().map(|age| level(bits >> age & 1)));
        self.paths = vec![REST];
        self.n_pending = 0;
    }

    /// How often all paths ran away and were set back to rest.
    pub fn n_resets(&self) -> u64 {
        self.n_resets
    }

    fn best(&self) -> &Path {
        self.paths.iter().min_by(|a, b| a.cost.total_cmp(&b.cost)).expect("there is always a path")
    }

    /// Lengthens every path by both bits and keeps the cheapest.
    fn extend(&mut self, u: f64) {
        self.steps.clear();
        for (path, from) in self.paths.iter().enumerate() {
            let y = u + from.state[0];
            for bit in [0, 1] {
                let error = level(bit) - y;
                self.steps.push(Step { cost: from.cost + error * error, error, path, bit });
            }
        }
        if self.steps.len() > self.options.n_paths {
            // In a tie +1 wins, as in the plain modulator.
            let order = |a: &Step, b: &Step| a.cost.total_cmp(&b.cost).then(b.bit.cmp(&a.bit));
            self.steps.select_nth_unstable_by(self.options.n_paths - 1, order);
            self.steps.truncate(self.options.n_paths);
        }
        let least = self.steps.iter().map(|s| s.cost).fold(f64::INFINITY, f64::min);
        if least >= RUNAWAY {
            self.rest();
            return;
        }
        self.next.clear();
        for step in &self.steps {
            let from = &self.paths[step.path];
            let mut path = Path { cost: step.cost - least, bits: from.bits << 1 | step.bit, ..*from };
            self.filter.step(&mut path.state, step.error);
            self.next.push(path);
        }
        std::mem::swap(&mut self.paths, &mut self.next);
    }

    /// Starts again from rest with the bits of one path and a next one of 0.
    fn rest(&mut self) {
        let bits = self.paths[0].bits << 1;
        self.paths = vec![Path { bits, ..REST }];
        self.n_resets += 1;
    }

    /// The oldest bit of the best path; paths with another one end.
    fn release(&mut self) -> f64 {
        let age = self.options.latency - 1;
        let bit = self.best().bits >> age & 1;
        self.paths.retain(|path| path.bits >> age & 1 == bit);
        self.n_pending -= 1;
        level(bit)
    }
}

const REST: Path = Path { cost: 0.0, state: [0.0; MAX_ORDER], bits: 0 };

fn level(bit: u64) -> f64 {
    if bit == 1 { 1.0 } else { -1.0 }
}

#[cfg(test)]
mod tests {
    use super::super::{Modulator, NtfSpec};
    use super::*;

    fn sine(n: usize, amplitude: f64) -> Vec<f64> {
        (0..n).map(|i| amplitude * (i as f64 * 0.003).sin()).collect()
    }

    #[test]
    fn one_path_is_the_plain_modulator() {
        let ntf = Ntf::synthesize(&NtfSpec::default()).expect("legal");
        let u = sine(3000, 0.5);
        let mut plain = vec![0.0; u.len()];
        Modulator::new(&ntf, 2).expect("legal").process(&u, &mut plain).expect("equal lengths");
        let mut trellis = TrellisModulator::new(&ntf, TrellisOptions { n_paths: 1, latency: 7 }).expect("legal");
        let mut v = Vec::new();
        trellis.process(&u, &mut v);
        assert_eq!(v.len(), u.len() - 6);
        trellis.finish(&mut v);
        assert!(v == plain);
    }

    #[test]
    fn blocks_do_not_matter() {
        let ntf = Ntf::synthesize(&NtfSpec::default()).expect("legal");
        let u = sine(1000, 0.6);
        let run = |block: usize| {
            let mut trellis = TrellisModulator::new(&ntf, TrellisOptions::default()).expect("legal");
            let mut v = Vec::new();
            u.chunks(block).for_each(|u| trellis.process(u, &mut v));
            trellis.finish(&mut v);
            v
        };
        assert!(run(1000) == run(17));
        assert_eq!(run(1).len(), u.len());
    }

    #[test]
    fn overload_is_reported_and_gives_levels() {
        let ntf = Ntf::synthesize(&NtfSpec { h_inf: 1.9, ..NtfSpec::default() }).expect("legal");
        let mut trellis = TrellisModulator::new(&ntf, TrellisOptions { n_paths: 4, latency: 64 }).expect("legal");
        let mut v = Vec::new();
        trellis.process(&vec![f64::INFINITY; 2000], &mut v);
        trellis.process(&vec![f64::NAN; 2000], &mut v);
        trellis.finish(&mut v);
        assert!(trellis.n_resets() > 0 && v.len() == 4000 && v.iter().all(|v| v.abs() == 1.0));
        assert!(TrellisModulator::new(&ntf, TrellisOptions { n_paths: 0, latency: 1 }).is_err());
        assert!(TrellisModulator::new(&ntf, TrellisOptions { n_paths: 1, latency: 65 }).is_err());
    }
}
