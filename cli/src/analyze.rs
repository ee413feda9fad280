//! `analyze`: level, loudness, and the figures of a tone when there is one.

use std::borrow::Cow;

use clap::Args;
use serde_json::{Value, json};

use sqnr::{
    Error,
    analysis::{
        Absent, Entry, Figure, imd,
        level::{LevelMeter, StereoCorrelation},
        loudness::LoudnessMeter,
        tone::{self, Method, ToneFigures},
        weighting::{AES17_BAND_HZ, DYNAMIC_RANGE_WINDOW, Weighting, dynamic_range_db},
    },
    audio_file::Source,
};

use super::{
    batch::{Batch, FileReport},
    exit::{Exit, Failure},
    figures::FigureOptions,
    inputs::{self, Input},
    options::{Global, Inputs},
    progress::FileProgress,
    sections::{self, Conditions, Section},
    source,
};

/// Shown at the end of `sqnr analyze --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr analyze song.wav
  sqnr analyze --json song.wav speech.wav
  sqnr analyze --explain song.wav
  sqnr analyze --fail-under snr=-20dB --fail-over clipped=0 song.wav
  sqnr analyze --method genalyzer:hann --harmonics 8 song.wav";

/// Measure level, loudness and tones
///
/// A tone needs no settings: it is found, fitted and subtracted with its harmonics, and the rest is the noise.
/// Figures over all channels are those of the worst channel for tones, and of the whole for levels.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct AnalyzeArgs {
    #[command(flatten)]
    inputs: Inputs,
    /// Leave out the first seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    skip_start: f64,
    #[command(flatten)]
    tone: ToneOptions,
    /// Measure the noise under a -60 dBFS tone as a dynamic range, with weighting flat, a, c, itu-468 or ccir-2k
    #[arg(long, value_name = "WEIGHTING")]
    dynamic_range: Option<Weighting>,
    #[command(flatten)]
    figures: FigureOptions,
}

/// How a tone is measured.
#[derive(Debug, Args)]
#[command(next_help_heading = "Tone")]
pub struct ToneOptions {
    /// fit, genalyzer[:WINDOW] or matlab[:WINDOW]; windows: rect, hann, bh4, bh7, flat-top, kaiser[=BETA]
    #[arg(long, value_name = "METHOD", default_value = "fit")]
    method: Method,
    /// Highest harmonic that counts as one
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=200))]
    harmonics: u32,
    /// Upper limit of noise and harmonics [default: half the rate]
    #[arg(long, value_name = "HZ")]
    bandwidth: Option<f64>,
    /// The tone's frequency [default: the largest tone]
    #[arg(long, value_name = "HZ")]
    frequency: Option<f64>,
}

impl ToneOptions {
    pub fn settings(&self) -> tone::Settings {
        tone::Settings {
            method: self.method,
            highest_harmonic: self.harmonics,
            bandwidth_hz: self.bandwidth,
            frequency_hz: self.frequency,
        }
    }
}

/// Samples per channel kept for the tone, 87 s at 48 kHz: memory stays bounded whatever the length.
const MAX_TONE_SAMPLES: usize = 1 << 22;
const BLOCK: usize = 16_384;

/// Runs `analyze`.
pub fn run(args: &AnalyzeArgs, global: &Global) -> Result<Exit, Failure> {
    if !(args.skip_start.is_finite() && args.skip_start >= 0.0) {
        return Err(Failure::usage("--skip-start takes seconds from 0"));
    }
    let inputs = inputs::collect(&args.inputs)?;
    let batch = Batch { command: "analyze", global, inputs: &args.inputs };
    batch.measure(inputs, |input, progress| one_file(input, args, progress))
}

