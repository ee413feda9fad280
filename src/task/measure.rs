//! Level, loudness and tones of a signal, channel by channel and over all channels.
//!
//! ```text
//! audio -> blocks -+-> level, correlation, loudness (all of it)
//!                  +-> the first 2^22 samples of each channel -> tone -> intermodulation where there are two tones
//! ```

use super::programme::{MonoLoudness, Programme};
use crate::{
    Error, Progress, Result,
    analysis::{
        Absent, Conditions, Entry, Figure, Section, imd,
        level::LevelMeter,
        tone::{self, ToneFigures},
        weighting::{AES17_BAND_HZ, DYNAMIC_RANGE_WINDOW, Weighting, dynamic_range_db},
    },
    audio_file::Reopen,
};

/// Samples per channel kept for the tone, 87 s at 48 kHz: memory stays bounded whatever the length.
const MAX_TONE_SAMPLES: usize = 1 << 22;
/// Samples per channel in one block.
const BLOCK: usize = 16_384;

/// What [`measure`] looks at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MeasureOptions {
    /// Seconds left out at the start, 0 and above.
    pub skip_start_s: f64,
    /// How a tone is measured.
    pub tone: tone::Settings,
    /// How loud a single channel is taken to be.
    pub mono: MonoLoudness,
    /// Measures the noise under a tone of -60 dBFS as a dynamic range too, with this weighting.
    pub dynamic_range: Option<Weighting>,
}

/// What [`measure`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// Samples per channel that were measured.
    pub n_frames: u64,
    /// Over all channels: tones are those of the worst channel, levels those of the whole.
    pub over_all: Vec<Section>,
    /// Each channel by itself.
    pub channels: Vec<ChannelMeasurement>,
    /// What the reader of the figures must know.
    pub warnings: Vec<String>,
}

impl Measurement {
    /// Seconds that were measured.
    pub fn duration_s(&self) -> f64 {
        self.n_frames as f64 / f64::from(self.sample_rate_hz)
    }
}

/// What [`measure`] found in one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelMeasurement {
    /// All figures, grouped by how they were measured.
    pub sections: Vec<Section>,
    /// The largest tone, with its harmonics.
    pub tone: ToneFigures,
}

/// Measures level, loudness (feature `loudness`), and tones. Samples that are not finite are left out.
///
/// ```
/// use sqnr::{generate, task};
///
/// let tone = generate::signal(generate::TestSignal::default())?;
/// let measured = task::measure(&tone, &task::MeasureOptions::default(), &())?;
/// let frequency_hz = measured.channels[0].tone.frequency_hz.expect("there is a tone");
/// assert!((frequency_hz - 997.0).abs() < 1e-6);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `Input` when the audio cannot be read or has no samples left; `InvalidParameter` for options out of their range.
pub fn measure(audio: &dyn Reopen, options: &MeasureOptions, progress: &dyn Progress) -> Result<Measurement> {
    if !(options.skip_start_s.is_finite() && options.skip_start_s >= 0.0) {
        return Err(Error::invalid("seconds skipped", options.skip_start_s, "0 and above"));
    }
    let gathered = Gathered::read(audio, options, progress)?;
    let measured: Result<Vec<Channel>> = gathered.kept.iter().map(|x| Channel::of(x, gathered.rate, options)).collect();
    let channels: Vec<ChannelMeasurement> = gathered
        .levels
        .iter()
        .zip(measured?)
        .map(|(level, channel)| {
            let sections = channel.sections(level.figures().entries(), gathered.rate);
            ChannelMeasurement { sections, tone: channel.tone }
        })
        .collect();
    let mut warnings = gathered.warnings.clone();
    for (i, channel) in channels.iter().enumerate() {
        let of_channel = if channels.len() > 1 { format!("channel {}: ", i + 1) } else { String::new() };
        warnings.extend(channel.tone.warnings().into_iter().map(|text| format!("{of_channel}{text}")));
    }
    Ok(Measurement {
        sample_rate_hz: gathered.rate,
        n_frames: gathered.n_frames,
        over_all: over_all(&gathered, &channels),
        channels,
        warnings,
    })
}

/// What one pass over the audio gathers.
struct Gathered {
    rate: u32,
    n_frames: u64,
    levels: Vec<LevelMeter>,
    programme: Programme,
    kept: Vec<Vec<f64>>,
    warnings: Vec<String>,
}

