//! What a report says of signals: each read once, in blocks, next to the reference when there is one.
//!
//! ```text
//! audio     -+-> start (waveform, listening), level, spectrum, spectrogram -+-> MeasuredVersion -+
//! reference -+-> error: figures, spectrum, spectrogram, histogram ----------+                    +-> charts, page
//!                                                                 the other versions ------------+
//! ```

mod for_listening;

use super::alongside::Alongside;
use crate::{
    Progress, Result, Signal,
    analysis::{
        Entry,
        error_density::ErrorDensity,
        error_histogram::{ErrorHistogram, HistogramSettings},
        error_statistics::{ErrorStatistics, Settings},
        level::LevelMeter,
        spectrogram::{Builder, Spectrogram},
        spectrum::{self, Averaged, PowerSpectrum},
        window::Window,
    },
    audio_file::{Fidelity, Info, Reopen},
    report::{
        html::{Comparison, DEFAULT_AUDIO_BYTES, Page, Parts, Version},
        plot::{
            Chart, Scale,
            error_shape::{ErrorShapes, Shape},
            error_steps::{Counted, ErrorSteps},
            spectrogram::{Spectrograms, Titled},
        },
    },
    wav::Encoding,
};

/// An SNR above this leaves no room for a delay of a sample or more in music.
const NEAR_DB: f64 = 10.0;
/// Samples per channel in one block.
const BLOCK: usize = 8_192;
/// Frame of the spectrograms: 43 ms at 48 kHz.
const SPECTROGRAM: spectrum::Settings = spectrum::Settings { n_fft: 2048, hop: 1024, window: Window::Hann };
/// Spectrograms drawn: the reference and the first errors.
const MAX_SPECTROGRAMS: usize = 3;
/// Bytes of a stored sample at most.
const SAMPLE_BYTES: usize = 3;

/// Steps each side of zero in which errors are counted, and bins in a step.
const HISTOGRAM_STEPS: usize = 16;
const BINS_PER_STEP: usize = 32;

/// A signal as a page shows it.
///
/// ```
/// use sqnr::{generate, report::html::{Comparison, Parts}, task::{self, MeasuredVersion, report_charts, report_page}};
///
/// let tone = generate::signal(Default::default())?;
/// let four_bits = sqnr::quantize(&tone, &"uniform bits=4".parse()?)?.signal;
/// let read = |audio, reference| MeasuredVersion::read(audio, reference, 1 << 20, &());
/// let versions = [read(&tone, None)?, read(&four_bits, Some(&tone))?];
/// let page = report_page(&versions, report_charts(&versions), Comparison::WithFirst, Parts::WithoutAudio);
/// let mut html = Vec::new();
/// page.write(&mut html)?;
/// assert!(html.ends_with(b"</html>\n"));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MeasuredVersion {
    name: String,
    /// What the reader must know.
    notes: Vec<String>,
    /// The start, as much as the page can hold.
    kept: Signal,
    figures: Vec<Entry>,
    spectrum: Option<PowerSpectrum>,
    error_spectrum: Option<PowerSpectrum>,
    /// Of the error in steps, and the bits that say how large a step is; none for samples that have no step.
    histogram: Option<(u32, ErrorHistogram)>,
    /// Of the error where there is one, else of the file.
    spectrogram: Option<Spectrogram>,
}

impl MeasuredVersion {
    /// Reads `audio` to its end; of its samples the start is kept, up to `max_bytes` of 24-bit PCM.
    ///
    /// A reference of another sample rate or number of channels is not compared with, and a note says so.
    ///
    /// # Errors
    /// `Input` when the audio or its reference cannot be read.
    pub fn read(
        audio: &dyn Reopen,
        reference: Option<&dyn Reopen>,
        max_bytes: usize,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let mut source = audio.open()?;
        let info = source.info().clone();
        let reference = reference.map(Reopen::open).transpose()?;
        let mut reference = reference.filter(|other| form(other.info()) == form(&info)).map(Alongside::new);
        let mut meters = Meters::new(&info, max_bytes)?;
        source.each_block(BLOCK, progress, |block| {
            meters.push(block);
            reference.as_mut().map_or(Ok(()), |reference| meters.compare(block, reference))
        })?;
        let name = audio.name();
        if let Some(reference) = &mut reference
            && !reference.next(1)?[0].is_empty()
        {
            meters.notes.push(format!("{name}: shorter than the reference; figures are of what both have."));
        }
        meters.notes.extend(source.warnings().iter().map(|warning| format!("{name}: {warning}")));
        meters.finish(name, &info, reference.is_some())
    }

