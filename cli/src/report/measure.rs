//! What a report says of one file: read once, in blocks, next to the reference when there is one.

use sqnr::{
    Signal,
    analysis::{
        Entry,
        averaged::Averaged,
        error_density::ErrorDensity,
        error_histogram::{ErrorHistogram, HistogramSettings},
        error_statistics::{ErrorStatistics, Settings},
        level::LevelMeter,
        spectrogram::{Builder, Spectrogram},
        spectrum::{self, PowerSpectrum},
    },
    audio_file,
    report::{
        html::Version,
        plot::{error_shape::Shape, error_steps::Counted},
    },
    wav::Encoding,
};

use super::{
    super::{
        exit::Failure,
        inputs::Input,
        progress::FileProgress,
        source::{self, Rereadable},
    },
    for_listening,
};

/// An SNR above this leaves no room for a delay of a sample or more in music.
const NEAR_DB: f64 = 10.0;
/// Samples per channel in one block.
const BLOCK: usize = 8_192;
/// Frame of the spectrograms: 43 ms at 48 kHz.
const SPECTROGRAM: spectrum::Settings =
    spectrum::Settings { n_fft: 2048, hop: 1024, window: sqnr::analysis::window::Window::Hann };
/// Bytes of a stored sample at most.
const SAMPLE_BYTES: usize = 3;

/// Steps each side of zero in which errors are counted, and bins in a step.
const HISTOGRAM_STEPS: usize = 16;
const BINS_PER_STEP: usize = 32;

/// One file, measured.
pub struct Measured {
    pub name: String,
    /// What the reader must know.
    pub notes: Vec<String>,
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

/// What a version is compared with.
#[derive(Clone, Copy)]
pub struct Reference<'a> {
    pub input: &'a Input,
    pub file: &'a Rereadable<'a>,
}

impl Measured {
    /// Reads `input` to its end; of its samples the start is kept, up to `max_bytes` of 24-bit PCM.
    ///
    /// A reference of another sample rate or number of channels is not compared with, and a note says so.
    pub fn of(
        input: &Input,
        file: &Rereadable,
        reference: Option<Reference>,
        max_bytes: usize,
        progress: &FileProgress,
    ) -> Result<Self, Failure> {
        let mut file = file.open()?;
        let info = file.info().clone();
        let (rate_hz, channels) = (info.spec.sample_rate_hz, usize::from(info.spec.channels));
        let mut reference = reference.map(|r| Ok((r.input, r.file.open()?))).transpose()?;
        let differs = |other: &audio_file::Source| {
            let spec = &other.info().spec;
            (spec.sample_rate_hz, usize::from(spec.channels)) != (rate_hz, channels)
        };
        reference = reference.filter(|(_, other)| !differs(other));
        let bits = bits_of(&info);
        let mut meters = Meters::new(input, rate_hz, channels, bits, max_bytes)?;
        let (mut block, mut other) = (Vec::new(), Vec::new());
        loop {
            let n = file.read_planar(&mut block, BLOCK).map_err(|e| source::unreadable(input, e))?;
            if n == 0 {
                break;
            }
            meters.take(&block, n);
            if let Some((named, source)) = &mut reference {
                meters.compare(named, source, &block, n, &mut other)?;
            }
            progress.at(meters.n_frames as u64, info.n_frames, rate_hz);
        }
        if let Some((named, source)) = &mut reference
            && source.read_planar(&mut other, 1).map_err(|e| source::unreadable(named, e))? > 0
        {
            meters
                .notes
                .push(format!("{}: shorter than the reference; figures are of what both have.", input.display()));
        }
        meters.notes.extend(file.warnings().iter().map(|w| format!("{}: {w}", input.display())));
        meters.finish(input, rate_hz, bits, reference.is_some())
    }

    /// Makes the samples fit to be heard beside `first`: its rate, its channels, and no delay. Says what was done.
    pub fn fit_to(&mut self, first: &Self) -> sqnr::Result<()> {
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
        if let Some(delay) = for_listening::delay_samples(&first.kept, &self.kept) {
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
    pub fn error_shape(&self, reference: &Self, index: usize) -> Option<Shape> {
        self.error_spectrum.as_ref()?;
        let channels = self.kept.channels().iter().zip(reference.kept.channels());
        let error = channels.flat_map(|(y, x)| y.iter().zip(x).map(|(y, x)| y - x));
        Shape::of(&self.name, index, error)
    }

    /// How often which error in steps was met; none where there is no error, or no step.
    pub fn counted(&self, index: usize) -> Option<Counted<'_>> {
        let (bits, histogram) = self.histogram.as_ref().filter(|_| self.snr_db().is_some())?;
        Some(Counted { name: self.name.clone(), index, bits: *bits, histogram }).filter(Counted::is_of_its_step)
    }

    /// Sample rate and number of channels.
    pub fn form(&self) -> (u32, usize) {
        (self.kept.sample_rate_hz(), self.kept.channels().len())
    }

    /// The file as the page takes it.
    pub fn version(&self) -> Version<'_> {
        Version {
            name: self.name.clone(),
            signal: &self.kept,
            figures: self.figures.clone(),
            spectrum: self.spectrum.as_ref(),
            error_spectrum: self.error_spectrum.as_ref(),
        }
    }

