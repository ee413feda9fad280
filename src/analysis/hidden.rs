//! What hides a harmonic. Tone figures and the reasons why they are absent both name it.

use std::fmt;

/// What a harmonic cannot be told from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// The mean of the record.
    Dc,
    /// Its own image: it lies at half the rate.
    HalfRate,
    /// The fundamental.
    Tone,
    /// A lower harmonic, by its order.
    Harmonic(u32),
    /// The noise: it lies beyond half the rate, and was to be counted there.
    Noise,
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dc => f.write_str("DC"),
            Self::HalfRate => f.write_str("half the rate"),
            Self::Tone => f.write_str("the tone"),
            Self::Harmonic(order) => write!(f, "harmonic {order}"),
            Self::Noise => f.write_str("the noise, beyond half the rate"),
        }
    }
}
