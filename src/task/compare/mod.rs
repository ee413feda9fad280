//! A reference and the signal under test, laid over one another, then measured, in memory that does not grow with them.
//!
//! ```text
//! reference, x -+-> outlines -> path -> read side by side -+-> each channel -+-> worst channel decides
//! audio, y -----+                                          +-> all channels -+
//! ```

mod meters;
mod recording;
mod shift;
mod warnings;

use crate::{
    Error, Progress, Result,
    analysis::{
        Absent, Conditions, Entry, Figure, Section,
        alignment::{self, ChannelMatch, Course, Gain, GapKind, Pair, Path, Record, Resampled, Selected},
        error_profile::ErrorProfile,
        masking, pair,
        window::Window,
    },
    audio_file::Reopen,
};

use meters::Meters;
use recording::Recording;
use shift::{Shift, Spread};

/// Bins of the input's values by which errors are told apart.
const PROFILE_BINS: usize = 1_024;

/// What is done about delay, gain, polarity, drift, lost and inserted samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alignment {
    /// They are looked for on all channels together, and undone alike in all of them. What channels differ in stays.
    File,
    /// They are looked for and undone in each channel by itself.
    Channel,
    /// Sample by sample as the files are.
    None,
}

impl std::fmt::Display for Alignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Channel => "channel",
            Self::None => "none",
        })
    }
}

/// What [`compare`] found.
#[derive(Debug, Clone)]
pub struct Compared {
    /// All channels together.
    pub over_all: PairMeasurement,
    /// Each channel by itself.
    pub channels: Vec<PairMeasurement>,
    /// Samples per second of the reference, at which both were compared.
    pub sample_rate_hz: u32,
    /// What the reader of the figures must know.
    pub warnings: Vec<String>,
}

/// Measures a signal against its reference, which must have as many channels. Both are read a few times, block by block.
///
/// ```
/// use sqnr::{analysis::Absent, generate, task};
///
/// let tone = generate::signal(generate::TestSignal { n_samples: 9_600, ..Default::default() })?;
/// let compared = task::compare(&tone, &tone, task::Alignment::None, &())?;
/// assert_eq!(compared.over_all.pair.snr_db, Err(Absent::NoError));
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `Input` when either cannot be read, or `audio` has another number of channels than the reference, or a rate more than
/// a factor of 16 apart.
pub fn compare(
    reference: &dyn Reopen,
    audio: &dyn Reopen,
    alignment: Alignment,
    progress: &dyn Progress,
) -> Result<Compared> {
    let (x, y) = (Recording::new(reference)?, Recording::new(audio)?);
    check_formats(&x, &y).map_err(|error| error.of_input(y.name()))?;
    let resampled = Resampled::new(&y, y.rate_hz(), x.rate_hz());
    let is_resampled = x.rate_hz() != y.rate_hz();
    let y_record: &dyn Record = if is_resampled { &resampled } else { &y };
    let lacking = if is_resampled { resampled.unsupported() } else { 0 };
    let ends = (x.info.unsupported_frames, y.info.unsupported_frames + lacking);
    let job = Job { x: &x, y: y_record, rate_hz: x.info.spec.sample_rate_hz, ends, alignment, progress };
    let mut compared = match alignment {
        Alignment::Channel => job.channel_by_channel(),
        Alignment::File | Alignment::None => job.as_a_file(),
    }?;
    let name = |warning: String| format!("{}: {warning}", x.name());
    let mut warnings: Vec<String> = x.warnings().into_iter().map(name).chain(y.warnings()).collect();
    if is_resampled {
        let (ours, theirs) = (y.info.spec.sample_rate_hz, x.info.spec.sample_rate_hz);
        warnings.push(format!("has {ours} Hz, {} {theirs} Hz; resampled to that for the comparison", x.name()));
    }
    compared.warnings = [warnings, compared.warnings].concat();
    Ok(compared)
}

fn check_formats(x: &Recording, y: &Recording) -> Result<()> {
    let refused = |what| Err(Error::Unsupported { what });
    let (ours, theirs) = (y.n_channels(), x.n_channels());
    if ours != theirs {
        return refused(format!("has {ours} channels, {} {theirs}; compare files of as many channels", x.name()));
    }
    let (ours, theirs) = (y.info.spec.sample_rate_hz, x.info.spec.sample_rate_hz);
    match ours.max(theirs) / ours.min(theirs).max(1) > MAX_RATE_RATIO {
        true => refused(format!("has {ours} Hz, {} {theirs} Hz; resample one first", x.name())),
        false => Ok(()),
    }
}

/// Largest ratio of rates that is compared.
const MAX_RATE_RATIO: u32 = 16;

