//! A page that shows and plays what three bit depths do to a tone with an echo.
//!
//! `cargo run --example report_page -- page.html`

use std::fs::File;
use std::io::BufWriter;

use sqnr::analysis::error_statistics::{ErrorStatistics, Settings};
use sqnr::analysis::spectrum::{self, PowerSpectrum};
use sqnr::quantizer::{Quantizer, Uniform};
use sqnr::report::html::{Comparison, DEFAULT_AUDIO_BYTES, Page, Parts, Version};
use sqnr::{Result, Signal};

const RATE_HZ: u32 = 48_000;

fn main() -> Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "page.html".into());
    let x: Vec<f64> = (0..5 * RATE_HZ).map(|i| pluck(f64::from(i) / f64::from(RATE_HZ))).collect();
    let reference = Signal::new(RATE_HZ, vec![x.clone()])?;
    let spectrum_of = |x: &[f64]| PowerSpectrum::of(x, f64::from(RATE_HZ), spectrum::Settings::default());
    let spectrum = spectrum_of(&x)?;
    let mut made = Vec::new();
    for bits in [4, 8, 12] {
        let quantizer = Uniform::mid_tread(bits)?;
        let y: Vec<f64> = x.iter().map(|&x| quantizer.reconstruct(quantizer.index(x))).collect();
        let error: Vec<f64> = x.iter().zip(&y).map(|(x, y)| y - x).collect();
        let mut statistics = ErrorStatistics::new(Settings::default())?;
        statistics.push(&x, &y);
        let spectra = (spectrum_of(&y)?, spectrum_of(&error)?);
        made.push((format!("{bits} bits"), Signal::new(RATE_HZ, vec![y])?, statistics.figures().entries(), spectra));
    }
    let first = Version {
        name: "reference".into(),
        signal: &reference,
        figures: Vec::new(),
        spectrum: Some(&spectrum),
        error_spectrum: None,
    };
    let quantized = made.iter().map(|(name, signal, figures, (spectrum, error))| Version {
        name: name.clone(),
        signal,
        figures: figures.clone(),
        spectrum: Some(spectrum),
        error_spectrum: Some(error),
    });
    let page = Page {
        title: "What bit depth does".into(),
        subtitle: "plucked tones, 48 kHz, uniform mid-tread, no dither".into(),
        versions: std::iter::once(first).chain(quantized).collect(),
        comparison: Comparison::WithFirst,
        charts: Vec::new(),
        parts: Parts::All,
        notes: Vec::new(),
        max_audio_bytes: DEFAULT_AUDIO_BYTES,
    };
    page.write(&mut BufWriter::new(File::create(path).map_err(sqnr::Error::stream)?))
}

/// A tone every half second that dies away.
fn pluck(t: f64) -> f64 {
    let hz = 220.0 * [1.0, 1.25, 1.5, 2.0][(t * 2.0) as usize % 4];
    0.5 * (-6.0 * (t % 0.5)).exp() * (std::f64::consts::TAU * hz * t).sin()
}
