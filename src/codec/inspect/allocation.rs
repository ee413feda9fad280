//! Allocation of the bits of a file: bits, step size, noise and mask for each band over time.
//!
//! All block sizes are shown on the bands of the longest block: the sums of a short block's band are shared among the
//! long block's bands in proportion to their common width.
//!
//! ```text
//! file     -> frames, price of each band, coefficients --+
//! original -> coefficients under the same block trees ---+-> signal, noise, mask -> cells of time x band
//! ```

use super::{
    priced_reader::{PricedFrame, PricedReader},
    spectrum_of_original::SpectrumOfOriginal,
};
use crate::{
    Result,
    codec::{
        choice::loudness::measure_loudness,
        format::{
            bands::{BandTables, N_DEPTHS},
            block_tree::BlockTree,
            container::Header,
            frame::{BandCode, BlockSpan, LOG2_DB, spans},
            reconstruction::amplitude,
            syntax::Layout,
        },
        options::{EncoderOptions, Goal},
        source::PcmSource,
    },
};
use std::{io::Read, sync::Arc};

/// Quality whose noise target counts as the mask: the least the encoder offers.
const MASK_QUALITY: f32 = 0.0;

/// One band over one stretch of time, all channels together: sums from which the figures follow.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BandCell {
    /// Coefficients; not a whole number where a band of a short block was shared out.
    pub coefficients: f64,
    /// Those of them in bands with indices; the others are silent or noise.
    pub coded: f64,
    /// Bits spent on levels and indices.
    pub bits: f64,
    /// Sum of log2 of the step size over the coded coefficients.
    log2_step: f64,
    /// Energy of the original, full scale squared.
    signal: f64,
    /// Energy of decoded minus original coefficients.
    noise: f64,
    /// Sums over the coefficients: log2 of the mask's power, and noise power over the mask's.
    log2_mask: f64,
    noise_to_mask: f64,
    /// Coefficients that were compared with the original.
    compared: f64,
}

/// 10 log10 of a power; none for what has no coefficient or no energy.
fn db(power: f64) -> Option<f64> {
    (power > 0.0 && power.is_finite()).then(|| 10.0 * power.log10())
}

impl BandCell {
    /// Bits for each coefficient; 0 where there is none.
    pub fn bits_per_coefficient(&self) -> f64 {
        if self.coefficients > 0.0 { self.bits / self.coefficients } else { 0.0 }
    }

    /// Share of the coefficients in bands without indices, 0 to 1.
    pub fn empty_share(&self) -> f64 {
        if self.coefficients > 0.0 { 1.0 - self.coded / self.coefficients } else { 1.0 }
    }

    /// Geometric mean of the step size, dB re full scale; none where nothing was coded.
    pub fn step_db(&self) -> Option<f64> {
        (self.coded > 0.0).then(|| 2.0 * LOG2_DB * self.log2_step / self.coded)
    }

    /// Mean power of the original per coefficient, dB re full scale squared.
    pub fn signal_db(&self) -> Option<f64> {
        db(self.signal / self.compared)
    }

    /// Mean power of the error per coefficient, dB re full scale squared.
    pub fn noise_db(&self) -> Option<f64> {
        db(self.noise / self.compared)
    }

    /// Geometric mean of the masked noise power per coefficient, dB re full scale squared.
    pub fn mask_db(&self) -> Option<f64> {
        (self.compared > 0.0).then(|| LOG2_DB * self.log2_mask / self.compared)
    }

    /// Noise-to-mask ratio: 10 log10 of the mean of noise power over masked power.
    pub fn nmr_db(&self) -> Option<f64> {
        db(self.noise_to_mask / self.compared)
    }

    /// Signal-to-noise ratio of the band.
    pub fn snr_db(&self) -> Option<f64> {
        Some(self.signal_db()? - self.noise_db()?)
    }

    /// The SNR that uniform quantization at the step has by theory: signal power over step^2/12, dB.
    pub fn predicted_snr_db(&self) -> Option<f64> {
        Some(self.signal_db()? - self.step_db()? + 10.0 * 12.0_f64.log10())
    }

    fn compare(&mut self, original: &[f32], decoded: &[f32], log2_mask: f32) {
        let energy = |x: f32| f64::from(x) * f64::from(x);
        self.compared = original.len() as f64;
        self.signal = original.iter().map(|&x| energy(x)).sum();
        self.noise = decoded.iter().zip(original).map(|(y, x)| energy(y - x)).sum();
        self.log2_mask = f64::from(log2_mask) * self.compared;
        self.noise_to_mask = self.noise / f64::from(log2_mask).exp2();
    }

