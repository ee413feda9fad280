//! What was fed to a converter under test.

/// What was fed to the converter, overdriving both ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stimulus {
    /// A sine, coherent or long, of any frequency that is no simple fraction of the rate.
    Sine {
        /// Its amplitude in ideal steps, its middle at mid-scale, if known: then offset and gain can be told.
        amplitude_lsb: Option<f64>,
    },
    /// A ramp, or anything else that visits all inputs equally often.
    Ramp {
        /// Its ends in ideal steps from mid-scale, if known.
        ends_lsb: Option<(f64, f64)>,
    },
}

impl Stimulus {
    /// From end to end, in mean steps, when one such step is `step` of the unit of the transitions.
    pub(super) fn span(self, step: f64) -> f64 {
        (self.at(1.0) - self.at(-1.0)) / step
    }

    /// The input at `value`, which runs from -1 to 1: in ideal steps where the stimulus is known, else `value` itself.
    pub(super) fn at(self, value: f64) -> f64 {
        match self {
            Self::Sine { amplitude_lsb } => amplitude_lsb.unwrap_or(1.0) * value,
            Self::Ramp { ends_lsb } => {
                let (low, high) = ends_lsb.unwrap_or((-1.0, 1.0));
                low + (high - low) * (value + 1.0) / 2.0
            }
        }
    }

    /// Whether inputs are known in ideal steps.
    pub(super) fn is_known(self) -> bool {
        match self {
            Self::Sine { amplitude_lsb } => amplitude_lsb.is_some(),
            Self::Ramp { ends_lsb } => ends_lsb.is_some(),
        }
    }
}
