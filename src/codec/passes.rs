//! Encoding of a whole source: one pass for a quality, several for a bit rate, an SNR or a noise-to-mask ratio.
//!
//! ```text
//! loudness -> [codebooks] -> pass at a goal -> scratch -> bytes, decoded SNR or NMR
//!                                 ^                           |
//!                                 +--------- search <---------+      last: scratch -> sink
//! ```

use super::{
    choice::loudness::measure_loudness,
    decoder::Decoder,
    encoder::Encoder,
    format::{codebooks::Codebooks, reconstruction::BandQuantizer},
    inspect::allocation::Allocation,
    options::{EncoderOptions, Goal, Summary, Target, WHITE_NOISE_DB},
    search::Search,
    source::{Blocks, Excerpts, PcmSource, finite},
};
use crate::{Error, Result};
use std::io::{self, BufReader, Read, Seek, Write};

/// Files up to this many seconds are searched as a whole.
const SHORT_S: f64 = 40.0;
/// A bit rate within this share of the one asked for is accepted: under the 1 % promised.
const RATE_TOLERANCE: f64 = 0.007;
/// The same for the excerpts, which differ from the whole by more.
const GUESS_TOLERANCE: f64 = 0.01;
/// Distances from the SNR and from the noise-to-mask ratio at which a search ends, dB.
const SNR_TOLERANCE_DB: f64 = 0.03;
const NMR_TOLERANCE_DB: f64 = 0.05;
/// An SNR that falls short by more is no answer: of samples too small for the format silence is left.
const MOST_SHORT_DB: f64 = 6.0;

/// The logarithm of the bit rate grows by this much for each dB of the noise target, before two points give a better
/// slope.
const FIRST_SLOPE: f64 = -0.11;
/// Bounds of the slope between two points: a quiet file gains few bits by a finer target, since the threshold of
/// hearing is its floor.
const SLOPES: (f64, f64) = (-0.25, -0.02);
/// Range of the noise target, dB.
const NOISE_TARGETS_DB: (f32, f32) = (-80.0, 0.0);

/// The goal at which codebooks are designed when the search has yet to find its own: the default quality.
const DESIGN_GOAL: Goal = Goal::Quality(5.0);

/// The outcome of [`encode`].
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// Length and size.
    pub summary: Summary,
    /// With [`Target::Snr`]: the ratio of the decoded samples, dB; infinite where they are exact.
    pub snr_db: Option<f64>,
    /// With [`Target::Nmr`]: the ratio that was reached, dB.
    pub nmr_db: Option<f64>,
    /// With [`Target::BitsPerBand`]: what the bits bought, the whole file in one column.
    pub allocation: Option<Allocation>,
}

impl From<Summary> for Encoded {
    fn from(summary: Summary) -> Self {
        Self { summary, snr_db: None, nmr_db: None, allocation: None }
    }
}

/// Encodes a whole source as the options' [`Target`] asks. The loudness is measured first unless the options state it.
///
/// - `scratch`: where passes are kept, from its start: a temporary file, or memory. [`Target::Quality`] uses none, so
///   that [`io::empty`] serves.
///
/// Memory does not grow with the length of the source, but for `scratch`.
///
/// ```
/// use sqnr::codec::{self, EncoderOptions, InMemory, Target};
/// use std::io::Cursor;
///
/// let channels = [(0..48_000).map(|i| (i as f32 * 0.05).sin() * 0.5).collect::<Vec<f32>>()];
/// let options = EncoderOptions { target: Target::Snr(40.0), ..EncoderOptions::new(48_000, 1) };
/// let (mut file, mut scratch) = (Vec::new(), Cursor::new(Vec::new()));
/// let encoded = codec::encode(&mut InMemory::new(&channels), &mut file, &mut scratch, &options)?;
/// assert_eq!(encoded.summary.bytes, file.len() as u64);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `InvalidParameter` for a target or an option out of its range, `NoResult` for silence with [`Target::Snr`] or a ratio that
/// is missed by far, and for an empty source with [`Target::Nmr`], the source's own, `Io`.
pub fn encode<W: Write, S: Read + Write + Seek>(
    source: &mut dyn PcmSource,
    sink: W,
    scratch: &mut S,
    options: &EncoderOptions,
) -> Result<Encoded> {
    options.target.check()?;
    let mut passes = Passes { source, scratch, options: options.clone() };
    let encoded = match options.target {
        Target::Quality(quality) => return passes.encode_to(sink, Goal::Quality(quality)).map(Encoded::from),
        Target::Bitrate(kbps) => passes.search_bitrate(kbps)?.into(),
        Target::Snr(snr_db) => passes.search_snr(snr_db)?,
        Target::Nmr(nmr_db) => passes.search_nmr(nmr_db)?,
        Target::BitsPerBand(table) => passes.allocate(Goal::BitsPerBand(table))?,
    };
    passes.copy_to(sink, &encoded.summary)?;
    Ok(encoded)
}

