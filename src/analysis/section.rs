//! Figures measured in one way, with the conditions under which they hold.

use super::{
    Entry,
    tone::{Method, ToneFigures},
    window::Window,
};

/// Figures measured in one way.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// What the figures are of: "Level", "Tone", ...
    pub title: &'static str,
    /// The figures.
    pub entries: Vec<Entry>,
    /// How they were measured.
    pub conditions: Conditions,
}

impl Section {
    /// Figures under a title.
    pub fn new(title: &'static str, entries: Vec<Entry>, conditions: Conditions) -> Self {
        Self { title, entries, conditions }
    }

    /// The entries of all sections, in order.
    pub fn all_entries(sections: &[Self]) -> Vec<Entry> {
        sections.iter().flat_map(|section| section.entries.iter().cloned()).collect()
    }
}

/// How figures were measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditions {
    /// The band that the figures look at, Hz.
    pub bandwidth_hz: f64,
    /// Window of the spectrum; none where there is no spectrum.
    pub window: Option<Window>,
    /// Lines of the spectrum, cells of the histogram; none where figures are sums over the samples.
    pub bins: Option<usize>,
    /// What else the figures depend on, by its key.
    pub more: Vec<(&'static str, Condition)>,
}

/// Something that figures depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// A choice, such as a method.
    Choice(String),
    /// How many of something.
    Count(usize),
}

impl Conditions {
    /// Of sums over the samples: all of the band.
    pub fn of_samples(sample_rate_hz: u32) -> Self {
        Self { bandwidth_hz: f64::from(sample_rate_hz) / 2.0, window: None, bins: None, more: Vec::new() }
    }

    /// Of spectra of `n_fft` samples, all lines of them; 0 where there is none.
    pub fn of_spectrum(sample_rate_hz: u32, window: Window, n_fft: usize) -> Self {
        Self { window: Some(window), bins: (n_fft > 0).then_some(n_fft / 2 + 1), ..Self::of_samples(sample_rate_hz) }
    }

    /// Of a histogram, where there is one.
    pub fn of_histogram(sample_rate_hz: u32, cells: Option<usize>) -> Self {
        Self { bins: cells, ..Self::of_samples(sample_rate_hz) }
    }

    /// Of the figures of a tone.
    pub fn of_tone(tone: &ToneFigures) -> Self {
        let window = match tone.method {
            Method::Fit => None,
            Method::Genalyzer { window } | Method::Matlab { window } => Some(window),
        };
        let bins = Some(tone.n_samples / 2 + 1);
        let spectrum = Self { bandwidth_hz: tone.bandwidth_hz, window, bins, more: Vec::new() };
        spectrum.with_choice("method", tone.method).with_count("harmonics", tone.highest_harmonic as usize)
    }

    /// The same, and a choice made.
    pub fn with_choice(mut self, key: &'static str, choice: impl ToString) -> Self {
        self.more.push((key, Condition::Choice(choice.to_string())));
        self
    }

    /// The same, and a number of something.
    pub fn with_count(mut self, key: &'static str, count: usize) -> Self {
        self.more.push((key, Condition::Count(count)));
        self
    }
}