fn one_file(input: &Input, args: &AnalyzeArgs, progress: &FileProgress) -> Result<FileReport, Failure> {
    let mut source = source::open(input)?;
    let gathered = Gathered::read(input, &mut source, args.skip_start, progress)?;
    let measured: Result<Vec<Channel>, Error> =
        gathered.kept.iter().map(|x| Channel::measure(x, &gathered, args)).collect();
    let channels = measured.map_err(|error| Failure::compute(&input.path, error))?;
    let per_channel: Vec<Vec<Section>> = gathered
        .levels
        .iter()
        .zip(&channels)
        .map(|(level, c)| c.sections(level.figures().entries(), &gathered))
        .collect();
    let over_all = over_all(&gathered, &channels, &per_channel);
    let rate = gathered.rate;
    let mut table = format!("{} Hz, {} channels, {:.3} s\n", rate, channels.len(), gathered.duration_s());
    table += &sections::to_tables(&over_all, &per_channel, args.figures.detail);
    let mut json = sections::to_json(&over_all);
    json.insert("sample_rate_hz".into(), rate.into());
    json.insert("channels".into(), channels.len().into());
    json.insert("duration_s".into(), gathered.duration_s().into());
    let details: Vec<Value> = per_channel.iter().zip(&channels).map(|(sections, c)| c.json(sections)).collect();
    json.insert("channels_detail".into(), details.into());
    Ok(FileReport {
        table: Some(table),
        json,
        warnings: gathered.warnings(&source),
        failed_checks: args.figures.failed_checks(&sections::all_entries(&over_all))?,
        ..FileReport::default()
    })
}

/// What one pass over a file gathers.
struct Gathered {
    rate: u32,
    n_frames: u64,
    levels: Vec<LevelMeter>,
    loudness: Option<LoudnessMeter>,
    correlation: StereoCorrelation,
    kept: Vec<Vec<f64>>,
}

impl Gathered {
    fn read(input: &Input, source: &mut Source, skip_s: f64, progress: &FileProgress) -> Result<Self, Failure> {
        let spec = source.info().spec;
        let (rate, n_channels) = (spec.sample_rate_hz, usize::from(spec.channels));
        let wrong = |error| Failure::compute(&input.path, error);
        let new_level = |_| LevelMeter::new(f64::from(rate)).map_err(wrong);
        let mut gathered = Self {
            rate,
            n_frames: 0,
            levels: (0..n_channels).map(new_level).collect::<Result<_, _>>()?,
            loudness: LoudnessMeter::new(n_channels as u32, rate).ok(),
            correlation: StereoCorrelation::default(),
            kept: vec![Vec::new(); n_channels],
        };
        let mut to_skip = (skip_s * f64::from(rate)).round() as usize;
        let total = source.info().n_frames;
        let mut block = Vec::new();
        loop {
            let n = source.read_planar(&mut block, BLOCK).map_err(|error| source::unreadable(input, error))?;
            if n == 0 {
                break;
            }
            let skipped = to_skip.min(n);
            to_skip -= skipped;
            gathered.take(&block, skipped).map_err(wrong)?;
            progress.at(gathered.n_frames, total, rate);
        }
        match gathered.n_frames {
            0 => Err(Failure::input(&input.path, "has no samples to measure")),
            _ => Ok(gathered),
        }
    }

    fn take(&mut self, block: &[Vec<f64>], skipped: usize) -> Result<(), Error> {
        let mut parts = Vec::with_capacity(block.len());
        for ((channel, level), kept) in block.iter().zip(&mut self.levels).zip(&mut self.kept) {
            let part = &channel[skipped..];
            level.push(part);
            let room = MAX_TONE_SAMPLES - kept.len();
            kept.extend_from_slice(&part[..part.len().min(room)]);
            // Loudness has no way to leave a sample out: one that is not finite counts as silence.
            let clean = |x: &f64| if x.is_finite() { *x } else { 0.0 };
            let part = match part.iter().all(|x| x.is_finite()) {
                true => Cow::Borrowed(part),
                false => Cow::Owned(part.iter().map(clean).collect()),
            };
            parts.push(part);
        }
        if let [left, right] = block {
            self.correlation.push(&left[skipped..], &right[skipped..]);
        }
        self.n_frames += parts.first().map_or(0, |p| p.len() as u64);
        let slices: Vec<&[f64]> = parts.iter().map(AsRef::as_ref).collect();
        self.loudness.as_mut().map_or(Ok(()), |meter| meter.push(&slices))
    }

    fn duration_s(&self) -> f64 {
        self.n_frames as f64 / f64::from(self.rate)
    }

