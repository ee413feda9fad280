//! One self-contained page: figures, zoomable plots, listening with a blind test.
//!
//! ```text
//! Page -> markup (figures, pictures) + data (spectra, overview of the waves) + PCM + stylesheet + scripts -> one file
//! ```
//!
//! The file opens from disk without a network: its content security policy allows nothing from elsewhere. uPlot draws
//! the zoomable plots. All text that comes from outside (names of files above all) is escaped, in markup and in data.

mod audio;
mod data;
mod figures;
mod heat;
pub mod live;
mod markup;
#[cfg(test)]
mod tests;

use std::io::Write;

use crate::analysis::Entry;
use crate::analysis::spectrum::PowerSpectrum;
use crate::report::plot::Chart;
use crate::{Error, Result, Signal};
use live::Live;

/// What the page shows.
///
/// ```
/// use sqnr::{generate, report::html::{Comparison, DEFAULT_AUDIO_BYTES, Page, Parts, Version}};
///
/// let tone = generate::signal(Default::default())?;
/// let version =
///     Version { name: "tone".into(), signal: &tone, figures: Vec::new(), spectrum: None, error_spectrum: None };
/// let page = Page {
///     title: "One tone".into(),
///     subtitle: String::new(),
///     versions: vec![version],
///     comparison: Comparison::None,
///     charts: Vec::new(),
///     parts: Parts::All,
///     notes: Vec::new(),
///     max_audio_bytes: DEFAULT_AUDIO_BYTES,
/// };
/// let mut html = Vec::new();
/// page.write(&mut html)?;
/// assert!(html.starts_with(b"<!"));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Page<'a> {
    /// Its heading.
    pub title: String,
    /// Conditions: inputs, sample rate, what was done to them.
    pub subtitle: String,
    /// The first is the reference of a comparison. All have the same sample rate and number of channels.
    pub versions: Vec<Version<'a>>,
    /// Whether the first version is what the others are measured against.
    pub comparison: Comparison,
    /// Pictures after the zoomable plots.
    pub charts: Vec<Chart>,
    /// Which parts are written.
    pub parts: Parts,
    /// What the reader must know: resampled for listening, shortened, clipped.
    pub notes: Vec<String>,
    /// Bytes of PCM that the page may hold; beyond, every version is shortened alike.
    pub max_audio_bytes: usize,
}

/// One signal and what was measured of it.
#[derive(Debug, Clone)]
pub struct Version<'a> {
    /// Its name, as the reader knows it.
    pub name: String,
    /// Its samples, aligned with the other versions.
    pub signal: &'a Signal,
    /// Figures, for the table.
    pub figures: Vec<Entry>,
    /// Its spectrum, of the same lines in all versions.
    pub spectrum: Option<&'a PowerSpectrum>,
    /// The spectrum of its error against the reference.
    pub error_spectrum: Option<&'a PowerSpectrum>,
}

/// How versions are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The first is the reference.
    WithFirst,
    /// Each stands for itself.
    None,
}

/// Which parts a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// Figures, plots, listening.
    All,
    /// Figures and plots.
    WithoutAudio,
    /// Listening alone.
    ListeningOnly,
}

/// PCM that a page holds unless told otherwise: half a minute of six stereo versions at 48 kHz and 24 bits.
pub const DEFAULT_AUDIO_BYTES: usize = 52_000_000;

impl Page<'_> {
    /// Writes the page as UTF-8 HTML.
    ///
    /// # Errors
    /// `InvalidParameter` without versions, `LengthMismatch` when they differ in channels, `Unsupported` when in sample rate, `Io` when
    /// `out` fails.
    pub fn write(&self, out: &mut impl Write) -> Result<()> {
        self.write_with(None, out)
    }

    /// Writes the page of a program that answers its knobs: `live` says which. The page has two versions, the second of
    /// which is what the knobs made.
    ///
    /// # Errors
    /// As [`Page::write`]; `InvalidParameter` for other than two versions.
    pub fn write_live(&self, live: &Live, out: &mut impl Write) -> Result<()> {
        match self.versions.len() {
            2 => self.write_with(Some(live), out),
            n => Err(Error::invalid("versions of a live page", n, "2")),
        }
    }

    fn write_with(&self, live: Option<&Live>, out: &mut impl Write) -> Result<()> {
        self.check()?;
        let excerpt = match self.parts {
            Parts::WithoutAudio => None,
            Parts::All | Parts::ListeningOnly => audio::Excerpt::within(&self.versions, self.max_audio_bytes),
        };
        self.write_parts(live, excerpt.as_ref(), out).map_err(Error::stream)
    }

    fn check(&self) -> Result<()> {
        let Some(first) = self.versions.first() else {
            return Err(Error::invalid("versions", 0, "1 and above"));
        };
        for version in &self.versions {
            let (expected, got) = (first.signal.channels().len(), version.signal.channels().len());
            if expected != got {
                return Err(Error::LengthMismatch { what: "channels of a report's versions", expected, got });
            }
            if version.signal.sample_rate_hz() != first.signal.sample_rate_hz() {
                let what = "versions of different sample rates in one report; resample them first".into();
                return Err(Error::Unsupported { what });
            }
        }
        Ok(())
    }

    /// Pictures that are on the page.
    fn shown_charts(&self) -> &[Chart] {
        if self.parts == Parts::ListeningOnly { &[] } else { &self.charts }
    }

    fn write_parts(
        &self,
        live: Option<&Live>,
        excerpt: Option<&audio::Excerpt>,
        out: &mut impl Write,
    ) -> std::io::Result<()> {
        markup::write_head(self, live, out)?;
        if let Some(live) = live {
            live::write_knobs(live, out)?;
        }
        markup::write_summary(self, live, excerpt, out)?;
        if let Some(excerpt) = excerpt {
            markup::write_listening(self, excerpt, out)?;
        }
        if self.parts != Parts::ListeningOnly {
            markup::write_plots(self, out)?;
        }
        data::write(self, excerpt, out)?;
        heat::write_cells(self.shown_charts(), out)?;
        if let Some(excerpt) = excerpt {
            excerpt.write(&self.versions, out)?;
        }
        markup::write_scripts(out)
    }
}
