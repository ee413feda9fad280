//! Finds the tone in a record, or says why there is none.

use super::super::{
    figure::Absent,
    sinusoids::fold,
    spectrum::{PowerSpectrum, Settings},
    window::Window,
};

/// Fewest samples in which a tone is looked for.
pub(crate) const MIN_SAMPLES: usize = 16;
/// Frames of the search; 2^16 resolves 0.73 Hz at 48 kHz.
const FRAME: usize = 1 << 16;
/// Frame of the second try, when the tone seems to have too few periods in a short frame.
const LONG_FRAME: usize = 1 << 22;
/// Frames looked at: four, half overlapping.
const MAX_FRAMES_SPAN: usize = 5 * FRAME / 2;
/// Lines each side of a peak that belong to it: the window's lobe, and as much again for its skirts.
const SKIRT: usize = 8;
/// Fewest lines between a tone and 0, or half the rate.
const MIN_LINES: f64 = 2.0;
/// A second tone less than this below the first makes figures of one tone meaningless.
pub(super) const SECOND_TONE_DB: f64 = 6.0;

/// Why no figure can be had from these samples at all.
pub(in crate::analysis) fn check_samples(x: &[f64]) -> Result<(), Absent> {
    if x.len() < MIN_SAMPLES {
        return Err(Absent::TooShort { n_samples: x.len(), needed: MIN_SAMPLES });
    }
    // NaN and infinities make the sum of squares not finite; only then are they counted.
    if !x.iter().map(|x| x * x).sum::<f64>().is_finite() {
        let n_samples = x.iter().filter(|x| x.is_nan() || x.abs() > 1e100).count() as u64;
        return Err(Absent::NotFinite { n_samples });
    }
    if x.iter().all(|&v| v == x[0]) {
        return Err(if x[0] == 0.0 { Absent::Silence } else { Absent::DcOnly });
    }
    Ok(())
}

/// Frequency of the largest tone in cycles per sample, within a tenth of a line of the search frame or so.
///
/// # Errors
/// The reason why there is no tone.
pub(in crate::analysis) fn find_tone(x: &[f64]) -> Result<f64, Absent> {
    check_samples(x)?;
    let frame = FRAME.min(x.len());
    match find_in_frames(x, frame) {
        Err(Absent::TooFewPeriods { .. } | Absent::NearHalfRate { .. }) if x.len() > frame => {
            find_in_frames(x, LONG_FRAME.min(x.len()))
        }
        found => found,
    }
}

fn find_in_frames(x: &[f64], n_fft: usize) -> Result<f64, Absent> {
    let x = &x[..x.len().min(MAX_FRAMES_SPAN.max(n_fft))];
    let spectrum = spectrum_without_dc(x, n_fft);
    let power = spectrum.power();
    let peak = largest(power, |_| true);
    let lines = peak as f64 + interpolated_offset(power, peak);
    check_margin(power, peak)?;
    if lines < MIN_LINES {
        return Err(Absent::TooFewPeriods { periods: lines * x.len() as f64 / n_fft as f64 });
    }
    let frequency = lines / n_fft as f64;
    check_place(x.len(), frequency)?;
    check_second_tone(power, peak, frequency)?;
    Ok(frequency)
}

/// Refuses a tone that is so near to 0 or to half the rate that it cannot be told from its image.
pub(super) fn check_place(n_samples: usize, cycles: f64) -> Result<(), Absent> {
    let n = n_samples as f64;
    if cycles * n < MIN_LINES {
        Err(Absent::TooFewPeriods { periods: cycles * n })
    } else if (0.5 - cycles) * n < MIN_LINES {
        Err(Absent::NearHalfRate { lines: (0.5 - cycles) * n, needed: MIN_LINES })
    } else {
        Ok(())
    }
}