    /// Makes the samples fit to be heard beside `first`: its rate, its channels, and no delay. Notes say what was done.
    ///
    /// # Errors
    /// None that a signal read before could cause.
    pub fn fit_to(&mut self, first: &Self) -> Result<()> {
        let (rate_hz, n_channels) = first.form();
        let differs = self.form() != first.form();
        if differs {
            let (kept, done) = for_listening::converted(&self.kept, rate_hz, n_channels)?;
            self.kept = kept;
            self.spectrum = spectrum_of(&self.kept);
            let done = done.join(" and ");
            self.notes.push(format!("{}: {done}, for listening and its spectrum; no error is measured.", self.name));
        }
        // A version that is near its reference has no delay to look for.
        if !differs && self.snr_db().is_none_or(|snr_db| snr_db > NEAR_DB) {
            return Ok(());
        }
        if let Some(delay) = for_listening::delay_samples(&first.kept, &self.kept)? {
            self.kept = for_listening::shifted(&self.kept, delay)?;
            let (n, way) = (delay.unsigned_abs(), if delay > 0 { "late" } else { "early" });
            self.notes.push(format!(
                "{}: {n} samples {way}, shifted for listening; figures are of the samples as they stand.",
                self.name
            ));
        }
        Ok(())
    }

    /// SNR against the reference, where there is one.
    fn snr_db(&self) -> Option<f64> {
        self.error_spectrum.as_ref()?;
        self.figures.iter().find(|entry| entry.key == "snr_db").and_then(|entry| entry.figure.ok())
    }

    /// The density of the error against `reference` in what is kept of both; none where there is no error.
    fn error_shape(&self, reference: &Self, index: usize) -> Option<Shape> {
        self.error_spectrum.as_ref()?;
        let channels = self.kept.channels().iter().zip(reference.kept.channels());
        let error = channels.flat_map(|(y, x)| y.iter().zip(x).map(|(y, x)| y - x));
        Shape::of(&self.name, index, error)
    }

    /// How often which error in steps was met; none where there is no error, or no step.
    fn counted(&self, index: usize) -> Option<Counted<'_>> {
        let (bits, histogram) = self.histogram.as_ref().filter(|_| self.snr_db().is_some())?;
        Some(Counted { name: self.name.clone(), index, bits: *bits, histogram }).filter(Counted::is_of_its_step)
    }

    /// Sample rate and number of channels.
    fn form(&self) -> (u32, usize) {
        (self.kept.sample_rate_hz(), self.kept.channels().len())
    }

    /// The file as the page takes it.
    fn version(&self) -> Version<'_> {
        Version {
            name: self.name.clone(),
            signal: &self.kept,
            figures: self.figures.clone(),
            spectrum: self.spectrum.as_ref(),
            error_spectrum: self.error_spectrum.as_ref(),
        }
    }

    /// The spectrogram and its title.
    fn spectrogram(&self) -> Option<(String, &Spectrogram)> {
        let title = match self.error_spectrum {
            Some(_) => format!("Error of {}", self.name),
            None => self.name.clone(),
        };
        self.spectrogram.as_ref().map(|s| (title, s))
    }
}

/// Sample rate and number of channels.
fn form(info: &Info) -> (u32, u16) {
    (info.spec.sample_rate_hz, info.spec.channels)
}

/// Pictures beside the zoomable plots: spectrograms, and where versions are compared with the first, the shape of their
/// errors and the errors in steps.
pub fn report_charts(versions: &[MeasuredVersion]) -> Vec<Chart> {
    let Some(first) = versions.first() else { return Vec::new() };
    let conditions = format!("versions minus {}", first.name);
    let mut charts: Vec<Chart> = spectrograms(versions, &first.name).into_iter().collect();
    let others = || versions.iter().enumerate().skip(1);
    let shapes: Vec<Shape> = others().filter_map(|(i, version)| version.error_shape(first, i)).collect();
    if !shapes.is_empty() {
        charts.push(ErrorShapes { conditions: conditions.clone(), shapes }.chart());
    }
    let counted: Vec<Counted> = others().filter_map(|(i, version)| version.counted(i)).collect();
    if !counted.is_empty() {
        charts.push(ErrorSteps { conditions, counted }.chart());
    }
    charts
}

/// The first file, then errors where there is a reference, else the other files.
fn spectrograms(versions: &[MeasuredVersion], conditions: &str) -> Option<Chart> {
    let shown = versions.iter().filter_map(MeasuredVersion::spectrogram).take(MAX_SPECTROGRAMS);
    let panels: Vec<Titled> = shown.map(|(title, spectrogram)| Titled { title, spectrogram }).collect();
    let conditions = conditions.to_owned();
    (!panels.is_empty()).then(|| Spectrograms { conditions, panels, frequency: Scale::Linear }.chart())
}

