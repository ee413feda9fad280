//! Passes over a whole file: its loudness, and the search for the goal that meets a bit rate or an SNR.

use super::{
    choice::loudness::measure_loudness,
    decoder::Decoder,
    encoder::Encoder,
    format::{codebooks::Codebooks, reconstruction::BandQuantizer},
    options::{EncoderOptions, Goal, Summary},
    source::{Excerpts, PcmSource},
};
use crate::{Error, Result};
use std::io::{self, Read, Seek, Write};

/// Files up to this many seconds are searched as a whole.
const SHORT_S: f64 = 40.0;
/// A bit rate within this share of the one asked for is accepted: under the 1 % promised.
const RATE_TOLERANCE: f64 = 0.007;
/// So is that of the excerpts, which differ from the whole by more.
const GUESS_TOLERANCE: f64 = 0.01;
/// Passes of a search: the secant needs 3 or 4.
const MOST_PASSES: usize = 10;

/// Encodes a whole source, its loudness measured beforehand unless the options state it.
///
/// # Errors
/// `InvalidParameter` for an option out of its range, the source's own, `Io`.
pub fn encode<W: Write>(source: &mut dyn PcmSource, sink: W, options: &EncoderOptions) -> Result<Summary> {
    let options = prepared(source, options)?;
    encode_pass(source, sink, &options)
}

/// The options with what a pass over the source says: loudness, and codebooks where these are used.
fn prepared(source: &mut dyn PcmSource, options: &EncoderOptions) -> Result<EncoderOptions> {
    let options = with_loudness(source, options)?;
    match options.band_quantizer {
        BandQuantizer::LloydMax if options.codebooks == Codebooks::default() => {
            let codebooks = design_codebooks(source, &options)?;
            Ok(EncoderOptions { codebooks, ..options })
        }
        _ => Ok(options),
    }
}

fn with_loudness(source: &mut dyn PcmSource, options: &EncoderOptions) -> Result<EncoderOptions> {
    let loudness = match options.loudness {
        Some(loudness) => loudness,
        None => measure_loudness(source, &options.header()?)?,
    };
    Ok(EncoderOptions { loudness: Some(loudness), ..options.clone() })
}

/// Codebooks designed on the whole source as these options quantize it, for [`EncoderOptions::codebooks`].
///
/// The step sizes are those of the options' goal; the shape of what they leave depends little on it.
///
/// # Errors
/// As [`encode`].
pub fn design_codebooks(source: &mut dyn PcmSource, options: &EncoderOptions) -> Result<Codebooks> {
    let options = EncoderOptions { band_quantizer: BandQuantizer::LloydMax, ..with_loudness(source, options)? };
    let mut encoder = Encoder::new(io::sink(), &options)?;
    push_all(source, &mut encoder)?;
    Ok(encoder.finish_counting()?.design())
}

fn push_all<W: Write>(source: &mut dyn PcmSource, encoder: &mut Encoder<W>) -> Result<()> {
    let mut block = Vec::new();
    source.rewind()?;
    while source.read(&mut block)? > 0 {
        encoder.push(&block)?;
    }
    Ok(())
}

fn encode_pass<W: Write>(source: &mut dyn PcmSource, sink: W, options: &EncoderOptions) -> Result<Summary> {
    let mut encoder = Encoder::new(sink, options)?;
    push_all(source, &mut encoder)?;
    encoder.finish()
}

