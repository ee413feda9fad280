//! What a converter gave, read once: histograms of all codes, and the first samples for the fits.

use crate::{
    Error, Progress, Result,
    analysis::{
        Absent,
        level::bits_used,
        linearity::{self, CodeHistogram, LinearityFigures, Stimulus},
    },
    audio_file::Reopen,
};

/// Samples per channel kept for fits and spectra, 87 s at 48 kHz: memory stays bounded whatever the length.
const MAX_KEPT_SAMPLES: usize = 1 << 22;
/// Samples per channel in one block.
const BLOCK: usize = 16_384;
/// Most bits whose codes are counted.
pub const MAX_BITS: u32 = 24;

/// A record of a converter's codes.
#[derive(Debug, Clone)]
pub struct ConverterRecord {
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// Samples per channel.
    pub n_frames: u64,
    /// The first samples of each channel, at most 2^22, full scale 1.0.
    pub kept: Vec<Vec<f64>>,
    /// What the reader of the figures must know.
    pub warnings: Vec<String>,
    resolution: Resolution,
}

/// Bits of the codes, with their histograms, a channel each; or why there are none.
type Resolution = std::result::Result<(u32, Vec<CodeHistogram>), Absent>;

impl ConverterRecord {
    /// Reads all of `audio`; the resolution is `bits`, else the bits that the samples really use.
    ///
    /// # Errors
    /// `Input` when the audio cannot be read or has no samples.
    pub fn read(audio: &dyn Reopen, bits: Option<u32>, progress: &dyn Progress) -> Result<Self> {
        let mut source = audio.open()?;
        let mut record = Self {
            sample_rate_hz: source.info().spec.sample_rate_hz,
            n_frames: 0,
            kept: vec![Vec::new(); usize::from(source.info().spec.channels)],
            warnings: Vec::new(),
            resolution: Err(Absent::NotApplicable { needs: "samples that are codes; say how many bits with --bits" }),
        };
        let mut is_counting = false;
        source.each_block(BLOCK, progress, |block| {
            record.n_frames += block[0].len() as u64;
            if is_counting {
                record.count(block);
                return Ok(());
            }
            record.kept.iter_mut().zip(block).for_each(|(kept, x)| kept.extend_from_slice(x));
            if record.kept[0].len() >= MAX_KEPT_SAMPLES {
                record.start_counting(bits);
                is_counting = true;
            }
            Ok(())
        })?;
        if record.n_frames == 0 {
            return Err(Error::NoResult { what: "has no samples to test".into() }.of_input(audio.name()));
        }
        if !is_counting {
            record.start_counting(bits);
        }
        record.warnings.extend(source.warnings().iter().cloned());
        record.warn();
        Ok(record)
    }

    fn count(&mut self, block: &[Vec<f64>]) {
        if let Ok((_, histograms)) = &mut self.resolution {
            histograms.iter_mut().zip(block).for_each(|(histogram, x)| histogram.push(x));
        }
    }

    /// Starts the histograms with the samples kept.
    fn start_counting(&mut self, bits: Option<u32>) {
        let used = || self.kept.iter().filter_map(|x| bits_used(x).ok()).fold(0.0, f64::max) as u32;
        let bits = bits.unwrap_or_else(used);
        if !(2..=MAX_BITS).contains(&bits) {
            return;
        }
        let counted = |x: &Vec<f64>| {
            let mut histogram = CodeHistogram::new(1 << bits).expect("2 to 24 bits are checked");
            histogram.push(x);
            histogram
        };
        self.resolution = Ok((bits, self.kept.iter().map(counted).collect()));
    }

    fn warn(&mut self) {
        if self.n_frames > MAX_KEPT_SAMPLES as u64 {
            let seconds = MAX_KEPT_SAMPLES as f64 / f64::from(self.sample_rate_hz);
            self.warnings.push(format!("fits are those of the first {seconds:.1} s, histograms of all"));
        }
        let Ok((bits, histograms)) = &self.resolution else { return };
        let n: u64 = histograms.iter().map(CodeHistogram::n_outside).sum();
        if n > 0 {
            self.warnings.push(format!("{n} samples are not codes of {bits} bits and were not counted"));
        }
    }

    /// Linearity of a channel, counted from 0.
    pub fn linearity(&self, channel: usize, stimulus: Stimulus) -> LinearityFigures {
        let histogram = self.resolution.as_ref().map(|(_, histograms)| &histograms[channel]);
        let figures = histogram.map_err(|why| *why).and_then(|histogram| linearity::analyse(histogram, stimulus));
        figures.unwrap_or_else(LinearityFigures::missing)
    }

    /// Bits of the codes, or why they are not known.
    pub fn bits(&self) -> std::result::Result<u32, Absent> {
        self.resolution.as_ref().map(|(bits, _)| *bits).map_err(|why| *why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Signal, quantizer::Quantizer, quantizer::Uniform};

    fn ramp(n: usize) -> Signal {
        let quantizer = Uniform::mid_tread(8).expect("legal");
        let x = (0..n).map(|i| quantizer.reconstruct(quantizer.index(2.0 * i as f64 / n as f64 - 1.0)));
        Signal::new(8_000, vec![x.collect()]).expect("legal")
    }

    #[test]
    fn the_resolution_is_that_of_the_samples() {
        let record = ConverterRecord::read(&ramp(50_000), None, &()).expect("in memory");
        assert_eq!((record.bits(), record.n_frames, record.kept[0].len()), (Ok(8), 50_000, 50_000));
        let figures = record.linearity(0, Stimulus::Ramp { ends_lsb: None });
        assert!(figures.dnl_max_lsb.expect("there are codes") < 0.02);
    }

    #[test]
    fn a_record_of_floats_has_no_codes() {
        let signal = Signal::new(8_000, vec![vec![0.1; 100]]).expect("legal");
        let record = ConverterRecord::read(&signal, None, &()).expect("in memory");
        assert!(matches!(record.bits(), Err(Absent::NotApplicable { .. })));
    }

    #[test]
    fn nothing_is_an_error_of_the_input() {
        let nothing = Signal::new(8_000, vec![vec![]]).expect("legal");
        let refused = ConverterRecord::read(&nothing, None, &()).expect_err("no samples").to_string();
        assert_eq!(refused, "signal: has no samples to test");
    }
}