/// The page of `versions`, which are fit to be heard beside the first, with `charts` after the zoomable plots.
///
/// ```
/// use sqnr::{generate, report::html::{Comparison, Parts}, task};
///
/// let tone = generate::signal(Default::default())?;
/// let versions = [task::MeasuredVersion::read(&tone, None, 1 << 20, &())?];
/// let mut page = Vec::new();
/// task::report_page(&versions, task::report_charts(&versions), Comparison::None, Parts::All).write(&mut page)?;
/// assert!(page.starts_with(b"<!doctype html>"));
/// # Ok::<(), sqnr::Error>(())
/// ```
pub fn report_page(versions: &[MeasuredVersion], charts: Vec<Chart>, comparison: Comparison, parts: Parts) -> Page<'_> {
    let (rate, channels) = versions.first().map_or((0, 0), MeasuredVersion::form);
    let mut names = versions.iter().map(|version| version.name.as_str());
    let title = match comparison {
        Comparison::WithFirst => format!("Compared with {}", names.next().unwrap_or_default()),
        Comparison::None => names.collect::<Vec<_>>().join(", "),
    };
    let several = if channels == 1 { "" } else { "; plots show channel 1" };
    Page {
        title,
        subtitle: format!("{rate} Hz, {channels} {}{several}", if channels == 1 { "channel" } else { "channels" }),
        versions: versions.iter().map(MeasuredVersion::version).collect(),
        comparison,
        charts,
        parts,
        notes: versions.iter().flat_map(|version| version.notes.clone()).collect(),
        max_audio_bytes: DEFAULT_AUDIO_BYTES,
    }
}

/// Bits of the codes of integer samples; none for floats, companded and lossy ones, whose steps differ or are not known.
fn bits_of(info: &Info) -> Option<u32> {
    let format = info.spec.sample_format;
    let has_steps = format.encoding() == Encoding::Integer && info.fidelity == Fidelity::Lossless;
    has_steps.then(|| format.valid_bits())
}

fn histogram_settings(bits: u32) -> HistogramSettings {
    HistogramSettings {
        step_size: 2f64.powi(1 - bits as i32),
        half_range_steps: HISTOGRAM_STEPS as f64,
        n_bins: 2 * HISTOGRAM_STEPS * BINS_PER_STEP,
        expected: ErrorDensity::Uniform,
    }
}

/// The averaged spectrum of the first channel; none when it is too short.
fn spectrum_of(signal: &Signal) -> Option<PowerSpectrum> {
    let mut averaged = Averaged::new(signal.sample_rate_hz()).ok()?;
    averaged.push(&signal.channels()[0]);
    averaged.finish().ok()
}

/// Everything that is gathered while a file is read.
struct Meters {
    kept: Vec<Vec<f64>>,
    n_kept: usize,
    n_frames: usize,
    n_compared: usize,
    statistics: ErrorStatistics,
    level: LevelMeter,
    spectrum: Averaged,
    error_spectrum: Averaged,
    spectrogram: Builder,
    error_spectrogram: Builder,
    error: Vec<f64>,
    notes: Vec<String>,
}

impl Meters {
    fn new(info: &Info, max_bytes: usize) -> Result<Self> {
        let settings = Settings { histogram: bits_of(info).map(histogram_settings), ..Settings::default() };
        let (rate, channels) = (info.spec.sample_rate_hz, usize::from(info.spec.channels));
        let rate_hz = f64::from(rate);
        Ok(Self {
            kept: vec![Vec::new(); channels],
            n_kept: max_bytes / (channels * SAMPLE_BYTES).max(1),
            n_frames: 0,
            n_compared: 0,
            statistics: ErrorStatistics::new(settings)?,
            level: LevelMeter::new(rate_hz)?,
            spectrum: Averaged::new(rate)?,
            error_spectrum: Averaged::new(rate)?,
            spectrogram: Builder::new(rate_hz, SPECTROGRAM)?,
            error_spectrogram: Builder::new(rate_hz, SPECTROGRAM)?,
            error: Vec::new(),
            notes: Vec::new(),
        })
    }

    fn push(&mut self, block: &[Vec<f64>]) {
        for (kept, x) in self.kept.iter_mut().zip(block) {
            let room = self.n_kept.saturating_sub(kept.len());
            kept.extend_from_slice(&x[..x.len().min(room)]);
        }
        self.level.push(&block[0]);
        self.spectrum.push(&block[0]);
        self.spectrogram.push(&block[0]);
        self.n_frames += block[0].len();
    }