/// Encodes a whole source so that the file has `kbps` kbit/s, container included, within 1 %.
///
/// A file that cannot be so large or so small (silence, a second of anything at 1 kbit/s) gets as near as the noise
/// targets of -80 to 0 dB allow: noise under the threshold of hearing is never bought off.
///
/// - `scratch`: where the passes are kept, a temporary file or memory, from its start
///
/// # Errors
/// `InvalidParameter` for a rate outside 1 to 100 000 kbit/s or an option out of its range, the source's own, `Io`.
pub fn encode_at_bitrate<W: Write, S: Read + Write + Seek>(
    source: &mut dyn PcmSource,
    mut sink: W,
    scratch: &mut S,
    options: &EncoderOptions,
    kbps: f64,
) -> Result<Summary> {
    if !(1.0..=100_000.0).contains(&kbps) {
        return Err(Error::invalid("bit rate in kbit/s", kbps, "1 to 100000"));
    }
    let options = prepared(source, options)?;
    let mut search = RateSearch::new(kbps, RATE_TOLERANCE, &options);
    let duration_s = options.samples.map_or(0.0, |n| n as f64 / f64::from(options.sample_rate_hz));
    if duration_s > SHORT_S {
        let stretch = options.header()?.group_samples() as u64;
        let guess = RateSearch::new(kbps, GUESS_TOLERANCE, &options).run(|options| {
            let mut excerpts = Excerpts::new(source, stretch);
            encode_pass(&mut excerpts, io::sink(), &EncoderOptions { samples: None, ..options.clone() })
        })?;
        (search.quality_db, search.slope) = (guess.quality_db, guess.slope);
    }
    let Found { summary, .. } = search.run(|options| {
        scratch.rewind().map_err(Error::stream)?;
        encode_pass(source, &mut *scratch, options)
    })?;
    scratch.rewind().map_err(Error::stream)?;
    io::copy(&mut scratch.take(summary.bytes), &mut sink).map_err(Error::stream)?;
    Ok(summary)
}

/// A setting and how far its result lies from the wanted one.
type Point = (f64, f64);

/// Secant on the logarithm of the rate, kept between the nearest points above and below.
struct RateSearch<'a> {
    kbps: f64,
    tolerance: f64,
    options: &'a EncoderOptions,
    quality_db: f32,
    /// The bits' logarithm by dB of quality, as known so far.
    slope: f64,
}

/// What a search ends with.
struct Found {
    quality_db: f32,
    slope: f64,
    summary: Summary,
}

/// Bits grow by this factor's logarithm for each dB of quality, before two points tell better.
const FIRST_SLOPE: f64 = -0.11;
/// What two points may tell: a quiet file gains few bits by a finer target, since the threshold of hearing is its floor.
const SLOPES: (f64, f64) = (-0.25, -0.02);
/// Range of the noise target, dB.
const QUALITIES_DB: (f32, f32) = (-80.0, 0.0);

impl<'a> RateSearch<'a> {
    fn new(kbps: f64, tolerance: f64, options: &'a EncoderOptions) -> Self {
        let per_pair = kbps * 2.0 / f64::from(options.channels.max(1));
        let quality_db = -30.0 + (per_pair / 106.0).ln() / FIRST_SLOPE;
        let quality_db = (quality_db as f32).clamp(QUALITIES_DB.0, QUALITIES_DB.1);
        Self { kbps, tolerance, options, quality_db, slope: FIRST_SLOPE }
    }

    fn options_at(&self, quality_db: f32) -> EncoderOptions {
        EncoderOptions { goal: Goal::NoiseTarget(quality_db), ..self.options.clone() }
    }

    /// Passes until the rate is met or cannot be met.
    fn run(mut self, mut pass: impl FnMut(&EncoderOptions) -> Result<Summary>) -> Result<Found> {
        // the nearest points with more and with fewer bits than wanted: quality and ln of the rate over the wanted
        let (mut above, mut below): (Option<Point>, Option<Point>) = (None, None);
        let (mut last, mut n_passes): (Option<Point>, usize) = (None, 0);
        loop {
            let summary = pass(&self.options_at(self.quality_db))?;
            n_passes += 1;
            let excess = (summary.bitrate_kbps() / self.kbps).ln();
            let point = Some((f64::from(self.quality_db), excess));
            self.slope = slope_between(last, point).unwrap_or(self.slope);
            last = point;
            if excess > 0.0 {
                above = point
            } else {
                below = point
            }
            let next = next_quality(above, below, f64::from(self.quality_db), excess, self.slope) as f32;
            let is_stuck = next.clamp(QUALITIES_DB.0, QUALITIES_DB.1) == self.quality_db;
            if !(excess.abs() > self.tolerance && n_passes < MOST_PASSES) || is_stuck || !excess.is_finite() {
                return Ok(Found { quality_db: self.quality_db, slope: self.slope, summary });
            }
            self.quality_db = next.clamp(QUALITIES_DB.0, QUALITIES_DB.1);
        }
    }
}

