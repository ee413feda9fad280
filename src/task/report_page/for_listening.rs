//! Versions of other rates, channel counts or delays, made fit to be heard beside the first. Nothing of this is measured.

use std::f64::consts::PI;

use crate::{Result, Signal, analysis::alignment::Pair};

/// Half the length of the interpolating filter, in samples of the slower of the two rates.
const HALF_TAPS: f64 = 24.0;
/// Samples from the start that the delay is looked for in: five seconds at 48 kHz.
const ALIGNED_SAMPLES: usize = 1 << 18;

/// `signal` at another rate and number of channels, and what was done to it.
pub(super) fn converted(signal: &Signal, rate_hz: u32, n_channels: usize) -> Result<(Signal, Vec<String>)> {
    let mut done = Vec::new();
    let mut channels = signal.channels().to_vec();
    if channels.len() != n_channels {
        let way = if n_channels < channels.len() { "mixed" } else { "spread" };
        done.push(format!("{way} from {} channels", channels.len()));
        channels = mixed(&channels, n_channels);
    }
    if signal.sample_rate_hz() != rate_hz {
        done.push(format!("resampled from {} Hz", signal.sample_rate_hz()));
        let ratio = f64::from(rate_hz) / f64::from(signal.sample_rate_hz());
        channels = channels.iter().map(|x| resampled(x, ratio)).collect();
    }
    Ok((Signal::new(rate_hz, channels)?, done))
}

/// One channel from many is their mean; many from one are the same; else the first ones, and silence for the rest.
fn mixed(channels: &[Vec<f64>], n_channels: usize) -> Vec<Vec<f64>> {
    let n = channels[0].len();
    if n_channels == 1 {
        let mean = |i: usize| channels.iter().map(|c| c[i]).sum::<f64>() / channels.len() as f64;
        return vec![(0..n).map(mean).collect()];
    }
    let of = |c: usize| match channels {
        [one] => one.clone(),
        many => many.get(c).cloned().unwrap_or_else(|| vec![0.0; n]),
    };
    (0..n_channels).map(of).collect()
}

/// `x` at `ratio` times its rate: a sinc cut to 48 samples of the slower rate by a Hann window, its cutoff at 0.95 of half
/// that rate. For listening: images and aliases lie below -60 dB from 0.9 of the band on.
fn resampled(x: &[f64], ratio: f64) -> Vec<f64> {
    let n = (x.len() as f64 * ratio).round() as usize;
    let cutoff = 0.95 * ratio.min(1.0);
    let half = HALF_TAPS / ratio.min(1.0);
    let tap = |t: f64| {
        let phase = PI * cutoff * t;
        let sinc = if phase.abs() < 1e-9 { 1.0 } else { phase.sin() / phase };
        cutoff * sinc * (0.5 + 0.5 * (PI * t / half).cos())
    };
    (0..n)
        .map(|i| {
            let at = i as f64 / ratio;
            let first = (at - half).ceil().max(0.0) as usize;
            let end = ((at + half).floor() as usize + 1).min(x.len());
            (first..end).map(|k| x[k] * tap(at - k as f64)).sum()
        })
        .collect()
}

/// Samples that `version` comes later than `reference`, as far as the first seconds of the first channels tell.
pub(super) fn delay_samples(reference: &Signal, version: &Signal) -> Result<Option<i64>> {
    let start = |signal: &Signal| {
        let finite = |x: &f64| if x.is_finite() { *x } else { 0.0 };
        let first = signal.channels()[0].iter().take(ALIGNED_SAMPLES).map(finite).collect();
        Signal::new(signal.sample_rate_hz(), vec![first])
    };
    let (x, y) = (start(reference)?, start(version)?);
    let path = Pair::read(&x, &y, f64::from(x.sample_rate_hz()))?.path()?;
    let delay = path.ok().map(|path| path.course.delay_at(0.0).round() as i64);
    Ok(delay.filter(|&delay| delay != 0))
}

/// `signal` `delay` samples earlier; silence fills in where it then begins late.
pub(super) fn shifted(signal: &Signal, delay: i64) -> Result<Signal> {
    let size = usize::try_from(delay.unsigned_abs()).unwrap_or(usize::MAX).min(signal.len());
    let shift = |x: &Vec<f64>| match delay > 0 {
        true => x[size..].to_vec(),
        false => [vec![0.0; size], x.clone()].concat(),
    };
    Signal::new(signal.sample_rate_hz(), signal.channels().iter().map(shift).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate_hz: f64, hz: f64, n: usize) -> Vec<f64> {
        (0..n).map(|i| 0.5 * (2.0 * PI * hz * i as f64 / rate_hz).sin()).collect()
    }

    #[test]
    fn a_resampled_tone_is_the_same_tone() {
        for (from, to) in [(44_100.0, 48_000.0), (48_000.0, 44_100.0), (8_000.0, 48_000.0)] {
            let y = resampled(&sine(from, 997.0, from as usize / 4), to / from);
            let wanted = sine(to, 997.0, y.len());
            let inner = 500..y.len() - 500;
            let worst = inner.map(|i| (y[i] - wanted[i]).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-3, "{from} to {to}: {worst}");
        }
    }

    #[test]
    fn what_is_above_half_the_new_rate_is_gone() {
        let y = resampled(&sine(48_000.0, 15_000.0, 12_000), 16_000.0 / 48_000.0);
        assert!(y[500..3_500].iter().all(|v| v.abs() < 1e-3), "a 15 kHz tone cannot live at 16 kHz");
    }

    #[test]
    fn channels_are_mixed_and_spread() {
        let (a, b) = (vec![1.0, 2.0], vec![3.0, 6.0]);
        assert_eq!(mixed(&[a.clone(), b.clone()], 1), [vec![2.0, 4.0]]);
        assert_eq!(mixed(std::slice::from_ref(&a), 2), [a.clone(), a.clone()]);
        assert_eq!(mixed(&[a.clone(), b.clone()], 3), [a, b, vec![0.0, 0.0]]);
    }

    #[test]
    fn a_late_version_is_found_and_moved() {
        let x: Vec<f64> = (0..4_000).map(|i| ((i * i % 1_013) as f64 / 1_013.0) - 0.5).collect();
        let late = [vec![0.0; 37], x.clone()].concat();
        let signal = |x: &Vec<f64>| Signal::new(8_000, vec![x.clone()]).expect("legal");
        let delay = delay_samples(&signal(&x), &signal(&late)).expect("in memory");
        assert_eq!(delay, Some(37));
        assert_eq!(shifted(&signal(&late), 37).expect("legal"), signal(&x));
        assert_eq!(shifted(&signal(&x), -37).expect("legal"), signal(&late));
    }
}