impl Gathered {
    fn read(audio: &dyn Reopen, options: &MeasureOptions, progress: &dyn Progress) -> Result<Self> {
        let mut source = audio.open()?;
        let spec = source.info().spec;
        let (rate, n_channels) = (spec.sample_rate_hz, usize::from(spec.channels));
        let mut warnings = Vec::new();
        let mut gathered = Self {
            rate,
            n_frames: 0,
            levels: (0..n_channels).map(|_| LevelMeter::new(f64::from(rate))).collect::<Result<_>>()?,
            programme: Programme::new(&spec, options.mono, &mut warnings),
            kept: vec![Vec::new(); n_channels],
            warnings,
        };
        let mut to_skip = (options.skip_start_s * f64::from(rate)).round() as usize;
        source.each_block(BLOCK, progress, |block| {
            let skipped = to_skip.min(block[0].len());
            to_skip -= skipped;
            let parts: Vec<&[f64]> = block.iter().map(|channel| &channel[skipped..]).collect();
            gathered.push(&parts)
        })?;
        if gathered.n_frames == 0 {
            let error = Error::NoResult { what: "has no samples to measure".into() };
            return Err(error.of_input(audio.name()));
        }
        gathered.warnings.splice(0..0, source.warnings().iter().cloned());
        gathered.warn();
        Ok(gathered)
    }

    fn push(&mut self, block: &[&[f64]]) -> Result<()> {
        for ((x, level), kept) in block.iter().zip(&mut self.levels).zip(&mut self.kept) {
            level.push(x);
            let room = MAX_TONE_SAMPLES - kept.len();
            kept.extend_from_slice(&x[..x.len().min(room)]);
        }
        self.n_frames += block[0].len() as u64;
        self.programme.push(block)
    }

    fn warn(&mut self) {
        let n_bad: u64 = self.levels.iter().map(|l| l.figures().n_not_finite).sum();
        if n_bad > 0 {
            self.warnings.push(format!("{n_bad} samples are not finite and were left out"));
        }
        if self.n_frames > MAX_TONE_SAMPLES as u64 {
            let seconds = MAX_TONE_SAMPLES as f64 / f64::from(self.rate);
            self.warnings.push(format!("tone figures are those of the first {seconds:.1} s"));
        }
    }
}

/// True for two tones of equal size, and for one that leaves little but a second, up to 20 dB below: SMPTE's is 12 dB.
fn has_two_tones(tone: &ToneFigures) -> bool {
    match (tone.sinad_db, tone.sfdr_dbc) {
        (Err(Absent::SeveralTones { .. }), _) => true,
        (Ok(sinad_db), Ok(sfdr_dbc)) => sfdr_dbc < 20.0 && sfdr_dbc - sinad_db < 0.5,
        _ => false,
    }
}

/// Figures of one channel beside its level.
struct Channel {
    tone: ToneFigures,
    imd: Option<imd::ImdFigures>,
    dynamic_range: Option<(Weighting, Figure)>,
}

impl Channel {
    fn of(x: &[f64], rate: u32, options: &MeasureOptions) -> Result<Self> {
        let rate_hz = f64::from(rate);
        let tone = tone::analyse(x, rate_hz, &options.tone)?.figures;
        let imd = if has_two_tones(&tone) { Some(imd::analyse(x, rate_hz, None)?) } else { None };
        let dynamic_range = options.dynamic_range.map(|w| (w, dynamic_range_db(x, rate_hz, w, AES17_BAND_HZ)));
        Ok(Self { tone, imd, dynamic_range })
    }

    fn sections(&self, level: Vec<Entry>, rate: u32) -> Vec<Section> {
        let of_samples = Conditions::of_samples(rate);
        let mut sections = vec![
            Section::new("Level", level, of_samples.clone()),
            Section::new("Tone", self.tone.entries(), Conditions::of_tone(&self.tone)),
        ];
        if let Some(imd) = &self.imd {
            let fitted = of_samples.with_choice("method", "fit");
            sections.push(Section::new("Intermodulation", imd.entries(), fitted));
        }
        if let Some((weighting, figure)) = self.dynamic_range {
            sections.push(dynamic_range_section(weighting, figure, rate, self.tone.n_samples));
        }
        sections
    }
}

fn dynamic_range_section(weighting: Weighting, figure: Figure, rate: u32, n_samples: usize) -> Section {
    let formula = format!("full scale over the noise under the tone, {weighting}, 20 Hz to 20 kHz");
    let entry = Entry::new(("dynamic_range_db", "dynamic range", "dB"), figure, "dynamic-range", formula);
    let mut of_spectrum = Conditions::of_spectrum(rate, DYNAMIC_RANGE_WINDOW, n_samples);
    of_spectrum.bandwidth_hz = (AES17_BAND_HZ.end() - AES17_BAND_HZ.start()).min(of_spectrum.bandwidth_hz);
    Section::new("Dynamic range", vec![entry], of_spectrum.with_choice("weighting", weighting))
}

