//! A reference and the signal under test, laid over one another, then measured.
//!
//! ```text
//! reference, x -+                                        +-> each channel
//!               +-> delay, gain, polarity, drift undone -+
//! audio, y -----+                                        +-> all channels, one after the other
//! ```

use crate::{
    Error, Result, Signal,
    analysis::{
        Absent, Conditions, Entry, Figure, Section,
        alignment::{self, Aligned},
        error_profile::ErrorProfile,
        masking, pair,
        window::Window,
    },
    audio_file::Reopen,
};

/// Most samples, all channels together, that a signal to compare may have: alignment looks at both as wholes, in memory,
/// at about 40 bytes a sample. 46 minutes of stereo at 48 kHz.
const MAX_SAMPLES: u64 = 1 << 28;
/// Samples per channel in one block.
const BLOCK: usize = 16_384;
/// Bins of the input's values by which errors are told apart.
const PROFILE_BINS: usize = 1_024;

/// What is done about delay, gain, polarity and drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alignment {
    /// They are looked for and undone.
    Undone,
    /// Sample by sample as the files are; the longer is cut.
    AsIs,
}

/// What others are compared with, in memory.
///
/// ```
/// use sqnr::{generate, task::Reference};
///
/// let tone = generate::signal(Default::default())?;
/// let reference = Reference::read(&tone)?;
/// assert_eq!((reference.name.as_str(), reference.signal.len()), ("signal", 48_000));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// What messages call it.
    pub name: String,
    /// Its samples.
    pub signal: Signal,
}

impl Reference {
    /// Reads the whole reference.
    ///
    /// # Errors
    /// `Input` when it cannot be read, or has more than 2^28 samples in all channels together.
    pub fn read(audio: &dyn Reopen) -> Result<Self> {
        Ok(Self { name: audio.name(), signal: read(audio)? })
    }
}

/// What [`compare`] found.
#[derive(Debug, Clone)]
pub struct Compared {
    /// All channels together.
    pub over_all: PairMeasurement,
    /// Each channel by itself.
    pub channels: Vec<PairMeasurement>,
    /// What the reader of the figures must know.
    pub warnings: Vec<String>,
}

/// Measures a signal against its reference. Both must have the same rate and number of channels.
///
/// ```
/// use sqnr::{analysis::Absent, generate, task};
///
/// let tone = generate::signal(generate::TestSignal { n_samples: 9_600, ..Default::default() })?;
/// let reference = task::Reference::read(&tone)?;
/// let compared = task::compare(&reference, &tone, task::Alignment::AsIs)?;
/// assert_eq!(compared.over_all.pair.snr_db, Err(Absent::NoError));
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `Input` when `audio` cannot be read, has more than 2^28 samples in all channels together, or another rate or number of
/// channels than the reference.
pub fn compare(reference: &Reference, audio: &dyn Reopen, alignment: Alignment) -> Result<Compared> {
    let (x, y) = (&reference.signal, read(audio)?);
    check_formats(reference, &y).map_err(|error| error.of_input(audio.name()))?;
    let channels: Vec<Laid> = x.channels().iter().zip(y.channels()).map(|(x, y)| Laid::new(alignment, x, y)).collect();
    let measure = |laid: &[Laid]| PairMeasurement::of(laid, x.sample_rate_hz());
    let over_all = measure(&channels)?;
    let cut = (alignment == Alignment::AsIs && x.len() != y.len())
        .then(|| format!("{} samples against {} of the reference; the longer is cut", y.len(), x.len()));
    Ok(Compared {
        warnings: cut.into_iter().chain(over_all.unaligned_warning()).collect(),
        over_all,
        channels: channels.chunks(1).map(measure).collect::<Result<_>>()?,
    })
}

fn read(audio: &dyn Reopen) -> Result<Signal> {
    let mut source = audio.open()?;
    let n_channels = u64::from(source.info().spec.channels);
    let check = |n_frames: u64| match n_frames.saturating_mul(n_channels) > MAX_SAMPLES {
        true => {
            let limit = format!("at most {MAX_SAMPLES} samples of all channels");
            let what = format!("is too long to compare: {limit}; cut both files");
            Err(Error::Unsupported { what }.of_input(audio.name()))
        }
        false => Ok(()),
    };
    check(source.info().n_frames.unwrap_or(0))?;
    let mut channels = vec![Vec::new(); usize::from(source.info().spec.channels)];
    source.each_block(BLOCK, &(), |block| {
        channels.iter_mut().zip(block).for_each(|(channel, part)| channel.extend_from_slice(part));
        check(channels[0].len() as u64)
    })?;
    Signal::new(source.info().spec.sample_rate_hz, channels).map_err(|error| error.of_input(audio.name()))
}

