//! `adc test`: a converter's faults, from what it made of a known stimulus.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use sqnr::analysis::{
    Absent, Conditions, Entry, Figure, Section, imd,
    jitter::{self, JitterFigures},
    linearity::{LinearityFigures, Stimulus},
    npr,
    sine_fit::{self, SineFit},
    tone,
};

use super::{
    super::{
        analyze::ToneOptions,
        batch::{Batch, FileReport},
        exit::{Exit, Failure},
        figures::FigureOptions,
        inputs::{self, Input},
        options::{Global, Inputs},
        progress::FileProgress,
        sections, units,
    },
    record::{MAX_BITS, Record},
};

/// Shown at the end of `sqnr adc test --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr generate sine --level 0.3 --coherent --samples 65536 -o tone.wav
  sqnr adc model --bits 8 --set noise_lsb=0.1 tone.wav -o converted.wav
  sqnr adc test converted.wav
  sqnr adc test --level 0.3 --explain converted.wav
  sqnr adc test --json --fail-under enob=5 --fail-over dnl_max=0.9 converted.wav";

/// Test converters: sine fit, SINAD, ENOB, DNL and INL, missing codes, jitter
///
/// Each file holds the codes that a converter gave for the stimulus. DNL and INL need it to overdrive both ends a
/// little, and 16 samples a code at least. Figures over all channels are those of the worst.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct TestArgs {
    #[command(flatten)]
    inputs: Inputs,
    /// What was fed to the converter
    #[arg(long, value_name = "KIND", default_value = "sine")]
    stimulus: StimulusKind,
    /// Resolution [default: the bits that the samples use]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=i64::from(MAX_BITS)))]
    bits: Option<u32>,
    /// Amplitude of the sine or ramp, where known: offset and gain are told then. 0 is full scale
    #[arg(long, value_name = "DBFS", allow_negative_numbers = true)]
    level: Option<f64>,
    /// Ends of the notch of --stimulus noise [default: the deepest]
    #[arg(long, value_name = "LOW..HIGH", value_parser = units::parse_band_hz)]
    notch: Option<(f64, f64)>,
    #[command(flatten)]
    tone: ToneOptions,
    #[command(flatten)]
    figures: FigureOptions,
}

/// What a converter is tested with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StimulusKind {
    /// One sine
    Sine,
    /// A ramp over the whole range, or more
    Ramp,
    /// Two sines
    TwoTone,
    /// Noise with a notch, as `generate notched` makes it
    Noise,
}

/// Runs `adc test`.
pub fn run(args: &TestArgs, global: &Global) -> Result<Exit, Failure> {
    if args.level.is_some_and(|level| !(-200.0..=200.0).contains(&level)) {
        return Err(Failure::usage("--level takes dBFS from -200 to 200"));
    }
    let inputs = inputs::collect(&args.inputs)?;
    let batch = Batch { command: "adc test", global, inputs: &args.inputs };
    batch.measure(inputs, |input, progress| one_file(input, args, progress))
}

fn one_file(input: &Input, args: &TestArgs, progress: &FileProgress) -> Result<FileReport, Failure> {
    let record = Record::read(input, args.bits, progress)?;
    let n_channels = record.kept.len();
    let measured: sqnr::Result<Vec<Channel>> = (0..n_channels).map(|c| Channel::measure(&record, c, args)).collect();
    let channels = measured.map_err(|error| Failure::compute(&input.path, error))?;
    let worst = worst(&channels, args.stimulus);
    let per_channel: Vec<Vec<Section>> = channels.iter().map(Channel::sections).collect();
    let over_all = &per_channel[worst];
    let bits = record.bits().map_or("no codes".into(), |bits| format!("{bits} bits"));
    let mut table =
        format!("{} Hz, {n_channels} channels, {} samples, {bits}\n", record.sample_rate_hz, record.n_frames);
    table += &sections::to_tables(
        over_all,
        &channels.iter().map(|c| c.sections.as_slice()).collect::<Vec<_>>(),
        args.figures.detail,
    );
    let mut json = sections::to_json(over_all);
    json.extend(channels[worst].lists_json());
    json.insert("sample_rate_hz".into(), record.sample_rate_hz.into());
    json.insert("channels".into(), n_channels.into());
    json.insert("samples".into(), record.n_frames.into());
    json.insert("bits".into(), record.bits().into());
    if let (Err(why), Some(Value::Object(reasons))) = (&record.resolution, json.get_mut("reasons")) {
        reasons.insert("bits".into(), why.to_string().into());
    }
    let details = per_channel.iter().zip(&channels).map(|(sections, channel)| {
        let mut object = sections::values_json(sections);
        object.extend(channel.lists_json());
        Value::Object(object)
    });
    json.insert("channels_detail".into(), details.collect::<Vec<Value>>().into());
    Ok(FileReport {
        table: Some(table),
        json,
        failed_checks: args.figures.failed_checks(&Section::all_entries(over_all))?,
        warnings: record.warnings,
        ..FileReport::default()
    })
}

