//! DPCM designs for all samples of some audio.

use crate::{
    Progress, Result,
    audio_file::Reopen,
    chain::{ChosenDpcm, DpcmTraining},
};

/// Designs DPCM at each of `depths`, 1 to 8 bits a sample, with at most `most_coefficients`, 0 to 64, over all channels of
/// all `audio`. What is not finite counts as 0. None is worse on the audio than the best levels without prediction.
///
/// ```
/// let tone = sqnr::generate::signal(Default::default())?;
/// let designs = sqnr::task::design_dpcm(&[&tone], &[2, 3], 4, &())?;
/// assert!(designs[1].snr_db > designs[1].memoryless_snr_db + 10.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// `NoResult` when there is no finite sample; `Input` when one cannot be read; those of [`DpcmTraining::design`].
pub fn design_dpcm(
    audio: &[&dyn Reopen],
    depths: &[u32],
    most_coefficients: usize,
    progress: &dyn Progress,
) -> Result<Vec<ChosenDpcm>> {
    let training = DpcmTraining::of(audio)?;
    let rate_hz = audio.first().map_or(Ok(0), |one| one.open().map(|source| source.info().spec.sample_rate_hz))?;
    let design = |(i, &bits): (usize, &u32)| {
        let found = training.design(bits, most_coefficients)?;
        progress.at((i as u64 + 1) * training.n_samples(), Some(depths.len() as u64 * training.n_samples()), rate_hz);
        Ok(found)
    };
    depths.iter().enumerate().map(design).collect()
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
        let of = |audio: &[&dyn Reopen]| design_dpcm(audio, &[3], 4, &()).expect("a design").remove(0).snr_db;
        // Which stretches are loudest is another question for one file than for two.
        let (apart, together) = (of(&[&mono, &other]), of(&[&both]));
        assert!((apart - together).abs() < 4.0 && apart > 30.0, "{apart} {together}");
        assert!(apart < of(&[&mono]).min(of(&[&other])), "one design for two tones");
        let mut gap = x.clone();
        gap[7] = f64::NAN;
        assert!(of(&[&signal(&[&gap]).expect("legal")]).is_finite());
        assert!(matches!(design_dpcm(&[&mono], &[9], 4, &()), Err(Error::InvalidParameter { .. })));
    }
}
