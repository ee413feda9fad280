//! The one loop: read, clean, push, measure, hand on. Memory does not grow with the length.

use super::{Chain, Clipping, Cost, InfiniteInput, Piece, Sink};
use crate::{
    Progress, Result,
    analysis::{
        error_statistics::{ErrorFigures, ErrorStatistics},
        without_ends::WithoutEnds,
    },
    audio_file::Source,
};

/// Samples of all channels in one block.
const BLOCK_SAMPLES: usize = 1 << 15;

/// The result of sending a signal through a chain.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was done, in a few words.
    pub description: String,
    /// Error figures over all channels.
    pub figures: ErrorFigures,
    /// Error figures of each channel.
    pub per_channel: Vec<ErrorFigures>,
    /// Samples per channel.
    pub n_frames: u64,
    /// Those of them at the ends that no error figure looks at, because a filter lacks neighbours there.
    pub left_out_frames: u64,
    /// Samples that were clipped; `None` where nothing clips.
    pub clipped_samples: Option<u64>,
    /// Samples that were not a number and were taken as 0.
    pub nan_samples: u64,
    /// Samples that were infinite and were taken as full scale.
    pub infinite_samples: u64,
    /// What coding took, where the chain codes.
    pub cost: Option<Cost>,
    /// Things the user should know, a line each, those of reading first.
    pub warnings: Vec<String>,
}

/// Sends all of `source` through `chain` into `sink`, and measures the error.
///
/// ```
/// use sqnr::{audio_file::Reopen, chain::{self, Piece, Plan, Storing}, generate};
///
/// let tone = generate::signal(Default::default())?;
/// let mut source = tone.open()?;
/// let plan = Plan::new(&"uniform bits=16 dither=none".parse()?)?;
/// let mut chain = plan.chain(&tone, &source.info().spec, Storing::Reconstruction)?;
/// let mut n_stored = 0;
/// let mut count = |_: &[Vec<f64>], piece: &Piece| Ok(n_stored += piece.n_frames());
/// let outcome = chain::run(&mut source, &mut *chain, &mut count, &())?;
/// assert!(n_stored == 48_000 && (outcome.figures.snr_db.unwrap() - 98.1).abs() < 0.2);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// What reading, coding and writing meet.
pub fn run(
    source: &mut Source,
    chain: &mut dyn Chain,
    sink: &mut dyn Sink,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let info = source.info().clone();
    let n_channels = usize::from(info.spec.channels);
    let mut meter = Meter::new(chain, n_channels)?;
    let mut x = Vec::new();
    while source.read_planar(&mut x, (BLOCK_SAMPLES / n_channels).max(1))? > 0 {
        meter.push(chain, &mut x, sink)?;
        progress.at(meter.n_frames, info.n_frames, info.spec.sample_rate_hz);
    }
    meter.finish(chain, sink)?;
    let mut warnings = source.warnings().to_vec();
    warnings.extend(source.metadata().not_kept.iter().cloned());
    Ok(meter.outcome(chain, warnings))
}

/// Feeds a chain, counts and compares. Holds what was read until its reconstruction comes.
pub(crate) struct Meter {
    piece: Piece,
    /// Read and not yet answered, by channel.
    waiting: Vec<Vec<f64>>,
    statistics: Vec<WithoutEnds>,
    n_frames: u64,
    n_beyond_full_scale: u64,
    n_nan: u64,
    n_infinite: u64,
}

impl Meter {
    /// A meter for a chain at rest.
    ///
    /// # Errors
    /// As [`ErrorStatistics::new`].
    pub(crate) fn new(chain: &dyn Chain, n_channels: usize) -> Result<Self> {
        let settings = chain.statistics();
        let n_ends = chain.unsupported_frames();
        let one = |_| ErrorStatistics::new(settings.clone()).map(|statistics| WithoutEnds::new(statistics, n_ends));
        let statistics: Result<Vec<_>> = (0..n_channels).map(one).collect();
        Ok(Self {
            piece: Piece::new(n_channels),
            waiting: vec![Vec::new(); n_channels],
            statistics: statistics?,
            n_frames: 0,
            n_beyond_full_scale: 0,
            n_nan: 0,
            n_infinite: 0,
        })
    }

    /// Cleans a block, one vector per channel, and sends it through the chain into the sink.
    pub(crate) fn push(&mut self, chain: &mut dyn Chain, x: &mut [Vec<f64>], sink: &mut dyn Sink) -> Result<()> {
        let is_odd = self.count(x);
        if is_odd && chain.infinite_input() == InfiniteInput::Clips {
            replace(x, |x| if x.is_nan() { 0.0 } else { x });
        } else if is_odd {
            make_finite(x);
        }
        chain.push(x, &mut self.piece)?;
        if is_odd {
            make_finite(x);
        }
        self.deliver(x, sink)
    }

    /// Sends what is left in the chain into the sink.
    pub(crate) fn finish(&mut self, chain: &mut dyn Chain, sink: &mut dyn Sink) -> Result<()> {
        chain.finish(&mut self.piece)?;
        self.deliver(&vec![Vec::new(); self.waiting.len()], sink)
    }