/// The channel that speaks for all.
fn worst(channels: &[Channel], stimulus: StimulusKind) -> usize {
    let quality = |channel: &Channel| -> f64 {
        let missing_last = |figure: Figure| figure.unwrap_or(f64::INFINITY);
        match stimulus {
            StimulusKind::Sine => missing_last(channel.figure("sinad_db")),
            StimulusKind::Ramp => missing_last(channel.figure("inl_max_lsb").map(|inl| -inl)),
            StimulusKind::TwoTone => missing_last(channel.figure("td_n_db").map(|td| -td)),
            StimulusKind::Noise => missing_last(channel.figure("npr_db")),
        }
    };
    (0..channels.len()).min_by(|&a, &b| quality(&channels[a]).total_cmp(&quality(&channels[b]))).unwrap_or(0)
}

/// What was measured of one channel.
struct Channel {
    sections: Vec<Section>,
    linearity: Option<LinearityFigures>,
    harmonics: Vec<Value>,
}

impl Channel {
    fn measure(record: &Record, channel: usize, args: &TestArgs) -> sqnr::Result<Self> {
        let x = &record.kept[channel];
        let rate = f64::from(record.sample_rate_hz);
        let amplitude_lsb =
            args.level.zip(record.bits()).map(|(db, bits)| 10f64.powf(db / 20.0) * 2f64.powi(bits as i32 - 1));
        match args.stimulus {
            StimulusKind::Sine => Self::of_sine(record, channel, args, amplitude_lsb),
            StimulusKind::Ramp => {
                let ends_lsb = amplitude_lsb.map(|a| (-a, a));
                Ok(Self::of_linearity(record, channel, Stimulus::Ramp { ends_lsb }))
            }
            StimulusKind::TwoTone => {
                let conditions = Conditions::of_samples(record.sample_rate_hz).with_choice("method", "fit");
                Ok(Self::of("Two tones", imd::analyse(x, rate, None)?.entries(), conditions))
            }
            StimulusKind::Noise => {
                let measured = npr::analyse(x, rate, args.notch)?;
                let conditions = Conditions::of_spectrum(record.sample_rate_hz, npr::WINDOW, measured.n_fft);
                Ok(Self::of("Noise power ratio", measured.entries(), conditions))
            }
        }
    }

    fn of(title: &'static str, entries: Vec<Entry>, conditions: Conditions) -> Self {
        Self { sections: vec![Section::new(title, entries, conditions)], linearity: None, harmonics: Vec::new() }
    }

    fn of_linearity(record: &Record, channel: usize, stimulus: Stimulus) -> Self {
        let linearity = record.linearity(channel, stimulus);
        let conditions = Conditions::of_histogram(record.sample_rate_hz, record.bits().map(|bits| 1 << bits));
        Self { linearity: Some(linearity.clone()), ..Self::of("Linearity", linearity.entries(), conditions) }
    }

