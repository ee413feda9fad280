//! A converter's faults, from what it made of a known stimulus.

use super::{coding::CodeOptions, record::ConverterRecord};
use crate::{
    Progress, Result,
    analysis::{
        Absent, Conditions, Entry, Figure, Section, imd,
        jitter::{self, JitterFigures},
        linearity::{FewSamples, LinearityFigures, Stimulus},
        npr,
        sine_fit::{self, SineFit},
        tone::{self, ToneFigures},
    },
    audio_file::Reopen,
};

/// What a converter is tested with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConverterStimulus {
    /// One sine.
    #[default]
    Sine,
    /// A ramp over the whole range, or more.
    Ramp,
    /// Two sines.
    TwoTone,
    /// Noise with a notch.
    Noise,
}

/// What is known of a test.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConverterTestOptions {
    /// What was fed to the converter.
    pub stimulus: ConverterStimulus,
    /// What is told of the codes: bits, justification, offset.
    pub codes: CodeOptions,
    /// What becomes of DNL and INL where samples or phases are few.
    pub few_samples: FewSamples,
    /// Amplitude of the sine or ramp, where known: offset and gain are told then. 0 is full scale.
    pub level_dbfs: Option<f64>,
    /// Ends of the notch of the noise, Hz; none: the deepest.
    pub notch_hz: Option<(f64, f64)>,
    /// How a tone is measured.
    pub tone: tone::Settings,
}

/// What [`test_converter`] found.
#[derive(Debug, Clone)]
pub struct ConverterTest {
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// Samples per channel.
    pub n_frames: u64,
    /// Bits of the codes, or why they are not known.
    pub bits: std::result::Result<u32, Absent>,
    /// Each channel.
    pub channels: Vec<TestedChannel>,
    /// The channel with the worst figures, counted from 0: it speaks for all.
    pub worst: usize,
    /// What the reader of the figures must know.
    pub warnings: Vec<String>,
}

/// What [`test_converter`] found in one channel.
#[derive(Debug, Clone)]
pub struct TestedChannel {
    /// All figures, grouped by how they were measured.
    pub sections: Vec<Section>,
    /// DNL and INL, for a sine or a ramp.
    pub linearity: Option<LinearityFigures>,
    /// The tone with its harmonics, for a sine.
    pub tone: Option<ToneFigures>,
}

/// Tests the converter that gave `audio` for a known stimulus.
///
/// ```
/// use sqnr::{adc, generate, task};
///
/// let tone = generate::signal(generate::TestSignal { level_dbfs: -1.0, ..Default::default() })?;
/// let converter = adc::Converter::new(adc::Spec { bits: 8, ..Default::default() }, 48_000.0)?;
/// let record = sqnr::Signal::new(48_000, vec![converter.convert(&tone.channels()[0])])?;
/// let tested = task::test_converter(&record, &task::ConverterTestOptions::default(), &())?;
/// assert_eq!(tested.bits, Ok(8));
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `Input` when the audio cannot be read or has no samples; `InvalidParameter` for options out of their range.
pub fn test_converter(
    audio: &dyn Reopen,
    options: &ConverterTestOptions,
    progress: &dyn Progress,
) -> Result<ConverterTest> {
    let record = ConverterRecord::read(audio, options.codes, progress)?;
    let channel = |channel| TestedChannel::measure(&record, channel, options);
    let channels: Vec<TestedChannel> = (0..record.kept.len()).map(channel).collect::<Result<_>>()?;
    let mut warnings = record.warnings.clone();
    for (i, channel) in channels.iter().enumerate() {
        let tone_hz = channel.tone.as_ref().and_then(|tone| tone.frequency_hz.ok());
        let mut said = channel.linearity.as_ref().map_or(Vec::new(), |l| record.linearity_warnings(l, tone_hz));
        said.extend(channel.tone.iter().flat_map(ToneFigures::warnings));
        let of_channel = if channels.len() > 1 { format!("channel {}: ", i + 1) } else { String::new() };
        warnings.extend(said.into_iter().map(|text| format!("{of_channel}{text}")));
    }
    Ok(ConverterTest {
        sample_rate_hz: record.sample_rate_hz,
        n_frames: record.n_frames,
        bits: record.bits(),
        worst: worst(&channels, options.stimulus),
        channels,
        warnings,
    })
}

