//! DPCM designed on audio: on stretches of it, the choice made on the whole, in memory that does not grow with its length.

use super::training;
use crate::{
    Error, Result,
    audio_file::Reopen,
    design::{
        Samples,
        dpcm::{self, DpcmDesign},
    },
    predictive::{Dpcm, Predictor, ScaledCodebook},
};

/// Samples of the stretches from all over the audio, and of its loudest ones: most of the error comes from those.
const N_STRETCH_SAMPLES: usize = 1 << 16;
/// Samples per channel in one block, the length of a stretch.
const BLOCK: usize = 1 << 12;
/// The best designs on the stretches that compete on the whole audio, beside the best of each order and that without
/// prediction: what overload does to a high order may lie in no stretch.
const N_FINALISTS: usize = 4;

/// What DPCM is designed on.
///
/// ```
/// use sqnr::{Signal, audio_file::Reopen, chain::DpcmTraining};
///
/// let x = (0..8_000).map(|i| 0.5 * (0.05 * f64::from(i)).sin() * (0.001 * f64::from(i)).cos()).collect();
/// let signal = Signal::new(8_000, vec![x])?;
/// let design = DpcmTraining::of(&[&signal])?.design(3, 16)?;
/// assert!(design.snr_db > design.memoryless_snr_db + 15.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
pub struct DpcmTraining<'a> {
    audio: &'a [&'a dyn Reopen],
    stretches: Vec<Vec<f64>>,
    samples: Samples,
}

impl std::fmt::Debug for DpcmTraining<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DpcmTraining").field("n_stretches", &self.stretches.len()).finish_non_exhaustive()
    }
}

/// The design that is best on the whole audio.
#[derive(Debug, Clone)]
pub struct ChosenDpcm {
    /// Predictor and quantizer.
    pub design: DpcmDesign,
    /// Signal power over error power in the closed loop over all of the audio, dB; infinite without error.
    pub snr_db: f64,
    /// The same of the best levels without prediction.
    pub memoryless_snr_db: f64,
}

