//! The simplest that could lie between two records: one whole delay. Where a signal repeats itself, as a tone does, local delays
//! and jumps explain it in many ways; what explains as much without any is taken.

use rustfft::{FftPlanner, num_complex::Complex};

use crate::Result;

use super::{Pair, course::Course, path::Path, path::Piece, record::Tape};

/// Samples of the beginnings that are correlated.
const N_CORRELATED: u64 = 1 << 17;
/// Share of the largest correlation that a lag must have to be considered: a period more or less costs what the ends lose.
const NEARLY: f64 = 0.99;
/// Shares of unexplained energy that are taken for equal: rounding to 16 bits of a quiet tone.
const ROUNDING: f64 = 1e-7;

/// The whole delay at which the beginnings of both records explain each other best, by the loudest channel.
///
/// # Errors
/// Those of reading.
pub(super) fn lag(pair: &Pair) -> Result<i64> {
    let (x, y) = beginnings(pair)?;
    let correlation = correlation(&x, &y);
    let largest = correlation.iter().map(|c| c.1.abs()).fold(0.0, f64::max);
    let (x_energy, y_energy) = (Energy::of(&x), Energy::of(&y));
    let near = correlation.into_iter().filter(|c| c.1.abs() >= NEARLY * largest && largest > 0.0);
    let judged: Vec<(i64, f64, f64)> = near
        .map(|(lag, c)| {
            let (from, to) = ((-lag).max(0) as usize, (y.len() as i64 - lag).min(x.len() as i64).max(0) as usize);
            let energy =
                x_energy.between(from, to) * y_energy.between((lag.max(0)) as usize, (to as i64 + lag) as usize);
            (lag, c.abs(), (1.0 - c * c / energy).max(0.0))
        })
        .collect();
    let least = judged.iter().map(|j| j.2).fold(f64::INFINITY, f64::min);
    let good = judged.into_iter().filter(|j| j.2 <= 2.0 * least + ROUNDING);
    Ok(good.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |best| best.0))
}

/// The path of one whole delay.
pub(super) fn path(pair: &Pair, lag: i64) -> Path {
    let n_reference = pair.x_outline.n_frames;
    let pieces = vec![Piece { start: 0, end: n_reference, jump: 0.0 }];
    let mut path = Path { course: Course::Whole(lag), pieces, gaps: Vec::new(), ..pair.as_is() };
    path.cut_to_test();
    path
}

fn beginnings(pair: &Pair) -> Result<(Vec<f64>, Vec<f64>)> {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    Tape::new(pair.x)?.read(0, pair.x_outline.n_frames.min(N_CORRELATED) as usize, &mut x)?;
    let energy = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
    let loudest = (0..x.len()).max_by(|&a, &b| energy(&x[a]).total_cmp(&energy(&x[b]))).unwrap_or(0);
    Tape::new(pair.y)?.read(0, pair.y_outline.n_frames.min(N_CORRELATED) as usize, &mut y)?;
    Ok((x.swap_remove(loudest), y.swap_remove(loudest)))
}

/// `sum_i x[i] y[i + lag]` at each lag at which they meet.
fn correlation(x: &[f64], y: &[f64]) -> Vec<(i64, f64)> {
    let n = (x.len() + y.len()).next_power_of_two();
    let mut planner = FftPlanner::new();
    // Both real signals in one complex transform.
    let at = |v: &[f64], i: usize| v.get(i).copied().unwrap_or(0.0);
    let mut z: Vec<Complex<f64>> = (0..n).map(|i| Complex::new(at(x, i), at(y, i))).collect();
    planner.plan_fft_forward(n).process(&mut z);
    let mut cross: Vec<Complex<f64>> = (0..n)
        .map(|k| {
            let (a, b) = (z[k], z[(n - k) % n].conj());
            (a - b) * Complex::new(0.0, -0.5) * ((a + b) * 0.5).conj()
        })
        .collect();
    planner.plan_fft_inverse(n).process(&mut cross);
    let lags = (1 - x.len() as i64)..y.len() as i64;
    lags.map(|lag| (lag, cross[lag.rem_euclid(n as i64) as usize].re / n as f64)).collect()
}

/// Running sums of squares.
struct Energy(Vec<f64>);

impl Energy {
    fn of(x: &[f64]) -> Self {
        let mut sum = 0.0;
        let running = x.iter().map(|x| {
            sum += x * x;
            sum
        });
        Self(std::iter::once(0.0).chain(running).collect())
    }

    fn between(&self, from: usize, to: usize) -> f64 {
        self.0[to.max(from)] - self.0[from]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signal;

    fn signal(x: Vec<f64>) -> Signal {
        Signal::new(48_000, vec![x]).expect("legal")
    }

    /// `x` by so many samples late or early, as long as it was.
    fn moved(x: &[f64], delay: i64) -> Vec<f64> {
        (0..x.len() as i64)
            .map(|i| usize::try_from(i - delay).ok().and_then(|i| x.get(i)).copied().unwrap_or(0.0))
            .collect()
    }

    /// What repeats itself has many delays that explain most of it, and one that explains all.
    #[test]
    fn periodic_signals_have_one_delay_and_no_jumps() {
        let n = 96_000;
        let tone = |w: f64| move |i: usize| 0.5 * (w * i as f64).sin();
        let of = |f: &dyn Fn(usize) -> f64| (0..n).map(f).collect::<Vec<f64>>();
        let signals = [
            of(&tone(0.130_5)),
            of(&tone(std::f64::consts::TAU / 48.0)),
            of(&|i| ((i as f64 * 0.009_202).fract() - 0.5) * 0.9),
            of(&|i| 0.3 * (0.05 * i as f64).sin() + 0.3 * (0.073_1 * i as f64).sin()),
            of(&|i| if i % 480 == 0 { 0.9 } else { 0.0 }),
            of(&|i| f64::from((i as u32).wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 23) - 1.0),
        ];
        for (which, x) in signals.into_iter().enumerate() {
            for delay in [0, 40, 1_234, -700] {
                let y = signal(moved(&x, delay));
                let x = signal(x.clone());
                let path = Pair::read(&x, &y, 48_000.0).expect("in memory").path().expect("in memory");
                let path = path.expect("they belong together");
                assert_eq!((path.course.delay_at(0.0), path.pieces.len()), (delay as f64, 1), "signal {which}");
                assert_eq!(path.n_covered(), n as u64 - delay.unsigned_abs(), "signal {which}, delay {delay}");
            }
        }
    }
}