/// The worst channel's tone, the levels of all channels together, and what only the whole has.
fn over_all(gathered: &Gathered, channels: &[ChannelMeasurement]) -> Vec<Section> {
    let sinad = |i: usize| channels[i].tone.sinad_db.unwrap_or(f64::INFINITY);
    let worst = (0..channels.len()).min_by(|&a, &b| sinad(a).total_cmp(&sinad(b))).unwrap_or(0);
    let mut sections = channels[worst].sections.clone();
    for (i, entry) in sections[0].entries.iter_mut().enumerate() {
        let figures: Vec<Figure> = channels.iter().map(|channel| channel.sections[0].entries[i].figure).collect();
        let (figure, how) = together(entry.key, &figures);
        entry.figure = figure;
        if figures.len() > 1 {
            entry.formula = format!("{how} of {} channels", figures.len());
        }
    }
    // Crest follows from the joint peak and RMS.
    let of = |key: &str| sections[0].entries.iter().find(|e| e.key == key).map_or(Err(Absent::Silence), |e| e.figure);
    // 0 dBFS of RMS is a sine's, whose peak is 3.01 dB above its RMS.
    let crest = of("peak_dbfs").and_then(|peak| of("rms_dbfs").map(|rms| peak - rms + 20.0 * 2f64.sqrt().log10()));
    sections[0].entries.iter_mut().filter(|e| e.key == "crest_db").for_each(|e| e.figure = crest);
    let programme = Section::new("Loudness", gathered.programme.entries(), Conditions::of_samples(gathered.rate));
    sections.insert(1, programme);
    sections
}

/// One level figure of all channels and how it was made: the loudest, the quietest, the sum or the mean power, as it
/// makes sense.
fn together(key: &str, figures: &[Figure]) -> (Figure, &'static str) {
    let there = || figures.iter().filter_map(|f| f.ok());
    let mean_power = || 10.0 * (there().map(|db| 10f64.powf(db / 10.0)).sum::<f64>() / figures.len() as f64).log10();
    let (figure, how) = match key {
        "rms_dbfs" => (mean_power(), "mean power"),
        "crest_db" => (f64::NEG_INFINITY, "greatest peak over the mean power"),
        "clipped_samples" => (there().sum(), "sum"),
        "floor_dbfs" => (there().fold(f64::INFINITY, f64::min), "least"),
        "dc" => (there().fold(0.0, |a, b| if b.abs() > f64::abs(a) { b } else { a }), "farthest from zero"),
        _ => (there().fold(f64::NEG_INFINITY, f64::max), "greatest"),
    };
    match there().next() {
        Some(_) => (Ok(figure), how),
        None => (figures.first().copied().unwrap_or(Err(Absent::Silence)), how),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Signal, generate};

    fn sine(level_dbfs: f64) -> Vec<f64> {
        let recipe = generate::TestSignal { n_samples: 9_600, level_dbfs, ..generate::TestSignal::default() };
        generate::signal(recipe).expect("legal").into_channels().remove(0)
    }

    fn figure(sections: &[Section], key: &str) -> Figure {
        let entries = Section::all_entries(sections);
        entries.iter().find(|entry| entry.key == key).expect("a figure").figure
    }

    #[test]
    fn levels_are_those_of_the_whole() {
        let signal = Signal::new(48_000, vec![sine(0.0), sine(-20.0)]).expect("legal");
        let measured = measure(&signal, &MeasureOptions::default(), &()).expect("in memory");
        assert_eq!(measured.duration_s(), 0.2);
        let peak_dbfs = figure(&measured.over_all, "peak_dbfs").expect("there is a peak");
        assert!(peak_dbfs.abs() < 0.01, "{peak_dbfs}");
        let rms_dbfs = figure(&measured.over_all, "rms_dbfs").expect("there is power");
        assert!((rms_dbfs - 10.0 * (0.505f64).log10()).abs() < 0.01, "{rms_dbfs}");
        let crest_db = figure(&measured.over_all, "crest_db").expect("there is power");
        assert!((crest_db - (peak_dbfs - rms_dbfs + 3.0103)).abs() < 1e-3, "{crest_db}");
        assert!(figure(&measured.over_all, "stereo_correlation").expect("two channels") > 0.999);
        let second_dbfs = measured.channels[1].tone.level_dbfs.expect("a tone");
        assert!((second_dbfs + 20.0).abs() < 1e-6, "{second_dbfs}");
    }

    #[test]
    fn nothing_left_after_the_start_is_an_error_of_the_input() {
        let signal = Signal::new(48_000, vec![sine(0.0)]).expect("legal");
        let skip = |skip_start_s| measure(&signal, &MeasureOptions { skip_start_s, ..Default::default() }, &());
        assert_eq!(skip(0.1).expect("a part is left").n_frames, 4_800);
        assert_eq!(skip(0.2).expect_err("nothing is left").to_string(), "signal: has no samples to measure");
        assert!(matches!(skip(-1.0), Err(Error::InvalidParameter { .. })));
    }

    #[test]
    fn samples_that_are_not_finite_are_counted_and_left_out() {
        let mut x = sine(-6.0);
        x[100] = f64::NAN;
        let signal = Signal::new(48_000, vec![x]).expect("legal");
        let measured = measure(&signal, &MeasureOptions::default(), &()).expect("in memory");
        assert_eq!(measured.warnings, ["1 samples are not finite and were left out"]);
    }
}
