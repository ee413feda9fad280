//! Kind `rate-distortion`: what each method pays and gets, and the bound that none passes.

use super::chart::{Axis, Callout, Chart, Panel};
use super::curves::{Curve, series};

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct RateDistortion {
    /// Input, sample rate: the conditions of the measurement.
    pub conditions: String,
    /// Rate in bits per sample against SNR in dB; a bound has [`Origin::Theory`](super::curves::Origin::Theory).
    pub curves: Vec<Curve>,
    /// The recommended point, if there is one.
    pub recommended: Option<Recommended>,
}

/// A point that answers the user's wish.
#[derive(Debug, Clone)]
pub struct Recommended {
    /// Method and setting.
    pub name: String,
    /// Its rate, bits per sample.
    pub rate_bits: f64,
    /// Its SNR.
    pub snr_db: f64,
}

impl RateDistortion {
    /// SNR in dB against rate in bits per sample.
    pub fn chart(&self) -> Chart {
        let callouts = self.recommended.iter().map(|r| Callout { x: r.rate_bits, y: r.snr_db, text: r.name.clone() });
        let y = Axis::decibel("SNR", "dB", "snr_db");
        let panel =
            Panel { y, series: series(&self.curves, "snr_db"), callouts: callouts.collect(), ..Panel::default() };
        let highest = self.curves.iter().flat_map(|c| &c.x).copied().filter(|r| r.is_finite()).fold(0.0, f64::max);
        let mut x = Axis::linear("Rate", "bits per sample", "rate_bits");
        if highest > 0.0 {
            x = x.over(0.0, highest * 1.03);
        }
        Chart { title: "Rate and distortion".into(), subtitle: self.conditions.clone(), x, panels: vec![panel] }
    }
}