/// The channel that speaks for all.
fn worst(channels: &[TestedChannel], stimulus: ConverterStimulus) -> usize {
    let quality = |channel: &TestedChannel| -> f64 {
        let missing_last = |figure: Figure| figure.unwrap_or(f64::INFINITY);
        match stimulus {
            ConverterStimulus::Sine => missing_last(channel.figure("sinad_db")),
            ConverterStimulus::Ramp => missing_last(channel.figure("inl_max_lsb").map(|inl| -inl)),
            ConverterStimulus::TwoTone => missing_last(channel.figure("td_n_db").map(|td| -td)),
            ConverterStimulus::Noise => missing_last(channel.figure("npr_db")),
        }
    };
    (0..channels.len()).min_by(|&a, &b| quality(&channels[a]).total_cmp(&quality(&channels[b]))).unwrap_or(0)
}

impl TestedChannel {
    fn measure(record: &ConverterRecord, channel: usize, options: &ConverterTestOptions) -> Result<Self> {
        let x = &record.kept[channel];
        let rate = f64::from(record.sample_rate_hz);
        let amplitude_lsb = options
            .level_dbfs
            .zip(record.bits().ok())
            .map(|(db, bits)| 10f64.powf(db / 20.0) * 2f64.powi(bits as i32 - 1));
        match options.stimulus {
            ConverterStimulus::Sine => Self::of_sine(record, channel, options, amplitude_lsb),
            ConverterStimulus::Ramp => {
                let ends_lsb = amplitude_lsb.map(|a| (-a, a));
                Ok(Self::of_linearity(record, channel, Stimulus::Ramp { ends_lsb }, options.few_samples))
            }
            ConverterStimulus::TwoTone => {
                let conditions = Conditions::of_samples(record.sample_rate_hz).with_choice("method", "fit");
                Ok(Self::of("Two tones", imd::analyse(x, rate, None)?.entries(), conditions))
            }
            ConverterStimulus::Noise => {
                let measured = npr::analyse(x, rate, options.notch_hz)?;
                let conditions = Conditions::of_spectrum(record.sample_rate_hz, npr::WINDOW, measured.n_fft);
                Ok(Self::of("Noise power ratio", measured.entries(), conditions))
            }
        }
    }

    fn of(title: &'static str, entries: Vec<Entry>, conditions: Conditions) -> Self {
        Self { sections: vec![Section::new(title, entries, conditions)], linearity: None, tone: None }
    }

    fn of_linearity(record: &ConverterRecord, channel: usize, stimulus: Stimulus, few: FewSamples) -> Self {
        let linearity = record.linearity(channel, stimulus, few);
        let conditions = Conditions::of_histogram(record.sample_rate_hz, record.bits().ok().map(|bits| 1 << bits));
        Self { linearity: Some(linearity.clone()), ..Self::of("Linearity", linearity.entries(), conditions) }
    }

    fn of_sine(
        record: &ConverterRecord,
        channel: usize,
        options: &ConverterTestOptions,
        amplitude_lsb: Option<f64>,
    ) -> Result<Self> {
        let x = &record.kept[channel];
        let rate = f64::from(record.sample_rate_hz);
        let tone = tone::analyse(x, rate, &options.tone)?.figures;
        let fit = tone.frequency_hz.and_then(|hz| {
            sine_fit::fit(x, hz / rate).map_err(|_| Absent::NotApplicable { needs: "one sine of 2 periods or more" })
        });
        let jitter = tone.frequency_hz.and_then(|hz| {
            jitter::estimate(x, rate, hz).map_err(|_| Absent::NotApplicable { needs: "one sine of 2 periods or more" })
        });
        let jitter = jitter.unwrap_or_else(JitterFigures::missing);
        let mut measured = Self::of_linearity(record, channel, Stimulus::Sine { amplitude_lsb }, options.few_samples);
        let fitted = Conditions::of_samples(record.sample_rate_hz).with_choice("method", "fit");
        let before = [
            Section::new("Sine fit, four parameters", fit_entries(fit, record.bits().ok(), x.len()), fitted.clone()),
            Section::new("Tone", tone.entries(), Conditions::of_tone(&tone)),
            Section::new("Jitter", jitter.entries(), fitted),
        ];
        measured.sections.splice(0..0, before);
        measured.tone = Some(tone);
        Ok(measured)
    }

    fn figure(&self, key: &str) -> Figure {
        let mut entries = self.sections.iter().flat_map(|section| &section.entries);
        entries.find(|entry| entry.key == key).map_or(Err(Absent::NothingThere), |entry| entry.figure)
    }
}