fn check_formats(reference: &Reference, y: &Signal) -> Result<()> {
    let Reference { name, signal: x } = reference;
    let refused = |what| Err(Error::Unsupported { what });
    let (ours, theirs) = (y.sample_rate_hz(), x.sample_rate_hz());
    if ours != theirs {
        return refused(format!("has {ours} Hz, {name} {theirs} Hz; resample one first"));
    }
    let (ours, theirs) = (y.channels().len(), x.channels().len());
    match ours == theirs {
        true => Ok(()),
        false => refused(format!("has {ours} channels, {name} {theirs}")),
    }
}

/// One channel, laid over its reference.
struct Laid {
    x: Vec<f64>,
    y: Vec<f64>,
    shift: std::result::Result<Shift, Absent>,
}

/// What was undone.
#[derive(Debug, Clone, Copy)]
struct Shift {
    delay_samples: f64,
    gain: f64,
    drift_ppm: f64,
    n_samples: usize,
}

impl Laid {
    fn new(alignment: Alignment, x: &[f64], y: &[f64]) -> Self {
        let n = x.len().min(y.len());
        let as_is = |shift| Self { x: x[..n].to_vec(), y: y[..n].to_vec(), shift };
        if alignment == Alignment::AsIs {
            return as_is(Ok(Shift { delay_samples: 0.0, gain: 1.0, drift_ppm: 0.0, n_samples: n }));
        }
        match alignment::align(x, y) {
            Ok(Aligned { delay_samples, gain, drift_ppm, start, test }) => {
                let x = x[start..start + test.len()].to_vec();
                let shift = Shift { delay_samples, gain, drift_ppm, n_samples: test.len() };
                Self { x, y: test, shift: Ok(shift) }
            }
            Err(why) => as_is(Err(why)),
        }
    }
}

/// Figures over one or more channels, one after the other.
#[derive(Debug, Clone)]
pub struct PairMeasurement {
    sample_rate_hz: u32,
    shift: std::result::Result<Shift, Absent>,
    /// What the error is like.
    pub pair: pair::PairFigures,
    /// How much of it is heard.
    pub masking: masking::MaskingFigures,
    /// What it has to do with the reference's value.
    pub profile: ErrorProfile,
    /// How far the difference lies below the reference, stretch by stretch of the (first) channel.
    pub null_depths: Vec<pair::NullDepth>,
}

impl PairMeasurement {
    fn of(laid: &[Laid], sample_rate_hz: u32) -> Result<Self> {
        let rate_hz = f64::from(sample_rate_hz);
        let x: Vec<f64> = laid.iter().flat_map(|l| &l.x).copied().collect();
        let y: Vec<f64> = laid.iter().flat_map(|l| &l.y).copied().collect();
        let pair = pair::compare(&x, &y, rate_hz)?;
        let masking = masking::noise_to_mask(&x, &y, rate_hz)?;
        // Channels of one recording share their delay; the first that could be aligned speaks for all.
        let shift = laid.iter().map(|l| l.shift).find(|shift| shift.is_ok()).unwrap_or(laid[0].shift);
        let profile = ErrorProfile::of(&x, &y, PROFILE_BINS)?;
        // Time runs once: over several channels it is that of the first.
        let null_depths = pair::null_depth_over_time(&laid[0].x, &laid[0].y, rate_hz);
        Ok(Self { sample_rate_hz, shift, pair, masking, profile, null_depths })
    }

    /// What to say when the figures are those of the files as they are, though alignment was asked for.
    fn unaligned_warning(&self) -> Option<String> {
        self.shift.err().map(|why| format!("not aligned, compared as they are: {why}"))
    }