    /// The spectrogram and its title.
    pub fn spectrogram(&self) -> Option<(String, &Spectrogram)> {
        let title = match self.error_spectrum {
            Some(_) => format!("Error of {}", self.name),
            None => self.name.clone(),
        };
        self.spectrogram.as_ref().map(|s| (title, s))
    }
}

/// Bits of the codes of integer samples; none for floats, companded and lossy ones, whose steps differ or are not known.
fn bits_of(info: &audio_file::Info) -> Option<u32> {
    let format = info.spec.sample_format;
    let has_steps = format.encoding() == Encoding::Integer && info.fidelity == audio_file::Fidelity::Lossless;
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
    fn new(input: &Input, rate_hz: u32, channels: usize, bits: Option<u32>, max_bytes: usize) -> Result<Self, Failure> {
        let settings = Settings { histogram: bits.map(histogram_settings), ..Settings::default() };
        let failed = |error| Failure::compute(&input.path, error);
        let rate = f64::from(rate_hz);
        Ok(Self {
            kept: vec![Vec::new(); channels],
            n_kept: max_bytes / (channels * SAMPLE_BYTES).max(1),
            n_frames: 0,
            n_compared: 0,
            statistics: ErrorStatistics::new(settings).map_err(failed)?,
            level: LevelMeter::new(rate).map_err(failed)?,
            spectrum: Averaged::new(rate_hz).map_err(failed)?,
            error_spectrum: Averaged::new(rate_hz).map_err(failed)?,
            spectrogram: Builder::new(rate, SPECTROGRAM).map_err(failed)?,
            error_spectrogram: Builder::new(rate, SPECTROGRAM).map_err(failed)?,
            error: Vec::new(),
            notes: Vec::new(),
        })
    }

    fn take(&mut self, block: &[Vec<f64>], n: usize) {
        for (kept, x) in self.kept.iter_mut().zip(block) {
            let room = self.n_kept.saturating_sub(kept.len());
            kept.extend_from_slice(&x[..n.min(room)]);
        }
        self.level.push(&block[0][..n]);
        self.spectrum.push(&block[0][..n]);
        self.spectrogram.push(&block[0][..n]);
        self.n_frames += n;
    }

    /// Reads as many frames of the reference and takes the error in.
    fn compare(
        &mut self,
        named: &Input,
        reference: &mut audio_file::Source,
        block: &[Vec<f64>],
        n: usize,
        other: &mut Vec<Vec<f64>>,
    ) -> Result<(), Failure> {
        let mut done = 0;
        while done < n {
            let m = reference.read_planar(other, n - done).map_err(|e| source::unreadable(named, e))?;
            if m == 0 {
                return Ok(());
            }
            for (c, (y, x)) in block.iter().zip(other.iter()).enumerate() {
                let y = &y[done..done + m];
                self.statistics.push(&x[..m], y);
                if c == 0 {
                    self.error.clear();
                    self.error.extend(x[..m].iter().zip(y).map(|(x, y)| y - x));
                    self.error_spectrum.push(&self.error);
                    self.error_spectrogram.push(&self.error);
                }
            }
            done += m;
            self.n_compared += m;
        }
        Ok(())
    }

    fn finish(mut self, input: &Input, rate_hz: u32, bits: Option<u32>, compared: bool) -> Result<Measured, Failure> {
        let name = input.display();
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
        let kept = Signal::new(rate_hz, self.kept).map_err(|error| Failure::compute(&input.path, error))?;
        // A file too short for a spectrum has none; the rest of the page stands.
        let of = |averaged: Averaged| averaged.finish().ok();
        let mut errors = self.statistics.figures();
        let histogram = bits.zip(errors.histogram.take()).filter(|_| compared);
        let (figures, error_spectrum, spectrogram) = match compared {
            true => (errors.entries(), of(self.error_spectrum), self.error_spectrogram),
            false => (self.level.figures().entries(), None, self.spectrogram),
        };
        let spectrogram = spectrogram.finish().ok();
        Ok(Measured {
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
    use sqnr::quantizer::Uniform;

    #[test]
    fn errors_are_counted_in_steps_of_the_quantizer_of_as_many_bits() {
        for bits in [2, 6, 8, 16, 24] {
            assert_eq!(histogram_settings(bits).step_size, Uniform::mid_tread(bits).expect("legal").step(), "{bits}");
        }
    }
}