    fn add(&mut self, other: &Self, share: f64) {
        self.coefficients += share * other.coefficients;
        self.coded += share * other.coded;
        self.bits += share * other.bits;
        self.log2_step += share * other.log2_step;
        self.signal += share * other.signal;
        self.noise += share * other.noise;
        self.log2_mask += share * other.log2_mask;
        self.noise_to_mask += share * other.noise_to_mask;
        self.compared += share * other.compared;
    }
}

/// One stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// One for each of [`Allocation::bands_hz`].
    pub bands: Vec<BandCell>,
    /// Bits of block trees, mid/side flags and noise levels.
    pub common_bits: f64,
    /// Superframes.
    pub superframes: u64,
    /// Share of the time in blocks of N, N/2, N/4, ... samples; they add up to 1.
    pub block_shares: Vec<f64>,
}

impl Column {
    fn new(n_bands: usize) -> Self {
        Self {
            bands: vec![BandCell::default(); n_bands],
            common_bits: 0.0,
            superframes: 0,
            block_shares: vec![0.0; N_DEPTHS],
        }
    }

    fn add(&mut self, other: &Self) {
        for (band, other) in self.bands.iter_mut().zip(&other.bands) {
            band.add(other, 1.0);
        }
        self.common_bits += other.common_bits;
        let (here, there) = (self.superframes as f64, other.superframes as f64);
        for (share, other) in self.block_shares.iter_mut().zip(&other.block_shares) {
            *share = (*share * here + other * there) / (here + there);
        }
        self.superframes += other.superframes;
    }

    /// All bits of the stretch.
    pub fn bits(&self) -> f64 {
        self.common_bits + self.bands.iter().map(|band| band.bits).sum::<f64>()
    }

    /// Noise-to-mask ratio of all bands, each band the same weight: 10 log10 of the mean over time and bands of noise
    /// power over masked power. None without an original.
    pub fn nmr_db(&self) -> Option<f64> {
        let ratios = self.bands.iter().filter(|b| b.compared > 0.0).map(|b| b.noise_to_mask / b.compared);
        let (sum, count) = ratios.fold((0.0, 0), |(sum, count), ratio| (sum + ratio, count + 1));
        if count > 0 { db(sum / f64::from(count)) } else { None }
    }

    /// Mean duration of a block in samples, weighted by time.
    pub fn mean_block_samples(&self, superframe_samples: usize) -> f64 {
        let lengths = (0..).map(|depth| (superframe_samples >> depth) as f64);
        self.block_shares.iter().zip(lengths).map(|(share, length)| share * length).sum()
    }
}

/// Bits, step, noise and mask of a whole file as cells of time x band.
///
/// ```
/// use sqnr::codec::{self, Allocation, EncoderOptions, InMemory};
///
/// let channels = [(0..20_000).map(|i| (i as f32 * 0.05).sin() * 0.5).collect::<Vec<f32>>()];
/// let (mut file, mut source) = (Vec::new(), InMemory::new(&channels));
/// codec::encode(&mut source, &mut file, &mut std::io::empty(), &EncoderOptions::new(48_000, 1))?;
/// let allocation = Allocation::measure(&file[..], Some(&mut source), 1000)?;
/// let total = allocation.total();
/// let loudest = total.bands.iter().map(|band| band.bits_per_coefficient()).fold(0.0, f64::max);
/// assert!(loudest > 0.0 && total.nmr_db().is_some());
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Allocation {
    /// The header of the file.
    pub header: Header,
    /// Lower and upper edge of each band, ascending, without gaps from 0 to half the sample rate.
    pub bands_hz: Vec<(f64, f64)>,
    /// Seconds of each column but the last, which may be shorter.
    pub column_s: f64,
    /// The columns in order of time.
    pub columns: Vec<Column>,
}