/// The fitted sine, and what it leaves against the steps of a converter of full scale 1.0.
fn fit_entries(fit: std::result::Result<SineFit, Absent>, bits: Option<u32>, n_samples: usize) -> Vec<Entry> {
    let of = |part: fn(&SineFit) -> f64| fit.as_ref().map(part).map_err(|why| *why);
    let step =
        bits.map(|bits| 2f64.powi(1 - bits as i32)).ok_or(Absent::NotApplicable { needs: "the bits of the codes" });
    let residual_lsb = of(|fit| fit.residual_rms).and_then(|rms| step.map(|step| rms / step));
    let residual = of(|fit| fit.residual_rms);
    // An ideal converter of B bits leaves 2 / 2^B / sqrt 12; four parameters of the sine are taken from the samples.
    let of_all = (n_samples as f64 / (n_samples as f64 - 4.0).max(1.0)).sqrt();
    let effective = residual.and_then(|rms| {
        if rms > 0.0 { Ok((2.0 / (rms * of_all * 12f64.sqrt())).log2()) } else { Err(Absent::NothingThere) }
    });
    let entry = |texts, figure, formula: &str| Entry::new(texts, figure, "sine-fit", formula);
    vec![
        entry(("fit_amplitude", "amplitude", "FS"), of(|fit| fit.amplitude), "A of A cos(2 pi f n + phase) + C"),
        entry(("fit_phase_rad", "phase", "rad"), of(|fit| fit.phase_rad), "of the cosine at the first sample"),
        entry(("fit_dc", "offset", "FS"), of(|fit| fit.dc), "C"),
        entry(("residual_rms", "residual, RMS", "FS"), residual, "sqrt(mean (x - fit)^2)"),
        entry(("residual_lsb", "residual, RMS", "LSB"), residual_lsb, "over 2 / 2^B"),
        Entry::new(
            ("enob_full_scale_bits", "ENOB of full scale", "bit"),
            effective,
            "enob-full-scale",
            "log2(2 / (residual sqrt(N / (N - 4)) sqrt 12))",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Signal, adc, generate};

    fn tested(recipe: generate::TestSignal, options: &ConverterTestOptions) -> ConverterTest {
        let x = generate::signal(recipe).expect("legal").into_channels().remove(0);
        let spec = adc::Spec { bits: 8, noise_lsb: 0.3, ..Default::default() };
        let converter = adc::Converter::new(spec, 48_000.0).expect("legal");
        let noisy = converter.convert(&x);
        let ideal = adc::Converter::new(adc::Spec { bits: 8, ..Default::default() }, 48_000.0).expect("legal");
        let record = Signal::new(48_000, vec![ideal.convert(&x), noisy]).expect("legal");
        test_converter(&record, options, &()).expect("in memory")
    }

    #[test]
    fn a_sine_tells_all_and_the_worst_channel_speaks() {
        let recipe = generate::TestSignal { n_samples: 65_536, level_dbfs: -0.5, ..Default::default() };
        let test = tested(recipe, &ConverterTestOptions { level_dbfs: Some(-0.5), ..Default::default() });
        assert_eq!((test.bits, test.worst), (Ok(8), 1));
        let titles: Vec<&str> = test.channels[0].sections.iter().map(|section| section.title).collect();
        assert_eq!(titles, ["Sine fit, four parameters", "Tone", "Jitter", "Linearity"]);
        let enob = test.channels[0].figure("enob_bits").expect("a tone");
        assert!((enob - 7.95).abs() < 0.1, "{enob}");
        assert!(test.channels[0].tone.is_some() && test.channels[0].linearity.is_some());
    }

    #[test]
    fn each_stimulus_has_its_figures() {
        let ramp = generate::TestSignal { kind: generate::Kind::Ramp, n_samples: 65_536, ..Default::default() };
        let test = tested(ramp, &ConverterTestOptions { stimulus: ConverterStimulus::Ramp, ..Default::default() });
        assert_eq!(test.channels[0].sections[0].title, "Linearity");
        let kind = generate::Kind::TwinTone { second_hz: 1_200.0, ratio: 1.0 };
        let twin = generate::TestSignal { kind, n_samples: 65_536, level_dbfs: -1.0, ..Default::default() };
        let test = tested(twin, &ConverterTestOptions { stimulus: ConverterStimulus::TwoTone, ..Default::default() });
        assert!(test.channels[0].figure("td_n_db").expect("two tones") < -40.0);
    }
}
