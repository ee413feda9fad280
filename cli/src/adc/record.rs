//! What a converter gave, read once: histograms of all codes, and the first samples for the fits.

use sqnr::{
    analysis::{
        Absent,
        level::bits_used,
        linearity::{self, CodeHistogram, LinearityFigures, Stimulus},
    },
    audio_file::Source,
};

use super::super::{exit::Failure, inputs::Input, progress::FileProgress, source};

/// Samples per channel kept for fits and spectra, 87 s at 48 kHz: memory stays bounded whatever the length.
const MAX_KEPT_SAMPLES: usize = 1 << 22;
const BLOCK: usize = 16_384;
/// Most bits whose codes are counted.
pub const MAX_BITS: u32 = 24;

/// A file of codes.
pub struct Record {
    pub sample_rate_hz: u32,
    pub n_frames: u64,
    /// The first samples of each channel.
    pub kept: Vec<Vec<f64>>,
    pub resolution: Resolution,
    pub warnings: Vec<String>,
}

/// Bits of the codes, with their histograms, a channel each; or why there are none.
pub type Resolution = Result<(u32, Vec<CodeHistogram>), Absent>;

impl Record {
    /// Reads all of `input`; the resolution is `bits`, else the bits that the samples really use.
    pub fn read(input: &Input, bits: Option<u32>, progress: &FileProgress) -> Result<Self, Failure> {
        let mut source = source::open(input)?;
        let mut record = Self {
            sample_rate_hz: source.info().spec.sample_rate_hz,
            n_frames: 0,
            kept: vec![Vec::new(); usize::from(source.info().spec.channels)],
            resolution: Err(Absent::NotApplicable { needs: "samples that are codes; say how many bits with --bits" }),
            warnings: Vec::new(),
        };
        while record.kept[0].len() < MAX_KEPT_SAMPLES {
            let Some(block) = record.next(input, &mut source, progress)? else { break };
            record.kept.iter_mut().zip(&block).for_each(|(kept, x)| kept.extend_from_slice(x));
        }
        if record.n_frames == 0 {
            return Err(Failure::input(&input.path, "has no samples to test"));
        }
        record.count(bits);
        while let Some(block) = record.next(input, &mut source, progress)? {
            if let Ok((_, histograms)) = &mut record.resolution {
                histograms.iter_mut().zip(&block).for_each(|(histogram, x)| histogram.push(x));
            }
        }
        record.warnings.extend(source.warnings().iter().cloned());
        record.warn();
        Ok(record)
    }

    fn next(
        &mut self,
        input: &Input,
        source: &mut Source,
        progress: &FileProgress,
    ) -> Result<Option<Vec<Vec<f64>>>, Failure> {
        let mut block = Vec::new();
        let n = source.read_planar(&mut block, BLOCK).map_err(|error| source::unreadable(input, error))?;
        self.n_frames += n as u64;
        progress.at(self.n_frames, source.info().n_frames, self.sample_rate_hz);
        Ok((n > 0).then_some(block))
    }

    /// Starts the histograms with the samples kept.
    fn count(&mut self, bits: Option<u32>) {
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
            self.warnings.push(format!("{n} samples are no codes of {bits} bits and were not counted"));
        }
    }

    /// Linearity of a channel.
    pub fn linearity(&self, channel: usize, stimulus: Stimulus) -> LinearityFigures {
        let histogram = self.resolution.as_ref().map(|(_, histograms)| &histograms[channel]);
        let figures = histogram.map_err(|why| *why).and_then(|histogram| linearity::analyse(histogram, stimulus));
        figures.unwrap_or_else(LinearityFigures::missing)
    }

    /// Bits of the codes, where they are known.
    pub fn bits(&self) -> Option<u32> {
        self.resolution.as_ref().ok().map(|(bits, _)| *bits)
    }
}
