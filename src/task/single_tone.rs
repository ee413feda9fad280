//! A record of one tone: its figures, and a spectrum in which whatever is not tone is noise.

use crate::{
    Error, Result,
    analysis::{
        spectrum::PowerSpectrum,
        tone::{self, Settings, ToneFigures},
        window::Window,
    },
    audio_file::Reopen,
};

/// Its side lobes lie 180 dB down: whatever is drawn and summed as noise is noise. Those of four terms, 92 dB down, would
/// add 9 dB to the noise of 16 bits.
const WINDOW: Window = Window::BlackmanHarris7;
/// A tone less than this above all else is a part of a sound, not a tone under test.
const LEAST_SINAD_DB: f64 = 20.0;

/// A tone under test.
#[derive(Debug, Clone)]
pub struct SingleTone {
    /// Its figures.
    pub figures: ToneFigures,
    /// The spectrum of the whole record.
    pub spectrum: PowerSpectrum,
    /// Samples looked at.
    pub n_samples: usize,
}

impl SingleTone {
    /// Longest record looked at; of a longer one its start.
    pub const MAX_SAMPLES: usize = 1 << 20;

    /// The tone in the start of a channel, counted from 0; none where there is no tone, or too much beside it.
    ///
    /// ```
    /// let recipe = sqnr::generate::TestSignal { snr_db: Some(60.0), ..Default::default() };
    /// let tone = sqnr::generate::signal(recipe)?;
    /// let found = sqnr::task::SingleTone::read(&tone, 0, &Default::default())?.expect("a tone");
    /// assert!((found.figures.frequency_hz.unwrap() - 997.0).abs() < 1e-6);
    /// # Ok::<(), sqnr::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Input` when the audio cannot be read; `InvalidParameter` for a channel that it does not have, and those of [`tone::analyse`].
    pub fn read(audio: &dyn Reopen, channel: usize, settings: &Settings) -> Result<Option<Self>> {
        let start = audio.open()?.read_up_to(Self::MAX_SAMPLES)?;
        let n_channels = start.channels().len();
        let x = start
            .channels()
            .get(channel)
            .ok_or_else(|| Error::invalid("channel", channel, format!("below {n_channels}")))?;
        Self::find(x, f64::from(start.sample_rate_hz()), settings)
    }

    /// The tone in the start of `x`; none where there is no tone, or too much beside it.
    ///
    /// # Errors
    /// `InvalidParameter` for a rate that is not above 0, and those of [`tone::analyse`].
    pub fn find(x: &[f64], rate_hz: f64, settings: &Settings) -> Result<Option<Self>> {
        let x = &x[..x.len().min(Self::MAX_SAMPLES)];
        let figures = tone::analyse(x, rate_hz, settings)?.figures;
        if !figures.sinad_db.or(figures.snr_db).is_ok_and(|db| db >= LEAST_SINAD_DB) {
            return Ok(None);
        }
        let spectrum = PowerSpectrum::of_whole(x, rate_hz, WINDOW)?;
        Ok(Some(Self { figures, spectrum, n_samples: x.len() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Signal, generate};

    #[test]
    fn noise_is_no_tone() {
        let noise = generate::TestSignal { kind: generate::Kind::White, level_dbfs: -20.0, ..Default::default() };
        let signal = generate::signal(noise).expect("legal");
        assert!(SingleTone::read(&signal, 0, &Settings::default()).expect("in memory").is_none());
        assert!(matches!(SingleTone::read(&signal, 1, &Settings::default()), Err(Error::InvalidParameter { .. })));
    }

    #[test]
    fn the_start_of_a_long_record_is_looked_at() {
        let n_samples = SingleTone::MAX_SAMPLES as u64 + 1;
        let tone = generate::TestSignal { n_samples, snr_db: Some(60.0), ..Default::default() };
        let x = generate::signal(tone).expect("legal").into_channels();
        let found = SingleTone::read(&Signal::new(48_000, x).expect("legal"), 0, &Settings::default())
            .expect("in memory")
            .expect("a tone");
        assert_eq!(found.n_samples, SingleTone::MAX_SAMPLES);
        let sinad_db = found.figures.sinad_db.expect("a tone");
        assert!((sinad_db - 60.0).abs() < 0.1, "{sinad_db}");
    }
}
