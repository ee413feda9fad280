//! A reference and what became of it, laid over one another and measured.

use serde_json::{Map, Value, json};

use sqnr::analysis::{
    Absent, Entry, Figure,
    alignment::{self, Aligned},
    error_profile::ErrorProfile,
    masking, pair,
    window::Window,
};

use super::super::sections::{self, Conditions, Section};

/// What is done about delay, gain, polarity and drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alignment {
    /// They are looked for and undone.
    Undone,
    /// Sample by sample as the files are; the longer is cut.
    AsIs,
}

/// One channel, laid over its reference.
pub struct Laid {
    x: Vec<f64>,
    y: Vec<f64>,
    shift: Result<Shift, Absent>,
}

/// What was undone.
#[derive(Clone, Copy)]
struct Shift {
    delay_samples: f64,
    gain: f64,
    drift_ppm: f64,
    n_samples: usize,
}

impl Laid {
    pub fn new(alignment: Alignment, x: &[f64], y: &[f64]) -> Self {
        let n = x.len().min(y.len());
        let as_is = |shift| Self { x: x[..n].to_vec(), y: y[..n].to_vec(), shift };
        if alignment == Alignment::AsIs {
            return as_is(Ok(Shift { delay_samples: 0.0, gain: 1.0, drift_ppm: 0.0, n_samples: n }));
        }
        match alignment::align(x, y) {
            Ok(Aligned { delay_samples, gain, drift_ppm, start, test }) => {
                let x = x[start..start + test.len()].to_vec();
                let shift = Shift { delay_samples, gain, drift_ppm, n_samples: test.len() };
                Self { x, y: test, shift: Ok(shift) }
            }
            Err(why) => as_is(Err(why)),
        }
    }
}

/// Figures over one or more channels, one after the other.
pub struct Measured {
    sample_rate_hz: u32,
    shift: Result<Shift, Absent>,
    pair: pair::PairFigures,
    masking: masking::MaskingFigures,
    profile: ErrorProfile,
    null_depths: Vec<pair::NullDepth>,
}

/// Bins of the input's values by which errors are told apart.
const PROFILE_BINS: usize = 1_024;

impl Measured {
    pub fn of(laid: &[Laid], sample_rate_hz: u32) -> sqnr::Result<Self> {
        let rate_hz = f64::from(sample_rate_hz);
        let x: Vec<f64> = laid.iter().flat_map(|l| &l.x).copied().collect();
        let y: Vec<f64> = laid.iter().flat_map(|l| &l.y).copied().collect();
        let pair = pair::compare(&x, &y, rate_hz)?;
        let masking = masking::noise_to_mask(&x, &y, rate_hz)?;
        // Channels of one recording share their delay; the first that could be aligned speaks for all.
        let shift = laid.iter().map(|l| l.shift).find(Result::is_ok).unwrap_or(laid[0].shift);
        let profile = ErrorProfile::of(&x, &y, PROFILE_BINS)?;
        // Time runs once: over several channels it is that of the first.
        let null_depths = pair::null_depth_over_time(&laid[0].x, &laid[0].y, rate_hz);
        Ok(Self { sample_rate_hz, shift, pair, masking, profile, null_depths })
    }

    /// What to say when the figures are those of the files as they are, though alignment was asked for.
    pub fn unaligned_warning(&self) -> Option<String> {
        self.shift.err().map(|why| format!("not aligned, compared as they are: {why}"))
    }

    /// All figures, grouped by how they were measured.
    pub fn sections(&self) -> Vec<Section> {
        let of_samples = Conditions::of_samples(self.sample_rate_hz);
        let of_spectra = |n_fft| Conditions::of_spectrum(self.sample_rate_hz, Window::Hann, n_fft);
        let mut of_error = self.pair.entries();
        // The gain and polarity that are left after alignment say nothing.
        of_error.retain(|entry| !matches!(entry.key, "gain_db" | "polarity"));
        let (of_spectrum, of_error): (Vec<Entry>, Vec<Entry>) =
            of_error.into_iter().partition(|entry| entry.key == "lsd_db");
        let of_values = Conditions::of_histogram(self.sample_rate_hz, Some(PROFILE_BINS));
        let bands = of_spectra(masking::FRAME).with("bands", self.masking.bands.len());
        vec![
            Section::new("Alignment", self.shift_entries(), of_spectra(alignment::FRAME)),
            Section::new("Error", of_error, of_samples),
            Section::new("Spectra", of_spectrum, of_spectra(pair::LSD_FRAME)),
            Section::new("Dependence", self.profile.entries(), of_values),
            Section::new("Masking", vec![self.masking.entry()], bands),
        ]
    }

    fn shift_entries(&self) -> Vec<Entry> {
        let entry = |(key, label, unit), part: fn(Shift) -> f64, formula: fn(Shift) -> String, symbols: &str| Entry {
            key,
            label,
            unit,
            figure: self.shift.map(part) as Figure,
            definition: "alignment",
            formula: self.shift.map_or_else(|_| symbols.into(), |shift| format!("{symbols} = {}", formula(shift))),
        };
        vec![
            entry(
                ("delay_samples", "delay", "samples"),
                |s| s.delay_samples,
                |s| format!("{:.0} + {:.6}", s.delay_samples.round(), s.delay_samples - s.delay_samples.round()),
                "peak of the cross-correlation + phase slope",
            ),
            entry(
                ("gain_db", "gain", "dB"),
                |s| 20.0 * s.gain.abs().log10(),
                |s| format!("20 log10 {:.6}", s.gain.abs()),
                "20 log10 |sum x y / sum x^2|",
            ),
            entry(
                ("polarity", "polarity", ""),
                |s| s.gain.signum(),
                |s| format!("sign of {:.6}", s.gain),
                "sign of the gain",
            ),
            entry(
                ("drift_ppm", "clock drift", "ppm"),
                |s| s.drift_ppm,
                |s| format!("{:.6} samples over {}", 1e-6 * s.drift_ppm * s.n_samples as f64, s.n_samples),
                "slope of the delay",
            ),
        ]
    }

    /// The figures with their definitions, and what is a list.
    pub fn json(&self) -> Map<String, Value> {
        let mut object = sections::to_json(&self.sections());
        object.extend(self.lists_json());
        object
    }

    /// The same of one channel among many: without definitions.
    pub fn channel_json(&self) -> Map<String, Value> {
        let mut object = sections::values_json(&self.sections());
        object.extend(self.lists_json());
        object
    }

    /// Noise-to-mask ratio by band, null depth over time.
    fn lists_json(&self) -> [(String, Value); 2] {
        let band = |b: &masking::BandRatio| {
            let depth = b.snr_db.map(|snr| -snr);
            json!({
                "frequency_hz": b.frequency_hz,
                "nmr_db": b.nmr_db.ok(),
                "snr_db": b.snr_db.ok(),
                "null_depth_db": depth.ok(),
            })
        };
        let stretch = |n: &pair::NullDepth| json!({ "start_s": n.start_s, "null_depth_db": n.null_depth_db.ok() });
        [
            ("nmr_bands".into(), self.masking.bands.iter().map(band).collect()),
            ("null_depth_over_time".into(), self.null_depths.iter().map(stretch).collect()),
        ]
    }
}
