//! From knobs to a result: what `quantize` or `encode` and `decode` would make of the clip, and its figures.

use std::{io, time::Instant};

use rayon::prelude::*;

use crate::{
    Signal,
    analysis::{
        Absent,
        error_statistics::{self, ErrorFigures, ErrorStatistics},
        spectrum::PowerSpectrum,
    },
    codec::{self, Decoder, EncoderOptions, Goal, InMemory},
    report::html::{
        Comparison, DEFAULT_AUDIO_BYTES, Page, Parts, Version,
        live::{Live, Update},
    },
};

use super::{
    super::{
        choices::{Method, Shape},
        exit::Failure,
        quantize::{Settings, chain, chain::Chain, stream},
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
    pub fn page(&self, clip: &Clip, pages: Vec<(String, String)>) -> crate::Result<Vec<u8>> {
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
        Shape::Auto => Shape::Feedback(clip.shaper().map_err(failed)?),
        ref other => other.clone(),
    };
    let settings = Settings { shape, ..settings };
    let mut chain = Chain::around(quantizer, &settings, &clip.info, path)?;
    let (y, figures) = stream::in_memory(clip.signal.channels(), &mut chain).map_err(failed)?;
    Ok((chain.describe(&settings), y, figures))
}

/// Encodes and decodes; the figures are of the decoder's floats, before any rounding to a WAV file's bits.
fn coded(clip: &Clip, quality: f32) -> Result<(String, Channels, ErrorFigures), Failure> {
    let failed = |error| Failure::compute(&clip.input.path, error);
    let n_channels = u8::try_from(clip.single.len()).map_err(|_| Failure::usage("more channels than .sqn holds"))?;
    let n_frames = clip.signal.len();
    let options = EncoderOptions {
        channel_mask: clip.info.spec.channel_mask.unwrap_or(0),
        goal: Goal::Quality(quality),
        samples: Some(n_frames as u64),
        ..EncoderOptions::new(clip.signal.sample_rate_hz(), n_channels)
    };
    let mut bytes = Vec::new();
    let summary =
        codec::encode(&mut InMemory::new(&clip.single), io::Cursor::new(&mut bytes), &options).map_err(failed)?;
    let mut decoder = Decoder::new(io::Cursor::new(&bytes)).map_err(failed)?;
    let mut y: Channels = vec![Vec::with_capacity(n_frames); clip.single.len()];
    while let Some(block) = decoder.next_block().map_err(failed)? {
        y.iter_mut().zip(block).for_each(|(y, block)| y.extend(block.iter().map(|&x| f64::from(x))));
    }
    y.iter_mut().for_each(|channel| channel.resize(n_frames, 0.0));
    let measured: crate::Result<Vec<ErrorStatistics>> = clip
        .signal
        .channels()
        .par_iter()
        .zip(&y)
        .map(|(x, y)| {
            let mut statistics = ErrorStatistics::new(error_statistics::Settings::default())?;
            statistics.push(x, y);
            Ok(statistics)
        })
        .collect();
    let measured = measured.map_err(failed)?;
    let mut total = measured[0].clone();
    measured[1..].iter().for_each(|channel| total.merge(channel));
    let name = format!("codec, quality {quality}, {:.0} kbit/s", summary.bitrate_kbps());
    Ok((name, y, total.figures()))
}