/// Spectrum of frames of `n_fft` samples, half overlapping, the mean of the record removed.
pub(in crate::analysis) fn spectrum_without_dc(x: &[f64], n_fft: usize) -> PowerSpectrum {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let centred: Vec<f64> = x.iter().map(|x| x - mean).collect();
    let settings = Settings { n_fft, hop: n_fft.div_ceil(2), window: Window::BlackmanHarris4 };
    PowerSpectrum::of(&centred, 1.0, settings).expect("the frame is no longer than the record")
}

/// The largest line but DC that `allowed` lets through.
pub(super) fn largest(power: &[f64], allowed: impl Fn(usize) -> bool) -> usize {
    let candidates = (1..power.len()).filter(|&k| allowed(k));
    candidates.max_by(|&a, &b| power[a].total_cmp(&power[b])).unwrap_or(1)
}

/// Vertex of the parabola through the logarithms of a peak and its neighbours, in lines, -1/2 to 1/2.
pub(super) fn interpolated_offset(power: &[f64], peak: usize) -> f64 {
    let (Some(&low), Some(&high)) = (power.get(peak.wrapping_sub(1)), power.get(peak + 1)) else { return 0.0 };
    if low <= 0.0 || high <= 0.0 {
        return 0.0;
    }
    let (low, top, high) = (low.ln(), power[peak].ln(), high.ln());
    let curvature = 2.0 * top - low - high;
    if curvature > 0.0 { (0.5 * (high - low) / curvature).clamp(-0.5, 0.5) } else { 0.0 }
}

/// Refuses a largest line that noise alone could have made.
///
/// A line of white noise has an exponential distribution: the largest of K exceeds its mean by more than
/// `ln K + 7` once in a thousand records, and the median is ln 2 of the mean.
pub(super) fn check_margin(power: &[f64], peak: usize) -> Result<(), Absent> {
    let mut lines: Vec<f64> = power[1..].to_vec();
    let n_lines = lines.len();
    if n_lines < 128 {
        return Ok(());
    }
    let (_, &mut median, _) = lines.select_nth_unstable_by(n_lines / 2, f64::total_cmp);
    let needed = ((n_lines as f64).ln() + 7.0) / std::f64::consts::LN_2;
    if power[peak] > needed * median {
        Ok(())
    } else {
        Err(Absent::NoTone { margin_db: 10.0 * (power[peak] / median.max(f64::MIN_POSITIVE)).log10() })
    }
}

/// Refuses a second tone of about the same level that is not the first's second or third harmonic.
fn check_second_tone(power: &[f64], peak: usize, frequency: f64) -> Result<(), Absent> {
    let n_fft = 2 * (power.len() - 1);
    // Of the waveforms with strong harmonics a sawtooth has its second 6 dB down, a square its third 9.5 dB.
    let harmonics = [0.0, 1.0, 2.0, 3.0].map(|k| fold(k * frequency) * n_fft as f64);
    let clear = |k: usize| harmonics.iter().all(|h| (k as f64 - h).abs() > SKIRT as f64) && k > SKIRT;
    let second = largest(power, clear);
    let difference_db = 10.0 * (power[peak] / power[second].max(f64::MIN_POSITIVE)).log10();
    if clear(second) && difference_db < SECOND_TONE_DB {
        return Err(Absent::SeveralTones { difference_db });
    }
    Ok(())
}

/// Refuses a fit that explains no more of a short record than it would of noise.
///
/// Fisher's test: of n periodogram lines of white noise the largest holds more than the part z of the power with
/// probability `n (1 - z)^(n - 1)`; z is taken for one in a thousand.
///
/// Source: R. A. Fisher, "Tests of significance in harmonic analysis", 1929.
pub(crate) fn check_share(n_samples: usize, tone: f64, rest: f64) -> Result<(), Absent> {
    let n = (n_samples / 2) as f64;
    let share = 1.0 - (1e-3 / n).powf(1.0 / (n - 1.0));
    if tone > share * (tone + rest) {
        return Ok(());
    }
    let margin_db = 10.0 * (tone / (rest / n).max(f64::MIN_POSITIVE)).max(1e-30).log10();
    Err(Absent::NoTone { margin_db })
}