/// Codebooks designed on the whole source as these options quantize it, for [`EncoderOptions::codebooks`].
///
/// The step sizes are those of the options' target, or of quality 5 where the target has to be searched for; the shape
/// of what they leave depends little on it.
///
/// ```
/// use sqnr::codec::{BandQuantizer, EncoderOptions, InMemory, design_codebooks};
///
/// let channels = [(0..48_000).map(|i| (i as f32 * 0.05).sin() * 0.5).collect::<Vec<f32>>()];
/// let band_quantizer = BandQuantizer::LloydMax;
/// let options = EncoderOptions { band_quantizer, ..EncoderOptions::new(48_000, 1) };
/// let codebooks = design_codebooks(&mut InMemory::new(&channels), &options)?;
/// assert_eq!(EncoderOptions { codebooks, ..options }.header()?.band_quantizer, BandQuantizer::LloydMax);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// As [`encode`].
pub fn design_codebooks(source: &mut dyn PcmSource, options: &EncoderOptions) -> Result<Codebooks> {
    let goal = options.goal().unwrap_or(DESIGN_GOAL);
    let options = with_loudness(source, options, goal)?;
    codebooks_at(source, &options, goal)
}

fn codebooks_at(source: &mut dyn PcmSource, options: &EncoderOptions, goal: Goal) -> Result<Codebooks> {
    let options = EncoderOptions { band_quantizer: BandQuantizer::LloydMax, ..options.clone() };
    let mut encoder = Encoder::with_goal(io::sink(), &options, goal)?;
    push_all(source, &mut encoder)?;
    Ok(encoder.finish_counting()?.design())
}

/// The options with the loudness of the source, measured unless they state it.
fn with_loudness(source: &mut dyn PcmSource, options: &EncoderOptions, goal: Goal) -> Result<EncoderOptions> {
    let loudness = match options.loudness {
        Some(loudness) => loudness,
        None => measure_loudness(source, &options.header_with(goal)?)?,
    };
    Ok(EncoderOptions { loudness: Some(loudness), ..options.clone() })
}

/// The options with codebooks, where the quantizer uses them and the options state none.
fn with_codebooks(source: &mut dyn PcmSource, options: &EncoderOptions, goal: Goal) -> Result<EncoderOptions> {
    let mut options = options.clone();
    if options.band_quantizer == BandQuantizer::LloydMax && options.codebooks == Codebooks::default() {
        options.codebooks = codebooks_at(source, &options, goal)?;
    }
    Ok(options)
}

fn push_all<W: Write>(source: &mut dyn PcmSource, encoder: &mut Encoder<W>) -> Result<()> {
    let mut block = Vec::new();
    source.rewind()?;
    while source.read(&mut block)? > 0 {
        encoder.push(&block)?;
    }
    Ok(())
}

fn encode_pass<W: Write>(source: &mut dyn PcmSource, sink: W, options: &EncoderOptions, goal: Goal) -> Result<Summary> {
    let mut encoder = Encoder::with_goal(sink, options, goal)?;
    push_all(source, &mut encoder)?;
    encoder.finish()
}

/// Passes over one source, each of which replaces what the scratch holds.
struct Passes<'a, S> {
    source: &'a mut dyn PcmSource,
    scratch: &'a mut S,
    /// With the loudness.
    options: EncoderOptions,
}