impl Allocation {
    /// Reads `file` and, for noise and mask, the `original` that was encoded.
    ///
    /// - `most_columns`: the time is cut into at most so many columns of equal length, at least 1; neighbours are
    ///   joined
    ///   as they become too many, so that memory does not grow with the length
    ///
    /// # Errors
    /// `Malformed` when the file is damaged, `Unsupported` when it is none, `LengthMismatch` when the original has
    /// another number of channels, and the errors of the source.
    pub fn measure<R: Read>(
        file: R,
        mut original: Option<&mut (dyn PcmSource + '_)>,
        most_columns: usize,
    ) -> Result<Self> {
        let mut reader = PricedReader::new(file)?;
        let header = reader.header().clone();
        let layout = Arc::clone(reader.layout());
        let options = EncoderOptions::new(header.sample_rate_hz, header.channels);
        let original = match original.as_mut() {
            Some(source) => {
                let loudness = measure_loudness(*source, &options.header()?)?;
                Some(SpectrumOfOriginal::new(Arc::clone(&layout), header.sample_rate_hz, *source, loudness)?)
            }
            None => None,
        };
        let superframe_s = layout.superframe_samples as f64 / f64::from(header.sample_rate_hz);
        let mut gatherer = Gatherer::new(Arc::clone(&layout), header.gain(), original, most_columns.max(1));
        let mut waiting: Option<PricedFrame> = None;
        let mut before = Vec::new();
        reader.each_superframe(|next| {
            if let Some(frame) = waiting.replace(next) {
                let after = waiting.as_ref().map(trees).unwrap_or_default();
                gatherer.push(&frame, &before, &after)?;
                before = trees(&frame);
            }
            Ok(())
        })?;
        if let Some(last) = waiting {
            gatherer.push(&last, &before, &[])?;
        }
        let (columns, per_column) = (gatherer.columns, gatherer.per_column);
        let hz = |bin: usize| bin as f64 * f64::from(header.sample_rate_hz) / (2 * layout.superframe_samples) as f64;
        let bands_hz = layout.tables.at(0).iter().map(|b| (hz(b.start), hz(b.end))).collect();
        Ok(Self { header, bands_hz, column_s: per_column as f64 * superframe_s, columns })
    }

    /// The whole file as one column.
    pub fn total(&self) -> Column {
        let mut total = Column::new(self.bands_hz.len());
        self.columns.iter().for_each(|column| total.add(column));
        total
    }

    /// Seconds of whole superframes.
    pub fn duration_s(&self) -> f64 {
        let superframes: u64 = self.columns.iter().map(|column| column.superframes).sum();
        superframes as f64 * self.header.superframe_samples() as f64 / f64::from(self.header.sample_rate_hz)
    }
}

/// The trees of a frame's elements.
fn trees(frame: &PricedFrame) -> Vec<BlockTree> {
    frame.frame.elements.iter().map(|element| element.tree).collect()
}

/// The share of a block's band in one band of the longest block.
struct Share {
    band: usize,
    long_band: usize,
    share: f64,
}

/// The shares of all bands of a depth.
fn shares(tables: &BandTables, depth: usize) -> Vec<Share> {
    let mut shares = Vec::new();
    for (band, short) in tables.at(depth).iter().enumerate() {
        let (start, end) = (short.start << depth, short.end << depth);
        for (long_band, long) in tables.at(0).iter().enumerate() {
            let common = end.min(long.end).saturating_sub(start.max(long.start));
            if common > 0 {
                shares.push(Share { band, long_band, share: common as f64 / (end - start) as f64 });
            }
        }
    }
    shares
}

/// One block of one channel.
#[derive(Clone, Copy)]
struct BlockParts<'a> {
    codes: &'a [BandCode],
    bits: &'a [f64],
    decoded: &'a [f32],
}

/// Adds superframes up.
struct Gatherer<'a> {
    layout: Arc<Layout>,
    /// The file's fine gain.
    gain: f32,
    /// For each depth.
    shares: Vec<Vec<Share>>,
    original: Option<SpectrumOfOriginal<'a>>,
    is_first: bool,
    columns: Vec<Column>,
    /// Superframes of a full column.
    per_column: u64,
    most_columns: usize,
    masks: Vec<f32>,
}

impl<'a> Gatherer<'a> {
    fn new(layout: Arc<Layout>, gain: f32, original: Option<SpectrumOfOriginal<'a>>, most_columns: usize) -> Self {
        Self {
            shares: (0..N_DEPTHS).map(|depth| shares(&layout.tables, depth)).collect(),
            masks: vec![0.0; layout.tables.most_bands()],
            layout,
            gain,
            original,
            is_first: true,
            columns: Vec::new(),
            per_column: 1,
            most_columns,
        }
    }