    /// Reads as many frames of the reference and takes the error in.
    fn compare(&mut self, block: &[Vec<f64>], reference: &mut Alongside) -> Result<()> {
        self.n_compared += reference.each_piece(block[0].len(), |at, x| {
            for (c, (y, x)) in block.iter().zip(x).enumerate() {
                let y = &y[at..at + x.len()];
                self.statistics.push(x, y);
                if c == 0 {
                    self.error.clear();
                    self.error.extend(x.iter().zip(y).map(|(x, y)| y - x));
                    self.error_spectrum.push(&self.error);
                    self.error_spectrogram.push(&self.error);
                }
            }
        })?;
        Ok(())
    }

    fn finish(mut self, name: String, info: &Info, compared: bool) -> Result<MeasuredVersion> {
        let rate_hz = info.spec.sample_rate_hz;
        let seconds = |frames: usize| frames as f64 / f64::from(rate_hz);
        if self.n_frames > self.n_kept {
            let (all, kept) = (seconds(self.n_frames), seconds(self.n_kept));
            self.notes.push(format!(
                "{name}: waveform and audio are its first {kept:.1} s of {all:.1} s; figures are of all of it."
            ));
        }
        if compared && self.n_compared < self.n_frames {
            let beyond = seconds(self.n_frames - self.n_compared);
            self.notes.push(format!("{name}: {beyond:.3} s longer than the reference; figures are of what both have."));
        }
        let kept = Signal::new(rate_hz, self.kept)?;
        // A file too short for a spectrum has none; the rest of the page stands.
        let of = |averaged: Averaged| averaged.finish().ok();
        let mut errors = self.statistics.figures();
        let histogram = bits_of(info).zip(errors.histogram.take()).filter(|_| compared);
        let (figures, error_spectrum, spectrogram) = match compared {
            true => (errors.entries(), of(self.error_spectrum), self.error_spectrogram),
            false => (self.level.figures().entries(), None, self.spectrogram),
        };
        let spectrogram = spectrogram.finish().ok();
        Ok(MeasuredVersion {
            name,
            notes: self.notes,
            kept,
            figures,
            spectrum: of(self.spectrum),
            error_spectrum,
            histogram,
            spectrogram,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{generate, quantizer::Uniform};

    #[test]
    fn errors_are_counted_in_steps_of_the_quantizer_of_as_many_bits() {
        for bits in [2, 6, 8, 16, 24] {
            assert_eq!(histogram_settings(bits).step_size, Uniform::mid_tread(bits).expect("legal").step(), "{bits}");
        }
    }

    fn tone(level_dbfs: f64, n_samples: u64) -> Signal {
        generate::signal(generate::TestSignal { level_dbfs, n_samples, ..Default::default() }).expect("legal")
    }

    fn read(audio: &Signal, reference: Option<&Signal>) -> MeasuredVersion {
        let reference = reference.map(|signal| signal as &dyn Reopen);
        MeasuredVersion::read(audio, reference, 3 * 24_000, &()).expect("in memory")
    }

    #[test]
    fn a_version_is_compared_as_far_as_both_reach() {
        let reference = tone(-6.0, 48_000);
        let same = read(&tone(-6.0, 40_000), Some(&reference));
        assert_eq!(same.notes[0], "signal: shorter than the reference; figures are of what both have.");
        assert_eq!(same.kept.len(), 24_000);
        let longer = read(&tone(-5.0, 60_000), Some(&reference));
        assert_eq!(longer.notes[1], "signal: 0.250 s longer than the reference; figures are of what both have.");
        let snr_db = longer.snr_db().expect("an error");
        assert!((snr_db - 18.3).abs() < 0.1, "{snr_db}");
    }

    #[test]
    fn another_form_is_made_fit_to_be_heard() {
        let first = read(&tone(-6.0, 48_000), None);
        let both = [tone(-6.0, 48_000), tone(-6.0, 48_000)].map(|signal| signal.into_channels().remove(0));
        let stereo = Signal::new(48_000, both.to_vec()).expect("legal");
        let mut version = read(&stereo, Some(&tone(-6.0, 48_000)));
        assert!(version.snr_db().is_none());
        version.fit_to(&first).expect("legal");
        assert_eq!(version.form(), first.form());
        let versions = [first, version];
        assert_eq!(report_charts(&versions).len(), 1);
        let page = report_page(&versions, Vec::new(), Comparison::WithFirst, Parts::All);
        assert_eq!((page.title.as_str(), page.subtitle.as_str()), ("Compared with signal", "48000 Hz, 1 channel"));
    }
}