impl<S: Read + Write + Seek> Passes<'_, S> {
    /// Measures what all passes need: the loudness, and codebooks designed at `goal`.
    fn prepare(&mut self, goal: Goal) -> Result<()> {
        self.options = with_loudness(self.source, &self.options, goal)?;
        self.options = with_codebooks(self.source, &self.options, goal)?;
        Ok(())
    }

    /// The only pass of a goal that needs no search: into the sink.
    fn encode_to<W: Write>(&mut self, sink: W, goal: Goal) -> Result<Summary> {
        self.prepare(goal)?;
        encode_pass(self.source, sink, &self.options, goal)
    }

    /// One pass into the scratch.
    fn pass(&mut self, goal: Goal) -> Result<Summary> {
        self.scratch.rewind().map_err(Error::stream)?;
        encode_pass(self.source, &mut *self.scratch, &self.options, goal)
    }

    fn copy_to<W: Write>(&mut self, mut sink: W, summary: &Summary) -> Result<()> {
        let copied = io::copy(&mut file_in(self.scratch, summary)?, &mut sink).map_err(Error::stream)?;
        if copied != summary.bytes {
            return Err(Error::stream(io::ErrorKind::UnexpectedEof.into()));
        }
        sink.flush().map_err(Error::stream)
    }

    /// Finds the noise target that gives this rate, container included, within 1 %.
    ///
    /// A file that cannot be so large or so small (silence, a second of anything at 1 kbit/s) gets as near as the noise
    /// targets allow: more bits never buy noise under the threshold of hearing.
    fn search_bitrate(&mut self, kbps: f64) -> Result<Summary> {
        self.prepare(DESIGN_GOAL)?;
        let mut search = rate_search(kbps, RATE_TOLERANCE, self.options.channels);
        let duration_s = self.options.samples.map_or(0.0, |n| n as f64 / f64::from(self.options.sample_rate_hz));
        if duration_s > SHORT_S {
            (search.start, search.slope) = self.guess_bitrate(kbps)?;
        }
        let excess = |summary: Summary| ((summary.bitrate_kbps() / kbps).ln(), summary);
        search.run(|q| self.pass(Goal::NoiseTarget(q as f32)).map(excess)).map(|found| found.last)
    }

    /// Noise target and slope by excerpts of a long source.
    fn guess_bitrate(&mut self, kbps: f64) -> Result<(f64, f64)> {
        let stretch = self.options.header_with(DESIGN_GOAL)?.group_samples() as u64;
        let options = EncoderOptions { samples: None, ..self.options.clone() };
        let search = rate_search(kbps, GUESS_TOLERANCE, options.channels);
        let found = search.run(|q| {
            let mut excerpts = Excerpts::new(self.source, stretch);
            let summary = encode_pass(&mut excerpts, io::sink(), &options, Goal::NoiseTarget(q as f32))?;
            Ok(((summary.bitrate_kbps() / kbps).ln(), ()))
        })?;
        Ok((found.setting, found.slope))
    }

    /// Finds the white noise whose decoded SNR is `snr_db` within 0.05 dB, as near as the signal allows: for a few pure
    /// tones at a low SNR the SNR jumps with the step.
    ///
    /// # Errors
    /// `NoResult` when the nearest SNR falls short by more than [`MOST_SHORT_DB`].
    fn search_snr(&mut self, snr_db: f64) -> Result<Encoded> {
        let power_db = mean_power_db(self.source)?;
        let goal = |noise_db: f64| Goal::WhiteNoise((noise_db as f32).clamp(WHITE_NOISE_DB.0, WHITE_NOISE_DB.1));
        let search = Search {
            start: power_db - snr_db,
            slope: 1.0,
            slopes: (1.0, 1.0),
            tolerance: SNR_TOLERANCE_DB,
            nearest: |noise_db| noise_db,
        };
        self.prepare(goal(search.start))?;
        let found = search.run(|noise_db| {
            let (summary, reached) = self.pass_with_snr(goal(noise_db), power_db)?;
            Ok((snr_db - reached, (summary, reached)))
        })?;
        let (summary, reached) = match found.best == found.setting {
            true => found.last,
            false => self.pass_with_snr(goal(found.best), power_db)?,
        };
        if snr_db - reached > MOST_SHORT_DB {
            let what =
                format!("an SNR of {snr_db} dB cannot be met; {reached:.2} dB is as near as these samples allow");
            return Err(Error::NoResult { what });
        }
        Ok(Encoded { snr_db: Some(reached), ..summary.into() })
    }

    /// One pass, and the SNR of what it decodes to in dB.
    fn pass_with_snr(&mut self, goal: Goal, power_db: f64) -> Result<(Summary, f64)> {
        let summary = self.pass(goal)?;
        let noise_db = self.decoded_noise_db(&summary)?;
        Ok((summary, power_db - noise_db))
    }

    /// Finds the noise target whose noise-to-mask ratio is `nmr_db`. A file of which much lies under the threshold of
    /// hearing may not reach every ratio.
    fn search_nmr(&mut self, nmr_db: f64) -> Result<Encoded> {
        self.options = with_loudness(self.source, &self.options, DESIGN_GOAL)?;
        let search = Search {
            start: f64::from(Goal::quality_db(0.0)) + nmr_db,
            slope: 1.0,
            slopes: (1.0, 1.0),
            tolerance: NMR_TOLERANCE_DB,
            nearest: |q| q.clamp(NOISE_TARGETS_DB.0.into(), NOISE_TARGETS_DB.1.into()),
        };
        let found = search.run(|q| {
            let (summary, reached) = self.pass_with_nmr(Goal::NoiseTarget(q as f32))?;
            Ok((reached - nmr_db, (summary, reached)))
        })?;
        let (summary, reached) = found.last;
        Ok(Encoded { nmr_db: Some(reached), ..summary.into() })
    }

    /// One pass with codebooks of its own, and its noise-to-mask ratio in dB.
    fn pass_with_nmr(&mut self, goal: Goal) -> Result<(Summary, f64)> {
        let options = with_codebooks(self.source, &self.options, goal)?;
        self.scratch.rewind().map_err(Error::stream)?;
        let summary = encode_pass(self.source, &mut *self.scratch, &options, goal)?;
        let nmr_db = self.measure(&summary)?.total().nmr_db();
        let nmr_db = nmr_db.ok_or_else(|| Error::NoResult { what: "silence has no noise-to-mask ratio".into() })?;
        Ok((summary, nmr_db))
    }

    /// One pass, and what its bits bought.
    fn allocate(&mut self, goal: Goal) -> Result<Encoded> {
        self.prepare(goal)?;
        let summary = self.pass(goal)?;
        Ok(Encoded { allocation: Some(self.measure(&summary)?), ..summary.into() })
    }

    fn measure(&mut self, summary: &Summary) -> Result<Allocation> {
        Allocation::measure(file_in(self.scratch, summary)?, Some(&mut *self.source), 1)
    }

    /// Mean power of decoded minus original samples, dB re full scale squared.
    fn decoded_noise_db(&mut self, summary: &Summary) -> Result<f64> {
        let mut decoder = Decoder::new(file_in(self.scratch, summary)?)?;
        let mut original = Blocks::new(self.source)?;
        let (mut noise, mut count) = (0.0, 0usize);
        while let Some(decoded) = decoder.next_block()? {
            let original = original.next(decoded[0].len())?;
            for k in 0..decoded[0].len() {
                let errors = decoded.iter().zip(original).map(|(y, x)| f64::from(y[k]) - f64::from(x[k]));
                noise = errors.fold(noise, |noise, error| noise + error.powi(2));
            }
            count += decoded.len() * decoded[0].len();
        }
        Ok(10.0 * (noise / count as f64).log10())
    }
}