    /// Adds one superframe.
    ///
    /// - `before`, `after`: the trees of the neighbours' elements, none at the ends of the file
    fn push(&mut self, frame: &PricedFrame, before: &[BlockTree], after: &[BlockTree]) -> Result<()> {
        if let (false, Some(original)) = (self.is_first, &mut self.original) {
            original.advance()?;
        }
        self.is_first = false;
        let layout = Arc::clone(&self.layout);
        let mut column = Column::new(layout.tables.at(0).len());
        (column.superframes, column.common_bits) = (1, frame.price.common);
        for (e, element) in layout.elements.iter().enumerate() {
            let tree = frame.frame.elements[e].tree;
            for depth in tree.depths() {
                column.block_shares[depth] += 1.0 / (layout.elements.len() << depth) as f64;
            }
            let trees = [before.get(e).copied(), Some(tree), after.get(e).copied()];
            for (i, channel) in element.channels().enumerate() {
                if let Some(original) = &mut self.original {
                    original.transform(channel, &trees);
                }
                for span in spans(&tree, &layout.tables, layout.superframe_samples) {
                    let block = BlockParts {
                        codes: &frame.frame.elements[e].channels[i].bands[span.band_range()],
                        bits: &frame.price.bands[channel][span.band_range()],
                        decoded: &frame.coefficients[channel][span.samples()],
                    };
                    self.push_block(&span, block, &mut column);
                }
            }
        }
        self.append(column);
        Ok(())
    }

    fn push_block(&mut self, span: &BlockSpan, block: BlockParts, column: &mut Column) {
        let masks = &mut self.masks[..span.bands.len()];
        if let Some(original) = &mut self.original {
            original.masks(span, Goal::quality_db(MASK_QUALITY), masks);
        }
        let mut cells = vec![BandCell::default(); span.bands.len()];
        for (b, (band, cell)) in span.bands.iter().zip(&mut cells).enumerate() {
            (cell.coefficients, cell.bits) = (band.width() as f64, block.bits[b]);
            let code = block.codes[b];
            if !code.is_empty {
                cell.coded = cell.coefficients;
                cell.log2_step = cell.coefficients * f64::from((amplitude(code.level) * self.gain).log2());
            }
            if let Some(original) = &self.original {
                let original = &original.coefficients()[span.samples()][band.start..band.end];
                cell.compare(original, &block.decoded[band.start..band.end], masks[b]);
            }
        }
        for Share { band, long_band, share } in &self.shares[span.depth] {
            column.bands[*long_band].add(&cells[*band], *share);
        }
    }

