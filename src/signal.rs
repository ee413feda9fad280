//! Audio in memory: planar samples and their rate.

use crate::{Error, Result};

/// Planar samples with their rate; full scale is 1.0.
///
/// All channels have the same length. Samples may lie outside [-1, 1); a quantizer clips them.
///
/// ```
/// use sqnr::Signal;
///
/// let stereo = Signal::new(48_000, vec![vec![0.0; 24_000], vec![0.5; 24_000]])?;
/// assert_eq!((stereo.len(), stereo.duration_s()), (24_000, 0.5));
/// // Channels of different lengths are no signal.
/// assert!(Signal::new(48_000, vec![vec![0.0; 2], vec![0.0; 3]]).is_err());
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    sample_rate_hz: u32,
    channels: Vec<Vec<f64>>,
}

impl Signal {
    /// A signal of `channels`, one vector of samples each.
    ///
    /// # Errors
    /// `InvalidParameter` for a rate of 0, for no channel and for more than 65,535, `LengthMismatch` when the channels differ in length.
    pub fn new(sample_rate_hz: u32, channels: Vec<Vec<f64>>) -> Result<Self> {
        if sample_rate_hz == 0 {
            return Err(Error::invalid("sample rate", 0, "1 Hz and above"));
        }
        let Some(first) = channels.first() else {
            return Err(Error::invalid("channels", 0, "1 and above"));
        };
        if channels.len() > usize::from(u16::MAX) {
            return Err(Error::invalid("channels", channels.len(), "1 to 65535"));
        }
        let expected = first.len();
        match channels.iter().find(|c| c.len() != expected) {
            Some(c) => Err(Error::LengthMismatch { what: "channels of a signal", expected, got: c.len() }),
            None => Ok(Self { sample_rate_hz, channels }),
        }
    }

    /// Samples per second and channel.
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// The samples, channel by channel.
    pub fn channels(&self) -> &[Vec<f64>] {
        &self.channels
    }

    /// Samples per channel.
    pub fn len(&self) -> usize {
        self.channels[0].len()
    }

    /// True when there is not one sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.len() as f64 / f64::from(self.sample_rate_hz)
    }

    /// Gives up the samples, channel by channel.
    pub fn into_channels(self) -> Vec<Vec<f64>> {
        self.channels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ragged_or_empty_signals_are_refused() {
        assert!(matches!(Signal::new(48_000, vec![vec![0.0; 2], vec![0.0]]), Err(Error::LengthMismatch { .. })));
        assert!(matches!(Signal::new(48_000, vec![]), Err(Error::InvalidParameter { .. })));
        assert!(matches!(Signal::new(1, vec![vec![]; 65_536]), Err(Error::InvalidParameter { .. })));
        assert!(matches!(Signal::new(0, vec![vec![]]), Err(Error::InvalidParameter { .. })));
    }

    #[test]
    fn duration_is_samples_over_rate() {
        let signal = Signal::new(8_000, vec![vec![0.0; 4_000]]).expect("legal");
        assert_eq!(signal.duration_s(), 0.5);
    }
}