/// The file of the last pass, read from its start.
fn file_in<'a, S: Read + Seek>(scratch: &'a mut S, summary: &Summary) -> Result<BufReader<io::Take<&'a mut S>>> {
    scratch.rewind().map_err(Error::stream)?;
    Ok(BufReader::new(scratch.take(summary.bytes)))
}

/// Mean power of all samples, dB re full scale squared.
fn mean_power_db(source: &mut dyn PcmSource) -> Result<f64> {
    let (mut energy, mut count, mut block) = (0.0, 0usize, Vec::new());
    source.rewind()?;
    while source.read(&mut block)? > 0 {
        energy += block.iter().flatten().map(|&x| f64::from(finite(x)).powi(2)).sum::<f64>();
        count += block.iter().map(Vec::len).sum::<usize>();
    }
    match energy > 0.0 {
        true => Ok(10.0 * (energy / count as f64).log10()),
        false => Err(Error::NoResult { what: "silence has no signal-to-noise ratio".into() }),
    }
}

fn rate_search(kbps: f64, tolerance: f64, channels: u8) -> Search {
    let per_pair = kbps * 2.0 / f64::from(channels.max(1));
    Search {
        start: -30.0 + (per_pair / 106.0).ln() / FIRST_SLOPE,
        slope: FIRST_SLOPE,
        slopes: SLOPES,
        tolerance,
        nearest: |q| (q as f32).clamp(NOISE_TARGETS_DB.0, NOISE_TARGETS_DB.1).into(),
    }
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

    fn hum() -> Vec<Vec<f32>> {
        let mut noise = crate::codec::format::noise::Noise::new(5, 0);
        let x = (0..80_000).map(|i| (i as f32 * 0.07).sin() * 0.3 + 0.03 * noise.next_uniform()).collect();
        vec![x]
    }

    fn encoded(channels: &[Vec<f32>], target: Target, options: EncoderOptions) -> Result<(Encoded, Vec<u8>)> {
        let (mut bytes, mut scratch) = (Vec::new(), Cursor::new(Vec::new()));
        let options = EncoderOptions { target, ..options };
        let encoded = encode(&mut InMemory::new(channels), &mut bytes, &mut scratch, &options)?;
        assert_eq!(encoded.summary.bytes, bytes.len() as u64);
        Ok((encoded, bytes))
    }

    #[test]
    fn curves_of_any_slope_take_three_passes() {
        for slope in [-0.03, -0.06, -0.11, -0.2] {
            let mut n_passes = 0;
            let pass = |quality_db: f64| {
                n_passes += 1;
                let kbps = 100.0 * (slope * (quality_db + 30.0)).exp();
                Ok(((kbps / 128.0).ln(), kbps))
            };
            let kbps = rate_search(128.0, RATE_TOLERANCE, 2).run(pass).expect("no error").last;
            assert!((kbps / 128.0).ln().abs() <= RATE_TOLERANCE && n_passes <= 3, "{slope}: {kbps}, {n_passes} passes");
        }
    }

    #[test]
    fn bitrate_is_met_within_one_percent() {
        let channels = music(150_000, 0.01);
        let options = EncoderOptions { samples: Some(150_000), ..EncoderOptions::new(48_000, 2) };
        for kbps in [48.0, 128.0] {
            let (encoded, _) = encoded(&channels, Target::Bitrate(kbps), options.clone()).expect("legal");
            let summary = encoded.summary;
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
            let (_, bytes) = encoded(&channels, Target::Snr(snr_db), options.clone()).expect("legal");
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
    fn the_noise_to_mask_ratio_is_met() {
        let channels = hum();
        for nmr_db in [-2.0, -15.0] {
            let options = EncoderOptions::new(44_100, 1);
            let (encoded, bytes) = encoded(&channels, Target::Nmr(nmr_db), options).expect("legal");
            let reached = encoded.nmr_db.expect("measured");
            assert!((reached - nmr_db).abs() < 0.3, "{reached} for {nmr_db} dB");
            let mut source = InMemory::new(&channels);
            let again = Allocation::measure(&bytes[..], Some(&mut source), 3).expect("its own bytes").total().nmr_db();
            assert!(again.is_some_and(|again| (again - reached).abs() < 1e-6));
            assert!(Decoder::new(&bytes[..]).is_ok());
        }
    }

    #[test]
    fn an_empty_source_has_no_ratio() {
        let run = |target| encoded(&[vec![]], target, EncoderOptions::new(44_100, 1));
        assert!(matches!(run(Target::Nmr(-10.0)), Err(Error::NoResult { .. })));
        assert!(matches!(run(Target::Snr(10.0)), Err(Error::NoResult { .. })));
    }

    #[test]
    fn targets_out_of_range_are_refused() {
        let channels = music(10, 0.0);
        let rates = [0.0, 0.99, 100_001.0, f64::NAN].map(Target::Bitrate);
        let ratios = [21.0, f64::NAN].map(Target::Nmr);
        for target in rates.into_iter().chain(ratios).chain([Target::Snr(121.0), Target::Quality(10.5)]) {
            let result = encoded(&channels, target, EncoderOptions::new(48_000, 2));
            assert!(matches!(result, Err(Error::InvalidParameter { .. })), "{target:?}");
        }
    }

    /// A scratch that keeps nothing is noticed where passes are kept.
    #[test]
    fn searches_need_a_scratch() {
        let options = EncoderOptions { target: Target::Bitrate(48.0), ..EncoderOptions::new(44_100, 1) };
        let result = encode(&mut InMemory::new(&hum()), io::sink(), &mut io::empty(), &options);
        assert!(matches!(result, Err(Error::Io { .. })), "{result:?}");
    }
}
