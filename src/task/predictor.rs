//! A predictor for all samples of some audio.

use crate::{Result, audio_file::Reopen, predictive::Predictor};

/// Designs the linear predictor of `order`, 1 to 64, with the greatest gain over all channels of all `audio`, in memory.
/// What is not finite counts as 0.
///
/// ```
/// let tone = sqnr::generate::signal(Default::default())?;
/// let predictor = sqnr::task::design_predictor(&[&tone], 4)?;
/// assert!(predictor.gain_db() > 40.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `Input` when one cannot be read; those of [`Predictor::design`].
pub fn design_predictor(audio: &[&dyn Reopen], order: usize) -> Result<Predictor> {
    let mut channels = Vec::new();
    for one in audio {
        channels.extend(one.open()?.read_to_end()?.into_channels());
    }
    channels.iter_mut().flatten().filter(|x| !x.is_finite()).for_each(|x| *x = 0.0);
    let slices: Vec<&[f64]> = channels.iter().map(Vec::as_slice).collect();
    Predictor::design(&slices, order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, Signal};

    #[test]
    fn all_channels_of_all_audio_are_heard() {
        let x: Vec<f64> = (0..4_000).map(|i| (f64::from(i) * 0.05).sin()).collect();
        let y: Vec<f64> = (0..4_000).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let signal = |channels: &[&Vec<f64>]| Signal::new(8_000, channels.iter().map(|&x| x.clone()).collect());
        let (mono, other) = (signal(&[&x]).expect("legal"), signal(&[&y]).expect("legal"));
        let both = signal(&[&x, &y]).expect("legal");
        let of = |audio: &[&dyn Reopen]| design_predictor(audio, 4).expect("a design").coefficients().to_vec();
        assert_eq!(of(&[&mono, &other]), of(&[&both]));
        let mut gap = x.clone();
        gap[7] = f64::NAN;
        assert!(of(&[&signal(&[&gap]).expect("legal")]).iter().all(|c| c.is_finite()));
        assert!(matches!(design_predictor(&[&mono], 0), Err(Error::InvalidParameter { .. })));
    }
}
