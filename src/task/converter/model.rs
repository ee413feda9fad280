//! What a described converter makes of a signal, in constant memory.

use crate::{
    Progress, Result,
    adc::{Channel, Converter},
    analysis::{
        error_statistics::{ErrorFigures, ErrorStatistics, Settings},
        without_ends::WithoutEnds,
    },
    audio_file::Source,
};

/// Samples per channel in one block.
const BLOCK: usize = 16_384;

/// The result of converting a signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Converted {
    /// Samples per channel.
    pub n_frames: u64,
    /// Those of them at the ends that no figure looks at, because a filter lacks neighbours there.
    pub left_out_frames: u64,
    /// Of the output against the input, over all channels; beyond the converter's range counts as clipped.
    pub figures: ErrorFigures,
}

/// Runs `source` to its end through `converter`; `write` receives the output in blocks, one vector per channel. Sample n
/// out belongs to sample n in.
///
/// ```
/// use sqnr::{adc, audio_file::Reopen, generate, task};
///
/// let (tone, mut y) = (generate::signal(Default::default())?, Vec::new());
/// let converter = adc::Converter::new(adc::Spec { bits: 12, ..Default::default() }, 48_000.0)?;
/// let keep = |block: &[Vec<f64>]| Ok(y.extend_from_slice(&block[0]));
/// let converted = task::convert(&mut tone.open()?, &converter, keep, &())?;
/// assert!(y.len() == tone.len() && converted.figures.snr_db.unwrap() > 70.0);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// Those of reading, and those of `write`.
pub fn convert(
    source: &mut Source,
    converter: &Converter,
    mut write: impl FnMut(&[Vec<f64>]) -> Result<()>,
    progress: &dyn Progress,
) -> Result<Converted> {
    let mut stages = Stages::new(converter, source.info().spec.channels)?;
    let mut n_frames = 0;
    source.each_block(BLOCK, progress, |block| {
        stages.push(block);
        n_frames += block[0].len() as u64;
        stages.store(&mut write)
    })?;
    stages.finish();
    stages.store(&mut write)?;
    Ok(Converted { n_frames, left_out_frames: stages.statistics[0].n_left_out(), figures: stages.figures() })
}

/// A signal on its way through the converter.
struct Stages<'a> {
    channels: Vec<Channel<'a>>,
    statistics: Vec<WithoutEnds>,
    /// Inputs whose output is still to come.
    waiting: Vec<Vec<f64>>,
    out: Vec<Vec<f64>>,
}

impl<'a> Stages<'a> {
    fn new(converter: &'a Converter, n_channels: u16) -> Result<Self> {
        let settings = Settings { granular: converter.granular_range(), ..Settings::default() };
        let (n, n_ends) = (usize::from(n_channels), converter.unsupported_samples());
        let one = |_| ErrorStatistics::new(settings.clone()).map(|statistics| WithoutEnds::new(statistics, n_ends));
        Ok(Self {
            channels: (0..n_channels).map(|index| converter.channel(index)).collect(),
            statistics: (0..n).map(one).collect::<Result<_>>()?,
            waiting: vec![Vec::new(); n],
            out: vec![Vec::new(); n],
        })
    }

    fn push(&mut self, block: &[Vec<f64>]) {
        for (c, x) in block.iter().enumerate() {
            self.waiting[c].extend_from_slice(x);
            self.channels[c].push(x, &mut self.out[c]);
        }
    }

    fn finish(&mut self) {
        for (channel, out) in std::mem::take(&mut self.channels).into_iter().zip(&mut self.out) {
            channel.finish(out);
        }
    }

    /// Measures and writes what is ready.
    fn store(&mut self, write: &mut impl FnMut(&[Vec<f64>]) -> Result<()>) -> Result<()> {
        for ((statistics, x), y) in self.statistics.iter_mut().zip(&mut self.waiting).zip(&self.out) {
            statistics.push(&x[..y.len()], y);
            x.drain(..y.len());
        }
        write(&self.out)?;
        self.out.iter_mut().for_each(Vec::clear);
        Ok(())
    }

    fn figures(mut self) -> ErrorFigures {
        let mut total = self.statistics.remove(0);
        self.statistics.iter().for_each(|channel| total.merge(channel));
        total.figures()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, Signal, adc::Spec, audio_file::Reopen, generate};

    fn tone() -> Signal {
        generate::signal(generate::TestSignal { level_dbfs: 6.0, ..Default::default() }).expect("legal")
    }

    #[test]
    fn blocks_are_those_of_the_whole_record() {
        let spec = Spec { bits: 10, oversampling: 4, jitter_s: 1e-7, ..Default::default() };
        let converter = Converter::new(spec, 48_000.0).expect("legal");
        let (tone, mut y) = (tone(), Vec::new());
        let keep = |block: &[Vec<f64>]| {
            y.extend_from_slice(&block[0]);
            Ok(())
        };
        let converted = convert(&mut tone.open().expect("in memory"), &converter, keep, &()).expect("in memory");
        assert_eq!(y, converter.convert(&tone.channels()[0]));
        assert_eq!(converted.n_frames, 48_000);
        assert!(converted.figures.n_clipped > 10_000, "half of a sine of +6 dBFS is beyond the range");
    }

    #[test]
    fn errors_of_writing_end_it() {
        let converter = Converter::new(Spec::default(), 48_000.0).expect("legal");
        let full = |_: &[Vec<f64>]| Err(Error::invalid("room", 0, "more"));
        let tone = tone();
        let refused = convert(&mut tone.open().expect("in memory"), &converter, full, &());
        assert!(matches!(refused, Err(Error::InvalidParameter { .. })));
    }
}