    fn append(&mut self, column: Column) {
        match self.columns.last_mut() {
            Some(last) if last.superframes < self.per_column => last.add(&column),
            _ => self.columns.push(column),
        }
        if self.columns.len() > self.most_columns {
            self.per_column *= 2;
            let columns = std::mem::take(&mut self.columns);
            self.columns = columns
                .chunks(2)
                .map(|pair| {
                    let mut joined = pair[0].clone();
                    pair[1..].iter().for_each(|column| joined.add(column));
                    joined
                })
                .collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Encoder, InMemory};

    const RATE_HZ: u32 = 48_000;

    /// Clicks over tones, left and right alike but for a tone.
    fn music(n: usize) -> Vec<Vec<f32>> {
        let mut noise = crate::codec::format::noise::Noise::new(3, 0);
        let mut left: Vec<f32> = (0..n).map(|i| (i as f32 * 0.05).sin() * 0.2 + 0.02 * noise.next_uniform()).collect();
        (0..n).step_by(9_000).for_each(|at| left[at] += 0.7);
        let right = left.iter().enumerate().map(|(i, x)| x + (i as f32 * 0.4).sin() * 0.05).collect();
        vec![left, right]
    }

    fn encoded(channels: &[Vec<f32>], goal: Goal) -> Vec<u8> {
        let mut bytes = Vec::new();
        let options = EncoderOptions::new(RATE_HZ, channels.len() as u8);
        let loudness = measure_loudness(&mut InMemory::new(channels), &options.header().expect("legal"));
        let options = EncoderOptions { loudness: Some(loudness.expect("memory")), ..options };
        let mut encoder = Encoder::with_goal(&mut bytes, &options, goal).expect("legal");
        encoder.push(channels).expect("memory");
        encoder.finish().expect("memory");
        bytes
    }

    fn measured(channels: &[Vec<f32>], bytes: &[u8], most_columns: usize) -> Allocation {
        Allocation::measure(bytes, Some(&mut InMemory::new(channels)), most_columns).expect("its own bytes")
    }

    #[test]
    fn all_bits_of_the_payload_are_accounted_for() {
        let channels = music(100_000);
        let bytes = encoded(&channels, Goal::Quality(5.0));
        let contents = crate::codec::Contents::read(std::io::Cursor::new(&bytes)).expect("whole");
        let payload: u64 = contents.groups.iter().map(|g| 8 * (g.bytes - 20)).sum();
        let bits = measured(&channels, &bytes, 10).total().bits();
        assert!((bits / payload as f64 - 1.0).abs() < 0.002, "{bits} of {payload}");
    }

    /// The transform is orthonormal: signal and noise of all bands are those of the samples.
    #[test]
    fn signal_and_noise_are_those_of_the_samples() {
        let n = 16 * 4096;
        let channels = music(n);
        for goal in [Goal::Quality(4.0), Goal::WhiteNoise(-70.0)] {
            let bytes = encoded(&channels, goal);
            let total = measured(&channels, &bytes, 1).total();
            let mut decoder = crate::codec::Decoder::new(&bytes[..]).expect("its own bytes");
            let (mut noise, mut signal, mut at) = (0.0, 0.0, 0);
            while let Some(block) = decoder.next_block().expect("its own bytes") {
                for (y, x) in block.iter().zip(&channels) {
                    let x = &x[at..at + y.len()];
                    noise += y.iter().zip(x).map(|(y, x)| f64::from(y - x).powi(2)).sum::<f64>();
                    signal += x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
                }
                at += block[0].len();
            }
            let of_bands = |part: fn(&BandCell) -> f64| total.bands.iter().map(part).sum::<f64>();
            assert!((of_bands(|b| b.signal) / signal - 1.0).abs() < 1e-4, "{goal:?}");
            assert!((of_bands(|b| b.noise) / noise - 1.0).abs() < 1e-3, "{goal:?}");
            assert!((of_bands(|b| b.coefficients) / (2 * n) as f64 - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn finer_targets_give_lower_noise_to_mask_ratios_by_as_much() {
        let channels = music(60_000);
        let nmr = |q: f32| {
            let bytes = encoded(&channels, Goal::NoiseTarget(q));
            measured(&channels, &bytes, 4).total().nmr_db().expect("an original")
        };
        let (coarse, fine) = (nmr(-30.0), nmr(-42.0));
        assert!((9.0..15.0).contains(&(coarse - fine)), "{coarse} and {fine} dB");
    }

    #[test]
    fn columns_add_up_to_the_same_whole() {
        let channels = music(150_000);
        let bytes = encoded(&channels, Goal::Quality(5.0));
        let fine = measured(&channels, &bytes, 1000);
        assert_eq!(fine.columns.len(), 150_000_usize.div_ceil(4096));
        for most in [1, 2, 5, 16] {
            let coarse = measured(&channels, &bytes, most);
            assert!(coarse.columns.len() <= most && 2 * coarse.columns.len() > most);
            let (a, b) = (coarse.total(), fine.total());
            assert!((a.bits() / b.bits() - 1.0).abs() < 1e-9 && a.superframes == b.superframes);
            assert!((a.block_shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
        assert!(fine.columns.iter().any(|c| c.mean_block_samples(4096) < 4096.0), "clicks cut blocks");
    }

    #[test]
    fn without_an_original_there_are_bits_and_steps_alone() {
        let channels = music(30_000);
        let bytes = encoded(&channels, Goal::Quality(5.0));
        let total = Allocation::measure(&bytes[..], None, 1).expect("its own bytes").total();
        assert!(total.bits() > 0.0 && total.nmr_db().is_none());
        assert!(total.bands.iter().all(|b| b.noise_db().is_none() && b.mask_db().is_none()));
        assert!(total.bands.iter().any(|b| b.step_db().is_some()));
    }

    #[test]
    fn an_original_of_other_channels_is_refused() {
        let bytes = encoded(&music(10_000), Goal::Quality(5.0));
        let mono = music(10_000)[..1].to_vec();
        let result = Allocation::measure(&bytes[..], Some(&mut InMemory::new(&mono)), 1);
        assert!(matches!(result, Err(crate::Error::LengthMismatch { .. })));
    }
}