/// One comparison.
struct Job<'a> {
    x: &'a dyn Record,
    y: &'a dyn Record,
    rate_hz: u32,
    /// Samples at the ends of both that filters lacked neighbours for.
    ends: (u64, u64),
    alignment: Alignment,
    progress: &'a dyn Progress,
}

impl Job<'_> {
    /// One path for all channels.
    fn as_a_file(&self) -> Result<Compared> {
        let pair = Pair::read(self.x, self.y, f64::from(self.rate_hz))?;
        let laid = self.laid(&pair)?;
        let matches = alignment::matches(&pair, &laid.path)?;
        let meters =
            meters::gather(&pair, &laid.path, (laid.gain.undone, laid.gain.best / laid.gain.undone), self.progress)?;
        let of_channel =
            |m: &ChannelMatch| if matches.len() > 1 { laid.shift.of_channel(m) } else { laid.shift.clone() };
        let shifts = matches.iter().map(of_channel);
        let channels = meters.iter().zip(shifts).map(|(m, shift)| m.measured(self.rate_hz, shift)).collect();
        let shift = laid.shift.clone().with_spread(Spread::of(&matches));
        let mut warnings = laid.warnings(self.rate_hz);
        if laid.shift.alignment.is_ok() {
            warnings.extend(warnings::of_channels(&matches, f64::from(self.rate_hz)));
        }
        let over_all = Meters::over_all(&meters, self.rate_hz, shift)?;
        Ok(Compared { over_all, channels, sample_rate_hz: self.rate_hz, warnings })
    }

    /// Each channel by its own path.
    fn channel_by_channel(&self) -> Result<Compared> {
        let n_channels = self.x.n_channels();
        let (mut all, mut channels, mut warnings, mut shifts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for c in 0..n_channels {
            let (x, y) = (Selected::new(self.x, vec![c]), Selected::new(self.y, vec![c]));
            let pair = Pair::read(&x, &y, f64::from(self.rate_hz))?;
            let laid = self.laid(&pair)?;
            let gain = (laid.gain.undone, laid.gain.best / laid.gain.undone);
            let meters = meters::gather(&pair, &laid.path, gain, self.progress)?;
            channels.extend(meters.iter().map(|m| m.measured(self.rate_hz, laid.shift.clone())));
            all.extend(meters);
            let prefix = if n_channels > 1 { format!("channel {}: ", c + 1) } else { String::new() };
            warnings.extend(laid.warnings(self.rate_hz).into_iter().map(|warning| prefix.clone() + &warning));
            shifts.push(laid.shift);
        }
        let shift = Shift::of_several(&shifts);
        let over_all = Meters::over_all(&all, self.rate_hz, shift)?;
        Ok(Compared { over_all, channels, sample_rate_hz: self.rate_hz, warnings })
    }

    /// The path of `pair` and what was undone.
    fn laid(&self, pair: &Pair) -> Result<Laid> {
        let found = match self.alignment {
            Alignment::None => Ok(pair.as_is()),
            Alignment::File | Alignment::Channel => pair.path()?,
        };
        let why = found.as_ref().err().copied();
        let path = Path { unsupported: self.ends, ..found.unwrap_or_else(|_| pair.as_is()) };
        let gain = alignment::gain(pair, &path)?;
        let gain = match (self.alignment, why) {
            (Alignment::None, _) | (_, Some(_)) => Gain { undone: 1.0, ..gain },
            _ => gain,
        };
        let shift = Shift::of(&path, gain, why.map_or(Ok(self.alignment), Err));
        Ok(Laid { path, gain, shift })
    }
}

/// A pair laid over one another.
struct Laid {
    path: Path,
    gain: Gain,
    shift: Shift,
}

impl Laid {
    fn warnings(&self, rate_hz: u32) -> Vec<String> {
        let unaligned = |why| format!("not aligned, compared as they are: {why}");
        let unaligned = self.shift.alignment.err().map(unaligned);
        unaligned.into_iter().chain(warnings::of_gaps(&self.path, f64::from(rate_hz))).collect()
    }
}

/// Figures over one or more channels.
#[derive(Debug, Clone)]
pub struct PairMeasurement {
    sample_rate_hz: u32,
    shift: Shift,
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
    /// How it was aligned; none where it could not be.
    pub fn alignment(&self) -> Option<Alignment> {
        self.shift.alignment.ok()
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
        let of_path = match self.shift.alignment {
            Ok(alignment) => of_samples.clone().with_choice("align", alignment),
            Err(_) => of_samples.clone(),
        };
        vec![
            Section::new("Alignment", self.shift.entries(), of_path),
            Section::new("Error", of_error, of_samples),
            Section::new("Spectra", of_spectrum, of_spectra(pair::LSD_FRAME)),
            Section::new("Dependence", self.profile.entries(), of_values),
            Section::new("Masking", vec![self.masking.entry()], bands),
        ]
    }
}

#[cfg(test)]
mod tests;
