//! From knobs to a result: what `quantize` or `encode` and `decode` would make of the clip, and its figures.

use std::time::Instant;

use sqnr::{
    Signal,
    analysis::{error_statistics::ErrorFigures, spectrum::PowerSpectrum},
    codec::Target,
    recipe::{CodecRequest, Method, Recipe},
    report::html::{
        Comparison, DEFAULT_AUDIO_BYTES, Page, Parts, Version,
        live::{Live, Update},
    },
    task::{self, Clip},
};

use super::{
    super::{
        exit::Failure,
        inputs::Input,
        quantize::report,
        source::{Passes, Rereadable},
    },
    knobs,
};

/// A clip and the input that it comes from.
pub struct Served {
    pub input: Input,
    pub clip: Clip,
}

impl Served {
    /// What the page must say of the stretch.
    fn note(&self) -> Option<String> {
        let from_s = self.clip.part_from_s?;
        Some(format!("This is {:.1} s of the file, from {from_s:.1} s on.", self.clip.signal.duration_s()))
    }
}

/// What a recipe made of a clip.
pub struct Tried {
    name: String,
    recipe: Recipe,
    signal: Signal,
    figures: ErrorFigures,
    spectrum: Option<PowerSpectrum>,
    error_spectrum: Option<PowerSpectrum>,
    seconds: f64,
}

impl Tried {
    /// Computes it.
    pub fn of(served: &Served, recipe: Recipe) -> Result<Self, Failure> {
        let started = Instant::now();
        let path = &served.input.path;
        let wrong = |error| Failure::of(error, path);
        let (name, quantized) = match &recipe.method {
            Method::Codec(request) => {
                let made = served.clip.encode(request).map_err(wrong)?;
                let name = format!("codec, {}, {:.0} kbit/s", quality(request), made.summary.bitrate_kbps());
                (name, made.quantized)
            }
            _ => {
                let audio = Rereadable::new(&served.input, Passes::Several)?;
                let quantized = served.clip.quantize(&audio, &recipe).map_err(wrong)?;
                (quantized.outcome.description.clone(), quantized)
            }
        };
        let (spectrum, error_spectrum) = task::output_and_error_spectra(&served.clip, &quantized.signal);
        Ok(Self {
            name,
            recipe,
            signal: quantized.signal,
            figures: quantized.outcome.figures,
            spectrum,
            error_spectrum,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    fn version(&self) -> Version<'_> {
        Version {
            name: self.name.clone(),
            signal: &self.signal,
            figures: self.figures.entries(),
            spectrum: self.spectrum.as_ref(),
            error_spectrum: self.error_spectrum.as_ref(),
        }
    }

    /// The answer to the page.
    pub fn to_bytes(&self, served: &Served) -> Vec<u8> {
        let fidelity = report::fidelity(self.figures.snr_db);
        let status = format!("{}: {fidelity}, computed in {:.0} ms.", self.name, self.seconds * 1e3);
        let command = self.recipe.shell_line(&served.input.display());
        Update { version: self.version(), status, command }.to_bytes()
    }

    /// The page of the clip with this result on it.
    pub fn page(&self, served: &Served, pages: Vec<(String, String)>) -> sqnr::Result<Vec<u8>> {
        let clip = &served.clip;
        let reference = Version {
            name: served.input.display(),
            signal: &clip.signal,
            figures: Vec::new(),
            spectrum: clip.spectrum.as_ref(),
            error_spectrum: None,
        };
        let (rate_hz, n_channels) = (clip.signal.sample_rate_hz(), clip.signal.channels().len());
        let channels =
            if n_channels == 1 { "1 channel".into() } else { format!("{n_channels} channels; plots show channel 1") };
        let page = Page {
            title: served.input.display(),
            subtitle: format!("{rate_hz} Hz, {channels}"),
            versions: vec![reference, self.version()],
            comparison: Comparison::WithFirst,
            charts: Vec::new(),
            parts: Parts::All,
            notes: served.note().into_iter().collect(),
            max_audio_bytes: 8 * DEFAULT_AUDIO_BYTES,
        };
        let mut out = Vec::new();
        page.write_live(&Live { knobs: knobs::controls(), pages }, &mut out)?;
        Ok(out)
    }
}

fn quality(request: &CodecRequest) -> String {
    match request.target {
        Target::Quality(quality) => format!("quality {quality}"),
        _ => "as asked".into(),
    }
}