fn slope_between(last: Option<Point>, point: Option<Point>) -> Option<f64> {
    let ((last_q, last_e), (q, e)) = last.zip(point).filter(|(last, point)| last.0 != point.0)?;
    Some(((e - last_e) / (q - last_q)).clamp(SLOPES.0, SLOPES.1))
}

fn next_quality(above: Option<Point>, below: Option<Point>, quality_db: f64, excess: f64, slope: f64) -> f64 {
    match (above, below) {
        (Some((qa, ea)), Some((qb, eb))) => {
            // the middle tenths only, so that a bent curve cannot hold one end for ever
            let share = (eb / (eb - ea)).clamp(0.05, 0.95);
            qb + (qa - qb) * share
        }
        _ => quality_db - excess / slope,
    }
}

/// Encodes a whole source with white noise so that the decoded SNR is `snr_db` within 0.05 dB, as near as the signal
/// allows: for a few pure tones at a low SNR the SNR jumps with the step.
///
/// # Errors
/// `InvalidParameter` for an SNR outside 0 to 120 dB or an option out of its range, `NoResult` for silence, the
/// source's own, `Io`.
pub fn encode_at_snr<W: Write>(
    source: &mut dyn PcmSource,
    sink: W,
    options: &EncoderOptions,
    snr_db: f64,
) -> Result<Summary> {
    if !(0.0..=120.0).contains(&snr_db) {
        return Err(Error::invalid("SNR in dB", snr_db, "0 to 120"));
    }
    let power_db = mean_power_db(source)?;
    let mut noise_db = power_db - snr_db;
    let first = Goal::WhiteNoise(noise_db.clamp(-160.0, 0.0) as f32);
    let options = &prepared(source, &EncoderOptions { goal: first, ..options.clone() })?;
    let (mut coarse, mut fine): (Option<Point>, Option<Point>) = (None, None);
    let mut best = (f64::INFINITY, noise_db);
    for _ in 0..MOST_PASSES {
        let goal = Goal::WhiteNoise(noise_db.clamp(-160.0, 0.0) as f32);
        let miss = decoded_snr_db(source, &EncoderOptions { goal, ..options.clone() }, power_db)? - snr_db;
        if miss.abs() < best.0 {
            best = (miss.abs(), noise_db);
        }
        if miss.abs() < 0.03 {
            break;
        }
        if miss < 0.0 {
            coarse = Some((noise_db, miss))
        } else {
            fine = Some((noise_db, miss))
        }
        noise_db = match (coarse, fine) {
            (Some((nc, mc)), Some((nf, mf))) => nf + (nc - nf) * (mf / (mf - mc)).clamp(0.05, 0.95),
            _ => noise_db + miss,
        };
    }
    let goal = Goal::WhiteNoise(best.1.clamp(-160.0, 0.0) as f32);
    encode_pass(source, sink, &EncoderOptions { goal, ..options.clone() })
}

/// Mean power of all samples, dB re full scale squared.
fn mean_power_db(source: &mut dyn PcmSource) -> Result<f64> {
    let (mut energy, mut count, mut block) = (0.0, 0usize, Vec::new());
    source.rewind()?;
    while source.read(&mut block)? > 0 {
        let finite = block.iter().flatten().filter(|x| x.is_finite());
        energy += finite.map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
        count += block.iter().map(Vec::len).sum::<usize>();
    }
    match energy > 0.0 {
        true => Ok(10.0 * (energy / count as f64).log10()),
        false => Err(Error::NoResult { what: "silence has no signal-to-noise ratio".into() }),
    }
}