    fn of_sine(record: &Record, channel: usize, args: &TestArgs, amplitude_lsb: Option<f64>) -> sqnr::Result<Self> {
        let x = &record.kept[channel];
        let rate = f64::from(record.sample_rate_hz);
        let tone = tone::analyse(x, rate, &args.tone.settings())?.figures;
        let fit = tone.frequency_hz.and_then(|hz| {
            sine_fit::fit(x, hz / rate).map_err(|_| Absent::NotApplicable { needs: "one sine of 2 periods or more" })
        });
        let jitter = tone.frequency_hz.and_then(|hz| {
            jitter::estimate(x, rate, hz).map_err(|_| Absent::NotApplicable { needs: "one sine of 2 periods or more" })
        });
        let jitter = jitter.unwrap_or_else(JitterFigures::missing);
        let mut measured = Self::of_linearity(record, channel, Stimulus::Sine { amplitude_lsb });
        let fitted = Conditions::of_samples(record.sample_rate_hz).with_choice("method", "fit");
        let before = [
            Section::new("Sine fit, four parameters", fit_entries(fit, record.bits()), fitted.clone()),
            Section::new("Tone", tone.entries(), Conditions::of_tone(&tone)),
            Section::new("Jitter", jitter.entries(), fitted),
        ];
        measured.sections.splice(0..0, before);
        measured.harmonics = sections::harmonics_json(&tone);
        Ok(measured)
    }

    fn sections(&self) -> Vec<Section> {
        self.sections.clone()
    }

    fn figure(&self, key: &str) -> Figure {
        let mut entries = self.sections.iter().flat_map(|section| &section.entries);
        entries.find(|entry| entry.key == key).map_or(Err(Absent::NothingThere), |entry| entry.figure)
    }

    /// What is a list: the codes that are missing (the first of them), the harmonics.
    fn lists_json(&self) -> Map<String, Value> {
        const MAX_LISTED: usize = 256;
        let mut object = Map::new();
        if let Some(Ok(codes)) = self.linearity.as_ref().map(|linearity| &linearity.missing_codes) {
            let listed: Vec<usize> = codes.iter().take(MAX_LISTED).copied().collect();
            object.insert("missing_code_list".into(), listed.into());
        }
        if !self.harmonics.is_empty() {
            object.insert("harmonics".into(), self.harmonics.clone().into());
        }
        object
    }
}

/// The fitted sine, and what it leaves against the steps of a converter of full scale 1.0.
fn fit_entries(fit: Result<SineFit, Absent>, bits: Option<u32>) -> Vec<Entry> {
    let of = |part: fn(&SineFit) -> f64| fit.as_ref().map(part).map_err(|why| *why);
    let step =
        bits.map(|bits| 2f64.powi(1 - bits as i32)).ok_or(Absent::NotApplicable { needs: "the bits of the codes" });
    let residual_lsb = of(|fit| fit.residual_rms).and_then(|rms| step.map(|step| rms / step));
    let residual = of(|fit| fit.residual_rms);
    // An ideal converter of B bits leaves 2 / 2^B / sqrt 12.
    let effective = residual
        .and_then(|rms| if rms > 0.0 { Ok((2.0 / (rms * 12f64.sqrt())).log2()) } else { Err(Absent::NothingThere) });
    let entry = |key, label, unit, figure, definition, formula: &str| Entry {
        key,
        label,
        unit,
        figure,
        definition,
        formula: formula.into(),
    };
    vec![
        entry(
            "fit_amplitude",
            "amplitude",
            "FS",
            of(|fit| fit.amplitude),
            "sine-fit",
            "A of A cos(2 pi f n + phase) + C",
        ),
        entry(
            "fit_phase_rad",
            "phase",
            "rad",
            of(|fit| fit.phase_rad),
            "sine-fit",
            "of the cosine at the first sample",
        ),
        entry("fit_dc", "offset", "FS", of(|fit| fit.dc), "sine-fit", "C"),
        entry("residual_rms", "residual, RMS", "FS", residual, "sine-fit", "sqrt(mean (x - fit)^2)"),
        entry("residual_lsb", "residual, RMS", "LSB", residual_lsb, "sine-fit", "over 2 / 2^B"),
        entry(
            "enob_full_scale_bits",
            "ENOB of full scale",
            "bit",
            effective,
            "enob-full-scale",
            "log2(2 / (residual sqrt 12))",
        ),
    ]
}
