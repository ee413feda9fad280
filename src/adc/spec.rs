//! Description of a converter, in Rust or as TOML.
//!
//! ```toml
//! bits = 12
//! jitter_s = 2e-12
//! noise_lsb = 0.4
//! polynomial = [0.0, 0.0005]     # y = x + 0 x^2 + 0.0005 x^3
//! [[interleave]]
//! offset_lsb = 0.5
//! [[interleave]]
//! gain = 1.002
//! skew_s = 1e-12
//! ```

use crate::{Error, Result};

/// One of the converters that take turns in a time-interleaved one.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "adc-spec", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct Lane {
    /// Added to the input, steps.
    pub offset_lsb: f64,
    /// Factor of the input.
    pub gain: f64,
    /// How late it samples, seconds.
    pub skew_s: f64,
}

impl Default for Lane {
    fn default() -> Self {
        Self { offset_lsb: 0.0, gain: 1.0, skew_s: 0.0 }
    }
}

/// The quantizer of a converter without levels or an architecture of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "adc-spec", derive(serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Transfer {
    /// Uniform, a level at zero.
    #[default]
    MidTread,
    /// Uniform, a threshold at zero.
    MidRise,
    /// The continuous mu-law, mu = 255.
    MuLaw,
    /// The continuous A-law, A = 87.6.
    ALaw,
}

/// A converter. The default is ideal, 16 bits.
///
/// ```
/// use sqnr::adc::Spec;
///
/// let spec = Spec { bits: 12, noise_lsb: 0.5, ..Spec::default() };
/// assert!(spec.check().is_ok());
/// assert!(Spec { bits: 99, ..spec }.check().is_err());
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "adc-spec", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct Spec {
    /// Resolution, 2 to 24; 2 to 16 with a fault of the levels.
    pub bits: u32,
    /// Input that reaches the end of the range; one step is `2 full_scale / 2^bits`.
    pub full_scale: f64,
    /// How codes divide the range.
    pub quantizer: Transfer,
    /// Conversions per sample of the signal, 1 to 256: the signal is interpolated, converted at the higher rate, and
    /// the result decimated back.
    pub oversampling: u32,
    /// Part of the value held before that is still in the hold capacitor, 0 to below 1: `exp(-t / tau)` of a sample
    /// and hold that acquires for the time t with the time constant tau.
    pub hold_memory: f64,
    /// Start of all random numbers.
    pub seed: u64,
    /// Standard deviation of the sampling instant, seconds.
    pub jitter_s: f64,
    /// Standard deviation of thermal noise, steps.
    pub noise_lsb: f64,
    /// Factors of x^2, x^3, ... of the input over full scale, added to it.
    pub polynomial: Vec<f64>,
    /// INL at equally spaced points from the first to the last transition, steps; straight lines between.
    pub inl_lsb: Vec<f64>,
    /// Standard deviation of the steps' widths, steps; the first and last transition stay where they are.
    pub dnl_sigma_lsb: f64,
    /// Standard deviation of a unit capacitor of a successive-approximation converter, relative; 0: no such converter.
    pub sar_mismatch: f64,
    /// Gain error of each stage of a pipeline of one-bit stages, most significant first, relative; empty: no pipeline.
    pub stage_gain_error: Vec<f64>,
    /// Converters that take turns; empty: one ideal.
    pub interleave: Vec<Lane>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            bits: 16,
            full_scale: 1.0,
            quantizer: Transfer::MidTread,
            oversampling: 1,
            hold_memory: 0.0,
            seed: 1,
            jitter_s: 0.0,
            noise_lsb: 0.0,
            polynomial: Vec::new(),
            inl_lsb: Vec::new(),
            dnl_sigma_lsb: 0.0,
            sar_mismatch: 0.0,
            stage_gain_error: Vec::new(),
            interleave: Vec::new(),
        }
    }
}

/// Most entries of any list.
const MAX_LIST: usize = 65_536;

impl Spec {
    /// Reads a description.
    ///
    /// # Errors
    /// `Malformed` where the text is no TOML or names what there is not; `InvalidParameter` as [`Spec::check`].
    #[cfg(feature = "adc-spec")]
    pub fn from_toml(text: &str) -> Result<Self> {
        let spec: Self = toml::from_str(text).map_err(|error| Error::Malformed {
            what: error.message().lines().collect::<Vec<_>>().join("; "),
            at_byte: error.span().map_or(0, |span| span.start as u64),
        })?;
        spec.check()?;
        Ok(spec)
    }

    /// Whether every value is in its range.
    ///
    /// # Errors
    /// `InvalidParameter` for the first that is not.
    pub fn check(&self) -> Result<()> {
        if !(2..=24).contains(&self.bits) {
            return Err(Error::invalid("bits", self.bits, "2 to 24"));
        }
        if self.has_own_levels() && self.bits > 16 {
            return Err(Error::invalid("bits", self.bits, "2 to 16 with inl_lsb or dnl_sigma_lsb"));
        }
        if !(self.full_scale.is_finite() && self.full_scale > 0.0) {
            return Err(Error::invalid("full_scale", self.full_scale, "finite and above 0"));
        }
        if !(1..=256).contains(&self.oversampling) {
            return Err(Error::invalid("oversampling", self.oversampling, "1 to 256"));
        }
        if !(0.0..1.0).contains(&self.hold_memory) {
            return Err(Error::invalid("hold_memory", self.hold_memory, "0 to below 1"));
        }
        let not_negative = [
            ("jitter_s", self.jitter_s),
            ("noise_lsb", self.noise_lsb),
            ("dnl_sigma_lsb", self.dnl_sigma_lsb),
            ("sar_mismatch", self.sar_mismatch),
        ];
        if let Some((name, value)) = not_negative.into_iter().find(|(_, v)| !(v.is_finite() && *v >= 0.0)) {
            return Err(Error::invalid(name, value, "finite, 0 and above"));
        }
        self.check_lists()
    }

    fn check_lists(&self) -> Result<()> {
        for (name, list) in
            [("polynomial", &self.polynomial), ("inl_lsb", &self.inl_lsb), ("stage_gain_error", &self.stage_gain_error)]
        {
            if list.len() > MAX_LIST || list.iter().any(|v| !v.is_finite()) {
                return Err(Error::invalid(name, format!("{} values", list.len()), "finite values, at most 65536"));
            }
        }
        if self.inl_lsb.len() == 1 {
            return Err(Error::invalid("inl_lsb", "1 value", "none, or 2 and more"));
        }
        let is_bad = |l: &Lane| !(l.offset_lsb.is_finite() && l.gain.is_finite() && l.skew_s.is_finite());
        if self.interleave.len() > MAX_LIST || self.interleave.iter().any(is_bad) {
            return Err(Error::invalid(
                "interleave",
                format!("{} lanes", self.interleave.len()),
                "finite, at most 65536",
            ));
        }
        if self.n_architectures() > 1 {
            let allowed = "one of: inl_lsb and dnl_sigma_lsb; sar_mismatch; stage_gain_error; quantizer";
            return Err(Error::invalid("architecture", "several", allowed));
        }
        Ok(())
    }

    /// How many ways of deciding are asked for besides the ideal one.
    pub(super) fn n_architectures(&self) -> usize {
        let architectures = [
            self.has_own_levels(),
            self.sar_mismatch > 0.0,
            !self.stage_gain_error.is_empty(),
            self.quantizer != Transfer::MidTread,
        ];
        architectures.into_iter().filter(|a| *a).count()
    }

    pub(super) fn has_own_levels(&self) -> bool {
        self.dnl_sigma_lsb > 0.0 || !self.inl_lsb.is_empty()
    }
}
