//! From knobs to a result: what `quantize` or `encode` and `decode` would make of the clip, and its figures.

use std::time::Instant;

use sqnr::{
    Signal,
    analysis::{Absent, error_statistics::ErrorFigures, spectrum::PowerSpectrum},
    report::html::{
        Comparison, DEFAULT_AUDIO_BYTES, Page, Parts, Version,
        live::{Live, Update},
    },
    shaping::ErrorFilter,
};

use super::{
    super::{
        choices::{Method, Shape},
        exit::Failure,
        quantize::{Settings, chain, chain::Chain, stream},
        round_trip::RoundTrip,
        training, units,
    },
    clip::{self, Clip},
    knobs::Knobs,
};

/// What the knobs made of a clip.
pub struct Taken {
    name: String,
    signal: Signal,
    figures: ErrorFigures,
    spectrum: Option<PowerSpectrum>,
    error_spectrum: Option<PowerSpectrum>,
    seconds: f64,
}

impl Taken {
    /// Computes it.
    pub fn of(clip: &Clip, knobs: &Knobs) -> Result<Self, Failure> {
        let started = Instant::now();
        let (name, channels, figures) = match knobs.settings() {
            Some(settings) => quantized(clip, settings)?,
            None => coded(clip, knobs.quality)?,
        };
        let rate_hz = clip.signal.sample_rate_hz();
        let error: Vec<f64> = clip.signal.channels()[0].iter().zip(&channels[0]).map(|(x, y)| y - x).collect();
        let (spectrum, error_spectrum) =
            rayon::join(|| clip::spectrum(&channels[0], rate_hz), || clip::spectrum(&error, rate_hz));
        let signal = Signal::new(rate_hz, channels).map_err(|error| Failure::compute(&clip.input.path, error))?;
        Ok(Self { name, signal, figures, spectrum, error_spectrum, seconds: started.elapsed().as_secs_f64() })
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
    pub fn to_bytes(&self, clip: &Clip, knobs: &Knobs) -> Vec<u8> {
        let fidelity = match self.figures.snr_db {
            Ok(snr_db) => format!("SNR {}", units::db(snr_db)),
            Err(Absent::NoError) => "bit-exact".into(),
            Err(why) => format!("no SNR: {why}"),
        };
        let status = format!("{}: {fidelity}, computed in {:.0} ms.", self.name, self.seconds * 1e3);
        let command = format!("sqnr {} {}", knobs.command(), clip.input.display());
        Update { version: self.version(), status, command }.to_bytes()
    }

    /// The page of the clip with this result on it.
    pub fn page(&self, clip: &Clip, pages: Vec<(String, String)>) -> sqnr::Result<Vec<u8>> {
        let reference = Version {
            name: clip.input.display(),
            signal: &clip.signal,
            figures: Vec::new(),
            spectrum: clip.spectrum.as_ref(),
            error_spectrum: None,
        };
        let (rate_hz, n_channels) = (clip.signal.sample_rate_hz(), clip.signal.channels().len());
        let channels =
            if n_channels == 1 { "1 channel".into() } else { format!("{n_channels} channels; plots show channel 1") };
        let page = Page {
            title: clip.input.display(),
            subtitle: format!("{rate_hz} Hz, {channels}"),
            versions: vec![reference, self.version()],
            comparison: Comparison::WithFirst,
            charts: Vec::new(),
            parts: Parts::All,
            notes: clip.note.iter().cloned().collect(),
            max_audio_bytes: 8 * DEFAULT_AUDIO_BYTES,
        };
        let mut out = Vec::new();
        page.write_live(&Live { knobs: Knobs::controls(), pages }, &mut out)?;
        Ok(out)
    }
}

type Channels = Vec<Vec<f64>>;

fn quantized(clip: &Clip, settings: Settings) -> Result<(String, Channels, ErrorFigures), Failure> {
    let path = &clip.input.path;
    let failed = |error| Failure::compute(path, error);
    let quantizer = match settings.method {
        Method::LloydMax => {
            let n_levels = 1 << settings.bits.unwrap_or(1);
            std::sync::Arc::new(training::codebook(clip.distribution()?, path, n_levels)?)
        }
        _ => chain::fixed_quantizer(&settings)?,
    };
    let shape = match settings.shape {
        Shape::Auto => Shape::Filter(ErrorFilter::from_feedback(&clip.shaper().map_err(failed)?).map_err(failed)?),
        ref other => other.clone(),
    };
    let settings = Settings { shape, ..settings };
    let mut chain = Chain::around(quantizer, &settings, &clip.info, path)?;
    let (y, figures) = stream::in_memory(clip.signal.channels(), &mut chain).map_err(failed)?;
    Ok((chain.describe(&settings), y, figures))
}

fn coded(clip: &Clip, quality: f32) -> Result<(String, Channels, ErrorFigures), Failure> {
    let made = RoundTrip::of(&clip.signal, clip.info.spec.channel_mask, quality);
    let made = made.map_err(|error| Failure::compute(&clip.input.path, error))?;
    let name = format!("codec, quality {quality}, {:.0} kbit/s", made.summary.bitrate_kbps());
    Ok((name, made.decoded.into_channels(), made.figures))
}