    fn warnings(&self, source: &Source) -> Vec<String> {
        let mut warnings = source.warnings().to_vec();
        let n_bad: u64 = self.levels.iter().map(|l| l.figures().n_not_finite).sum();
        if n_bad > 0 {
            warnings.push(format!("{n_bad} samples are not finite and were left out"));
        }
        if self.n_frames > MAX_TONE_SAMPLES as u64 {
            let seconds = MAX_TONE_SAMPLES as f64 / f64::from(self.rate);
            warnings.push(format!("tone figures are those of the first {seconds:.1} s"));
        }
        warnings
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
    fn measure(x: &[f64], gathered: &Gathered, args: &AnalyzeArgs) -> Result<Self, Error> {
        let rate = f64::from(gathered.rate);
        let tone = tone::analyse(x, rate, &args.tone.settings())?.figures;
        let imd = if has_two_tones(&tone) { Some(imd::analyse(x, rate, None)?) } else { None };
        let dynamic_range = args.dynamic_range.map(|w| (w, dynamic_range_db(x, rate, w, AES17_BAND_HZ)));
        Ok(Self { tone, imd, dynamic_range })
    }

    fn sections(&self, level: Vec<Entry>, gathered: &Gathered) -> Vec<Section> {
        let of_samples = Conditions::of_samples(gathered.rate);
        let n = self.tone.n_samples;
        let mut sections = vec![
            Section::new("Level", level, of_samples.clone()),
            Section::new("Tone", self.tone.entries(), conditions(&self.tone)),
        ];
        if let Some(imd) = &self.imd {
            let fitted = of_samples.with("method", "fit");
            sections.push(Section::new("Intermodulation", imd.entries(), fitted));
        }
        if let Some((weighting, figure)) = self.dynamic_range {
            let formula = format!("full scale over the noise under the tone, {weighting}, 20 Hz to 20 kHz");
            let entry = Entry {
                key: "dynamic_range_db",
                label: "dynamic range",
                unit: "dB",
                figure,
                definition: "dynamic-range",
                formula,
            };
            let mut of_spectrum = Conditions::of_spectrum(gathered.rate, DYNAMIC_RANGE_WINDOW, n);
            of_spectrum.bandwidth_hz = (AES17_BAND_HZ.end() - AES17_BAND_HZ.start()).min(of_spectrum.bandwidth_hz);
            let of_spectrum = of_spectrum.with("weighting", weighting.to_string());
            sections.push(Section::new("Dynamic range", vec![entry], of_spectrum));
        }
        sections
    }

    fn json(&self, sections: &[Section]) -> Value {
        let mut object = sections::values_json(sections);
        object.insert("harmonics".into(), harmonics_json(&self.tone).into());
        Value::Object(object)
    }
}

/// The harmonics of a tone, one object each.
pub fn harmonics_json(tone: &ToneFigures) -> Vec<Value> {
    let harmonic = |h: &tone::Harmonic| json!({ "order": h.order, "frequency_hz": h.frequency_hz, "level_dbc": tone.harmonic_dbc(h).ok() });
    tone.harmonics.iter().map(harmonic).collect()
}

/// How the figures of a tone were measured.
pub fn conditions(tone: &ToneFigures) -> Conditions {
    let window = match tone.method {
        Method::Fit => None,
        Method::Genalyzer { window } | Method::Matlab { window } => Some(window),
    };
    Conditions {
        bandwidth_hz: tone.bandwidth_hz,
        window,
        bins: Some(tone.n_samples / 2 + 1),
        more: vec![("method", tone.method.to_string().into()), ("harmonics", tone.highest_harmonic.into())],
    }
}

/// The worst channel's tone, the levels of all channels together, and what only the whole has.
fn over_all(gathered: &Gathered, channels: &[Channel], per_channel: &[Vec<Section>]) -> Vec<Section> {
    let worst = (0..channels.len())
        .min_by(|&a, &b| {
            let sinad = |i: usize| channels[i].tone.sinad_db.unwrap_or(f64::INFINITY);
            sinad(a).total_cmp(&sinad(b))
        })
        .unwrap_or(0);
    let mut sections = per_channel[worst].clone();
    for (i, entry) in sections[0].entries.iter_mut().enumerate() {
        let figures: Vec<Figure> = per_channel.iter().map(|sections| sections[0].entries[i].figure).collect();
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
    let mut programme = gathered.loudness.as_ref().map_or(Vec::new(), |meter| meter.figures().entries());
    if gathered.levels.len() == 2 {
        programme.push(gathered.correlation.entry());
    }
    sections.insert(1, Section::new("Loudness", programme, Conditions::of_samples(gathered.rate)));
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
