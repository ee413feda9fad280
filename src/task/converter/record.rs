//! What a converter gave, read once: histograms of all codes, and the first samples for the fits.

use super::coding::{CodeOptions, Coding};
use crate::{
    Error, Progress, Result,
    analysis::{
        Absent,
        linearity::{self, CodeHistogram, FewSamples, LinearityFigures, Stimulus, Visits},
    },
    audio_file::Reopen,
    generate::coherent_frequency_hz,
    wav::SampleFormat,
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
    /// The first samples of each channel, at most 2^22, full scale 1.0 of the converter.
    pub kept: Vec<Vec<f64>>,
    /// What the reader of the figures must know.
    pub warnings: Vec<String>,
    codes: std::result::Result<Codes, Absent>,
}

/// Where the codes are in the samples, and how often each came, a histogram for each channel.
#[derive(Debug, Clone)]
struct Codes {
    coding: Coding,
    histograms: Vec<CodeHistogram>,
}

impl ConverterRecord {
    /// Reads all of `audio`; what `options` do not tell of the codes is read off the samples.
    ///
    /// # Errors
    /// `Input` when the audio cannot be read or has no samples.
    pub fn read(audio: &dyn Reopen, options: CodeOptions, progress: &dyn Progress) -> Result<Self> {
        let mut source = audio.open()?;
        let mut record = Self {
            sample_rate_hz: source.info().spec.sample_rate_hz,
            n_frames: 0,
            kept: vec![Vec::new(); usize::from(source.info().spec.channels)],
            warnings: Vec::new(),
            codes: Err(Absent::NotApplicable { needs: "samples that are codes; say how many bits with --bits" }),
        };
        let format = source.info().spec.sample_format;
        let mut is_counting = false;
        source.each_block(BLOCK, progress, |block| {
            record.n_frames += block[0].len() as u64;
            if is_counting {
                record.count(block);
                return Ok(());
            }
            record.kept.iter_mut().zip(block).for_each(|(kept, x)| kept.extend_from_slice(x));
            if record.kept[0].len() >= MAX_KEPT_SAMPLES {
                record.start_counting(format, options);
                is_counting = true;
            }
            Ok(())
        })?;
        if record.n_frames == 0 {
            return Err(Error::NoResult { what: "has no samples to test".into() }.of_input(audio.name()));
        }
        if !is_counting {
            record.start_counting(format, options);
        }
        record.warnings.extend(source.warnings().iter().cloned());
        record.warn();
        Ok(record)
    }

    fn count(&mut self, block: &[Vec<f64>]) {
        let Ok(codes) = &mut self.codes else { return };
        for (histogram, x) in codes.histograms.iter_mut().zip(block) {
            let mut x = x.clone();
            codes.coding.rescale(&mut x);
            histogram.push(&x);
        }
    }

    /// Finds the codes in the samples kept, and counts these.
    fn start_counting(&mut self, format: SampleFormat, options: CodeOptions) {
        let coding = Coding::recognise(&self.kept, format, options, &mut self.warnings);
        let Some(coding) = coding.filter(|coding| (2..=MAX_BITS).contains(&coding.bits)) else { return };
        self.kept.iter_mut().for_each(|x| coding.rescale(x));
        let counted = |x: &Vec<f64>| {
            let mut histogram = CodeHistogram::new(1 << coding.bits).expect("2 to 24 bits are checked");
            histogram.push(x);
            histogram
        };
        self.codes = Ok(Codes { coding, histograms: self.kept.iter().map(counted).collect() });
    }

    fn warn(&mut self) {
        if self.n_frames > MAX_KEPT_SAMPLES as u64 {
            let seconds = MAX_KEPT_SAMPLES as f64 / f64::from(self.sample_rate_hz);
            self.warnings.push(format!("fits are those of the first {seconds:.1} s, histograms of all"));
        }
        let Ok(codes) = &self.codes else { return };
        let n: u64 = codes.histograms.iter().map(CodeHistogram::n_outside).sum();
        if n > 0 {
            let bits = codes.coding.bits;
            self.warnings.push(format!("{n} samples are not codes of {bits} bits and were not counted"));
        }
    }