    /// All figures, grouped by how they were measured.
    pub fn sections(&self) -> Vec<Section> {
        let of_samples = Conditions::of_samples(self.sample_rate_hz);
        let of_spectra = |n_fft| Conditions::of_spectrum(self.sample_rate_hz, Window::Hann, n_fft);
        let mut of_error = self.pair.entries();
        // The gain and polarity that are left after alignment say nothing.
        of_error.retain(|entry| !matches!(entry.key, "gain_db" | "polarity"));
        let (of_spectrum, of_error): (Vec<Entry>, Vec<Entry>) =
            of_error.into_iter().partition(|entry| entry.key == "lsd_db");
        let of_values = Conditions::of_histogram(self.sample_rate_hz, Some(PROFILE_BINS));
        let bands = of_spectra(masking::FRAME).with_count("bands", self.masking.bands.len());
        vec![
            Section::new("Alignment", self.shift_entries(), of_spectra(alignment::FRAME)),
            Section::new("Error", of_error, of_samples),
            Section::new("Spectra", of_spectrum, of_spectra(pair::LSD_FRAME)),
            Section::new("Dependence", self.profile.entries(), of_values),
            Section::new("Masking", vec![self.masking.entry()], bands),
        ]
    }

    fn shift_entries(&self) -> Vec<Entry> {
        let entry = |(key, label, unit), part: fn(Shift) -> f64, formula: fn(Shift) -> String, symbols: &str| Entry {
            key,
            label,
            unit,
            figure: self.shift.map(part) as Figure,
            definition: "alignment",
            formula: self.shift.map_or_else(|_| symbols.into(), |shift| format!("{symbols} = {}", formula(shift))),
        };
        vec![
            entry(
                ("delay_samples", "delay", "samples"),
                |s| s.delay_samples,
                |s| format!("{:.0} + {:.6}", s.delay_samples.round(), s.delay_samples - s.delay_samples.round()),
                "peak of the cross-correlation + phase slope",
            ),
            entry(
                ("gain_db", "gain", "dB"),
                |s| 20.0 * s.gain.abs().log10(),
                |s| format!("20 log10 {:.6}", s.gain.abs()),
                "20 log10 |sum x y / sum x^2|",
            ),
            entry(
                ("polarity", "polarity", ""),
                |s| s.gain.signum(),
                |s| format!("sign of {:.6}", s.gain),
                "sign of the gain",
            ),
            entry(
                ("drift_ppm", "clock drift", "ppm"),
                |s| s.drift_ppm,
                |s| format!("{:.6} samples over {}", 1e-6 * s.drift_ppm * s.n_samples as f64, s.n_samples),
                "slope of the delay",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;

    fn noise(n_samples: u64) -> Vec<f64> {
        let recipe =
            generate::TestSignal { kind: generate::Kind::White, n_samples, level_dbfs: -20.0, ..Default::default() };
        generate::signal(recipe).expect("legal").into_channels().remove(0)
    }

    fn signal(x: Vec<f64>) -> Signal {
        Signal::new(48_000, vec![x]).expect("legal")
    }

    #[test]
    fn delay_and_gain_are_undone() {
        let x = noise(48_000);
        let late: Vec<f64> = [0.0; 37].into_iter().chain(x.iter().map(|x| -0.5 * x)).collect();
        let reference = Reference::read(&signal(x)).expect("in memory");
        let compared = compare(&reference, &signal(late), Alignment::Undone).expect("alike");
        let entries = Section::all_entries(&compared.over_all.sections());
        let of = |key: &str| entries.iter().find(|e| e.key == key).expect("a figure").figure.expect("there is one");
        assert!((of("delay_samples") - 37.0).abs() < 1e-3 && (of("gain_db") + 6.0206).abs() < 1e-3);
        assert_eq!(of("polarity"), -1.0);
        assert!(compared.warnings.is_empty());
    }

    #[test]
    fn the_longer_is_cut_and_said_to_be() {
        let reference = Reference::read(&signal(noise(9_600))).expect("in memory");
        let compared = compare(&reference, &signal(noise(9_000)), Alignment::AsIs).expect("alike");
        assert_eq!(compared.warnings, ["9000 samples against 9600 of the reference; the longer is cut"]);
    }

    #[test]
    fn other_formats_are_refused_by_name() {
        let reference = Reference::read(&signal(noise(100))).expect("in memory");
        let other = Signal::new(8_000, vec![noise(100)]).expect("legal");
        let refused = compare(&reference, &other, Alignment::Undone).expect_err("another rate").to_string();
        assert_eq!(refused, "signal: has 8000 Hz, signal 48000 Hz; resample one first");
        let other = Signal::new(48_000, vec![noise(100); 2]).expect("legal");
        let refused = compare(&reference, &other, Alignment::Undone).expect_err("more channels").to_string();
        assert_eq!(refused, "signal: has 2 channels, signal 1");
    }
}