impl<'a> DpcmTraining<'a> {
    /// Reads all `audio`, all channels alike; what is not finite counts as 0.
    ///
    /// # Errors
    /// `NoResult` when there is no finite sample; what reading meets.
    pub fn of(audio: &'a [&'a dyn Reopen]) -> Result<Self> {
        let samples = training::distribution(audio)?;
        let mut stretches = Vec::new();
        for &one in audio {
            stretches.extend(training::stretches(one, BLOCK, N_STRETCH_SAMPLES / audio.len())?);
            stretches.extend(training::loudest_stretches(one, BLOCK, N_STRETCH_SAMPLES / audio.len())?);
            stretches.iter_mut().flatten().for_each(|x: &mut f64| *x = training::finite(*x));
        }
        Ok(Self { audio, stretches, samples })
    }

    /// Samples of all channels of all audio.
    pub fn n_samples(&self) -> u64 {
        self.samples.total() as u64
    }

    /// The best DPCM of at most so many coefficients at `bits` a sample; never worse than the best levels without
    /// prediction.
    ///
    /// # Errors
    /// `InvalidParameter` outside 1 to 8 bits or for more than 64 coefficients; what reading meets.
    pub fn design(&self, bits: u32, most_coefficients: usize) -> Result<ChosenDpcm> {
        let found = match dpcm::candidates(&self.stretches, bits, most_coefficients) {
            Ok(found) => found,
            // Silence is coded by the values that are there.
            Err(Error::NoResult { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut finalists = finalists(found);
        let levels = training::codebook(&self.samples, 1 << bits)?;
        let memoryless =
            DpcmDesign { predictor: Predictor::new(vec![])?, quantizer: ScaledCodebook::fixed(levels)?, snr_db: 0.0 };
        finalists.push(memoryless);
        let measured = self.measure(&finalists)?;
        let memoryless_snr_db = *measured.last().expect("one was pushed");
        let is_better = |a: &(usize, &f64), b: &(usize, &f64)| a.1.total_cmp(b.1).then(b.0.cmp(&a.0));
        let (best, &snr_db) = measured.iter().enumerate().max_by(is_better).expect("one was pushed");
        Ok(ChosenDpcm { design: finalists.swap_remove(best), snr_db, memoryless_snr_db })
    }

    /// The SNR of each design over all of the audio, dB.
    fn measure(&self, designs: &[DpcmDesign]) -> Result<Vec<f64>> {
        let (mut power, mut errors) = (0.0, vec![0.0; designs.len()]);
        for audio in self.audio {
            let mut source = audio.open()?;
            let n_channels = usize::from(source.info().spec.channels);
            let mut coders: Vec<Vec<Dpcm>> = designs.iter().map(|design| vec![design.coder(); n_channels]).collect();
            source.each_block(BLOCK, &(), |block| {
                for (c, x) in block.iter().enumerate() {
                    let x: Vec<f64> = x.iter().map(|&x| training::finite(x)).collect();
                    power += x.iter().map(|x| x * x).sum::<f64>();
                    for (coders, error) in coders.iter_mut().zip(&mut errors) {
                        *error += x.iter().map(|&x| (coders[c].code(x).1 - x).powi(2)).sum::<f64>();
                    }
                }
                Ok(())
            })?;
        }
        Ok(errors.iter().map(|&error| crate::design::snr_db(power, error)).collect())
    }
}

/// The first ones, and the first of each order.
fn finalists(found: Vec<DpcmDesign>) -> Vec<DpcmDesign> {
    let mut kept: Vec<DpcmDesign> = Vec::new();
    for (i, design) in found.into_iter().enumerate() {
        let order = |design: &DpcmDesign| design.predictor.coefficients().len();
        if i < N_FINALISTS || kept.iter().all(|other| order(other) != order(&design)) {
            kept.push(design);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signal;

    fn signal(channels: Vec<Vec<f64>>) -> Signal {
        Signal::new(8_000, channels).expect("legal")
    }

    fn slow_wave(n: u32) -> Vec<f64> {
        (0..n).map(|i| 0.4 * (0.02 * f64::from(i)).sin() + 0.2 * (0.31 * f64::from(i)).sin()).collect()
    }

    /// Half a wave, half of what no order predicts: whatever wins on a stretch, all of it decides.
    #[test]
    fn the_whole_audio_decides_and_nothing_is_worse_than_levels_alone() {
        let mut state = 5u32;
        let noise = (0..40_000).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / 8_388_608.0 - 1.0
        });
        let x: Vec<f64> = slow_wave(20_000).into_iter().chain(noise).collect();
        let audio = signal(vec![x.clone(), x]);
        let training: [&dyn Reopen; 1] = [&audio];
        let training = DpcmTraining::of(&training).expect("samples");
        for bits in 1..=6 {
            let found = training.design(bits, 8).expect("a design");
            assert!(found.snr_db >= found.memoryless_snr_db, "{bits}: {found:?}");
        }
    }

    #[test]
    fn several_files_are_designed_for_together() {
        let (a, b) = (signal(vec![slow_wave(9_000)]), signal(vec![slow_wave(5_000).iter().map(|x| -x).collect()]));
        let both: [&dyn Reopen; 2] = [&a, &b];
        let found = DpcmTraining::of(&both).expect("samples").design(3, 4).expect("a design");
        assert!(found.snr_db > found.memoryless_snr_db + 10.0);
    }

    #[test]
    fn silence_and_gaps_are_no_obstacle() {
        let mut x = slow_wave(3_000);
        x[9] = f64::NAN;
        let gap = signal(vec![x]);
        let training: [&dyn Reopen; 1] = [&gap];
        assert!(DpcmTraining::of(&training).expect("samples").design(4, 4).expect("a design").snr_db.is_finite());
    }
}