    /// Linearity of a channel, counted from 0.
    pub fn linearity(&self, channel: usize, stimulus: Stimulus, few: FewSamples) -> LinearityFigures {
        let figures = self.codes.as_ref().map_err(|why| *why).and_then(|codes| {
            let histogram = &codes.histograms[channel];
            let (x, n_levels) = (&self.kept[channel], histogram.counts().len());
            let visits = match stimulus {
                Stimulus::Sine { .. } => Visits::of_sine(x, n_levels),
                Stimulus::Ramp { .. } => Visits::of_ramp(x, n_levels),
            };
            linearity::analyse_visits(histogram, stimulus, &visits, few)
        });
        figures.unwrap_or_else(LinearityFigures::missing)
    }

    /// Bits of the codes, or why they are not known.
    pub fn bits(&self) -> std::result::Result<u32, Absent> {
        self.codes.as_ref().map(|codes| codes.coding.bits).map_err(|why| *why)
    }

    /// What the reader of a channel's linearity must know; `tone_hz` is the frequency of its sine.
    pub fn linearity_warnings(&self, figures: &LinearityFigures, tone_hz: Option<f64>) -> Vec<String> {
        let Ok(bits) = self.bits() else { return Vec::new() };
        match (figures.dnl_max_lsb, figures.missing_codes.as_ref().err().copied()) {
            (Err(why @ Absent::TooFewPhases { .. }), _) | (Ok(_), Some(why @ Absent::TooFewPhases { .. })) => {
                vec![self.better_frequency(why, tone_hz)]
            }
            (Ok(_), _) => untested_codes(figures, bits).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn better_frequency(&self, why: Absent, tone_hz: Option<f64>) -> String {
        let better = tone_hz.and_then(|hz| coherent_frequency_hz(hz, self.sample_rate_hz, self.n_frames).ok());
        match better {
            Some(hz) => {
                let periods = (hz * self.n_frames as f64 / f64::from(self.sample_rate_hz)).round();
                format!("{why}; {hz:.6} Hz, {periods} periods in these {} samples, meets one with each", self.n_frames)
            }
            None => why.to_string(),
        }
    }
}

/// Which codes have no DNL, where these are more than those at the ends.
fn untested_codes(figures: &LinearityFigures, bits: u32) -> Option<String> {
    let (low, high) = figures.code_range;
    let last = (1usize << bits) - 1;
    let half = 1i64 << (bits - 1);
    let signed = |code: usize| code as i64 - half;
    (low > 0 || high < last).then(|| {
        format!(
            "DNL and INL are those of codes {} to {}; of {} to {} the stimulus, or the noise on it, left the others out",
            signed(low + 1),
            signed(high - 1),
            signed(0),
            signed(last)
        )
    })
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
        let record = ConverterRecord::read(&ramp(50_000), CodeOptions::default(), &()).expect("in memory");
        assert_eq!((record.bits(), record.n_frames, record.kept[0].len()), (Ok(8), 50_000, 50_000));
        let figures = record.linearity(0, Stimulus::Ramp { ends_lsb: None }, FewSamples::Refuse);
        assert!(figures.dnl_max_lsb.expect("there are codes") < 0.02);
    }

    #[test]
    fn a_record_of_floats_has_no_codes() {
        let signal = Signal::new(8_000, vec![vec![0.1; 100]]).expect("legal");
        let record = ConverterRecord::read(&signal, CodeOptions::default(), &()).expect("in memory");
        assert!(matches!(record.bits(), Err(Absent::NotApplicable { .. })));
    }

    #[test]
    fn nothing_is_an_error_of_the_input() {
        let nothing = Signal::new(8_000, vec![vec![]]).expect("legal");
        let refused = ConverterRecord::read(&nothing, CodeOptions::default(), &()).expect_err("no samples").to_string();
        assert_eq!(refused, "signal: has no samples to test");
    }
}
