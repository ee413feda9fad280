//! What a report says of one file: read once, in blocks, next to the reference when there is one.

use crate::{
    Signal,
    analysis::{
        Entry,
        error_statistics::{ErrorStatistics, Settings},
        level::LevelMeter,
        spectrogram::{Builder, Spectrogram},
        spectrum::{self, PowerSpectrum},
    },
    audio_file,
    report::html::Version,
};

use super::super::{exit::Failure, inputs::Input, plot::spectra::Averaged, progress::FileProgress, source};

/// Samples per channel in one block.
const BLOCK: usize = 8_192;
/// Frame of the spectrograms: 43 ms at 48 kHz.
const SPECTROGRAM: spectrum::Settings =
    spectrum::Settings { n_fft: 2048, hop: 1024, window: crate::analysis::window::Window::Hann };
/// Bytes of a stored sample at most.
const SAMPLE_BYTES: usize = 3;

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
    /// Of the error where there is one, else of the file.
    spectrogram: Option<Spectrogram>,
}

impl Measured {
    /// Reads `input` to its end; of its samples the start is kept, up to `max_bytes` of 24-bit PCM.
    pub fn of(
        input: &Input,
        reference: Option<&Input>,
        max_bytes: usize,
        progress: &FileProgress,
    ) -> Result<Self, Failure> {
        let mut file = source::open(input)?;
        let info = file.info().clone();
        let (rate_hz, channels) = (info.spec.sample_rate_hz, usize::from(info.spec.channels));
        let mut reference = reference.map(|r| Ok((r, source::open(r)?))).transpose()?;
        if let Some((named, other)) = &reference {
            let spec = &other.info().spec;
            if (spec.sample_rate_hz, usize::from(spec.channels)) != (rate_hz, channels) {
                let message = format!(
                    "has {rate_hz} Hz and {channels} channels, {} {} Hz and {}; one page holds one form",
                    named.display(),
                    spec.sample_rate_hz,
                    spec.channels
                );
                return Err(Failure::input(&input.path, message));
            }
        }
        let mut meters = Meters::new(input, rate_hz, channels, max_bytes)?;
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
        meters.finish(input, rate_hz, reference.is_some())
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
    fn new(input: &Input, rate_hz: u32, channels: usize, max_bytes: usize) -> Result<Self, Failure> {
        let failed = |error| Failure::compute(&input.path, error);
        let rate = f64::from(rate_hz);
        Ok(Self {
            kept: vec![Vec::new(); channels],
            n_kept: max_bytes / (channels * SAMPLE_BYTES).max(1),
            n_frames: 0,
            n_compared: 0,
            statistics: ErrorStatistics::new(Settings::default()).map_err(failed)?,
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

    fn finish(mut self, input: &Input, rate_hz: u32, compared: bool) -> Result<Measured, Failure> {
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
        let of = |averaged: Averaged| averaged.finish(&input.path).ok();
        let (figures, error_spectrum, spectrogram) = match compared {
            true => (self.statistics.figures().entries(), of(self.error_spectrum), self.error_spectrogram),
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
            spectrogram,
        })
    }
}