/// SNR after encoding and decoding, through a file in memory of one group at a time.
fn decoded_snr_db(source: &mut dyn PcmSource, options: &EncoderOptions, power_db: f64) -> Result<f64> {
    let mut bytes = Vec::new();
    encode_pass(source, &mut bytes, options)?;
    let mut decoder = Decoder::new(&bytes[..])?;
    let (mut noise, mut count, mut block) = (0.0, 0usize, Vec::new());
    let (mut at, mut n) = (0, 0);
    source.rewind()?;
    while let Some(decoded) = decoder.next_block()? {
        for k in 0..decoded[0].len() {
            if at == n {
                (at, n) = (0, source.read(&mut block)?);
            }
            for (y, x) in decoded.iter().zip(&block) {
                let x = if x[at].is_finite() { x[at] } else { 0.0 };
                noise += f64::from(y[k] - x).powi(2);
            }
            count += decoded.len();
            at += 1;
        }
    }
    Ok(power_db - 10.0 * (noise / count as f64).log10())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::InMemory;
    use std::io::Cursor;

    /// Swelling tones over noise of this amplitude.
    fn music(n: usize, hiss: f32) -> Vec<Vec<f32>> {
        let tone = |i: usize, f: f32| (i as f32 * f).sin() * (1.0 + (i as f32 * 3e-4).sin()) * 0.1;
        let mut noise = crate::codec::format::noise::Noise::new(1, 1);
        let left: Vec<f32> = (0..n).map(|i| tone(i, 0.05) + tone(i, 0.31) + hiss * noise.next_uniform()).collect();
        let right = (0..n).map(|i| tone(i, 0.05) + tone(i, 0.17) + hiss * noise.next_uniform()).collect();
        vec![left, right]
    }

    #[test]
    fn curves_of_any_slope_take_three_passes() {
        let options = EncoderOptions::new(48_000, 2);
        for slope in [-0.03, -0.06, -0.11, -0.2] {
            let mut n_passes = 0;
            let pass = |options: &EncoderOptions| {
                n_passes += 1;
                let Goal::NoiseTarget(quality_db) = options.goal else { panic!("{:?}", options.goal) };
                let kbps = 100.0 * (slope * (f64::from(quality_db) + 30.0)).exp();
                Ok(Summary { samples: 0, bytes: (kbps * 125e3) as u64, invalid_samples: 0, duration_s: 1e3 })
            };
            let found = RateSearch::new(128.0, RATE_TOLERANCE, &options).run(pass).expect("no error");
            let kbps = found.summary.bitrate_kbps();
            assert!((kbps / 128.0).ln().abs() <= RATE_TOLERANCE && n_passes <= 3, "{slope}: {kbps}, {n_passes} passes");
        }
    }

    #[test]
    fn bitrate_is_met_within_one_percent() {
        let channels = music(150_000, 0.01);
        let options = EncoderOptions { samples: Some(150_000), ..EncoderOptions::new(48_000, 2) };
        for kbps in [48.0, 128.0] {
            let mut bytes = Vec::new();
            let summary = encode_at_bitrate(
                &mut InMemory::new(&channels),
                &mut bytes,
                &mut Cursor::new(Vec::new()),
                &options,
                kbps,
            )
            .expect("legal");
            assert_eq!(summary.bytes, bytes.len() as u64);
            assert!((summary.bitrate_kbps() / kbps - 1.0).abs() < 0.01, "{} for {kbps}", summary.bitrate_kbps());
        }
    }

    #[test]
    fn snr_is_met() {
        // noise-like, so that the SNR is a smooth function of the step
        let channels = music(60_000, 0.1);
        let options = EncoderOptions::new(48_000, 2);
        let power_db = mean_power_db(&mut InMemory::new(&channels)).expect("not silent");
        for snr_db in [20.0, 60.0] {
            let mut bytes = Vec::new();
            encode_at_snr(&mut InMemory::new(&channels), &mut bytes, &options, snr_db).expect("legal");
            let mut decoder = Decoder::new(&bytes[..]).expect("its own bytes");
            let (mut noise, mut at) = (0.0, 0);
            while let Some(block) = decoder.next_block().expect("its own bytes") {
                for (y, x) in block.iter().zip(&channels) {
                    noise += y.iter().zip(&x[at..]).map(|(y, x)| f64::from(y - x).powi(2)).sum::<f64>();
                }
                at += block[0].len();
            }
            let measured = power_db - 10.0 * (noise / 120_000.0).log10();
            assert!((measured - snr_db).abs() < 0.05, "{measured} dB for {snr_db}");
        }
    }

    #[test]
    fn rates_out_of_range_are_refused() {
        let channels = music(10, 0.0);
        let options = EncoderOptions::new(48_000, 2);
        for kbps in [0.0, 0.99, 100_001.0, f64::NAN] {
            let result = encode_at_bitrate(
                &mut InMemory::new(&channels),
                Vec::new(),
                &mut Cursor::new(Vec::new()),
                &options,
                kbps,
            );
            assert!(matches!(result, Err(Error::InvalidParameter { .. })), "{kbps}");
        }
    }
}