    /// Counts samples; true when some are not finite.
    fn count(&mut self, x: &[Vec<f64>]) -> bool {
        self.n_frames += x.first().map_or(0, Vec::len) as u64;
        let mut all_finite = true;
        for channel in x {
            self.n_beyond_full_scale += channel.iter().filter(|x| x.abs() > 1.0).count() as u64;
            // No early end, so that the loop runs many samples at once.
            all_finite &= channel.iter().fold(true, |all, x| all & x.is_finite());
        }
        if !all_finite {
            self.n_nan += x.iter().flatten().filter(|x| x.is_nan()).count() as u64;
            self.n_infinite += x.iter().flatten().filter(|x| x.is_infinite()).count() as u64;
        }
        !all_finite
    }

    /// Measures the piece against the samples it answers, hands both on, and makes the piece empty.
    fn deliver(&mut self, x: &[Vec<f64>], sink: &mut dyn Sink) -> Result<()> {
        let mut piece = std::mem::take(&mut self.piece);
        let answers_x = self.waiting[0].is_empty() && piece.n_frames() == x[0].len();
        if answers_x {
            self.measure(x, &piece);
            sink.write(x, &piece)?;
        } else {
            self.waiting.iter_mut().zip(x).for_each(|(waiting, x)| waiting.extend_from_slice(x));
            // A coder in pairs of samples may give one more than came.
            let n = piece.n_frames().min(self.waiting[0].len());
            piece.y.iter_mut().for_each(|y| y.truncate(n));
            let answered: Vec<Vec<f64>> = self.waiting.iter_mut().map(|waiting| waiting.drain(..n).collect()).collect();
            self.measure(&answered, &piece);
            sink.write(&answered, &piece)?;
        }
        piece.clear();
        self.piece = piece;
        Ok(())
    }

    fn measure(&mut self, x: &[Vec<f64>], piece: &Piece) {
        for (c, statistics) in self.statistics.iter_mut().enumerate() {
            statistics.push(&x[c], &piece.y[c]);
            statistics.push_indices(&piece.indices[c]);
        }
    }

    /// Error figures over all channels so far.
    pub(crate) fn figures(&self) -> ErrorFigures {
        let mut total = self.statistics[0].clone();
        self.statistics[1..].iter().for_each(|channel| total.merge(channel));
        total.figures()
    }

    fn outcome(self, chain: &dyn Chain, mut warnings: Vec<String>) -> Outcome {
        let figures = self.figures();
        let clipped_samples = match chain.clipping() {
            Clipping::Counted(n) => Some(n),
            Clipping::BeyondFullScale => Some(self.n_beyond_full_scale),
            Clipping::Never => None,
        };
        warnings.extend(count_warning(clipped_samples.unwrap_or(0), "clipped"));
        warnings.extend(count_warning(self.n_nan, "not a number: taken as 0"));
        warnings.extend(count_warning(self.n_infinite, "infinite: taken as full scale"));
        warnings.extend(chain.warnings());
        Outcome {
            description: chain.describe(),
            figures,
            per_channel: self.statistics.iter().map(WithoutEnds::figures).collect(),
            n_frames: self.n_frames,
            left_out_frames: self.statistics[0].n_left_out(),
            clipped_samples,
            nan_samples: self.n_nan,
            infinite_samples: self.n_infinite,
            cost: chain.cost(),
            warnings,
        }
    }
}

/// Replaces samples that are not finite by what they count as.
pub(super) fn make_finite(x: &mut [Vec<f64>]) {
    replace(x, finite);
}

/// What a sample that is not finite counts as: NaN 0, infinity full scale.
fn finite(x: f64) -> f64 {
    match x {
        x if x.is_nan() => 0.0,
        x if x.is_infinite() => x.signum(),
        x => x,
    }
}

fn replace(x: &mut [Vec<f64>], by: impl Fn(f64) -> f64) {
    x.iter_mut().flatten().for_each(|x| *x = by(*x));
}

fn count_warning(n: u64, what: &str) -> Option<String> {
    match n {
        0 => None,
        1 => Some(format!("1 sample {what}")),
        n => Some(format!("{n} samples {what}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Signal, task::quantize};

    /// Silence but for what is no number: the figures are those of silence and of full scale.
    #[test]
    fn what_is_no_number_counts_as_nothing_and_infinity_as_full_scale() {
        let by = |recipe: &str, x: Vec<f64>| {
            let signal = Signal::new(8_000, vec![x]).expect("legal");
            quantize(&signal, &recipe.parse().expect("a recipe")).expect("quantized").outcome
        };
        let of = |x| by("mid-rise bits=1 dither=none", x);
        // A level at half: the error of a sample that counts as 0 is a half.
        let nan = of(vec![f64::NAN; 4]);
        assert_eq!((nan.nan_samples, nan.figures.mse, nan.figures.signal_power), (4, 0.25, 0.0));
        // A coder that takes no infinity is given what is known alone.
        let coded = by("jayant-2", vec![f64::NAN, f64::INFINITY]);
        assert_eq!((coded.nan_samples, coded.infinite_samples, coded.figures.signal_power), (1, 1, 0.5));
        let infinite = of(vec![f64::INFINITY, f64::NEG_INFINITY]);
        assert_eq!((infinite.infinite_samples, infinite.figures.mse, infinite.figures.signal_power), (2, 0.25, 1.0));
    }
}
