//! Samples to bytes and back, by quantizers of every kind: what a method really costs.
//!
//! ```text
//! x --choose--> symbols --code--> bytes --code--> symbols --reconstruct--> y
//! ```
//!
//! A packet holds one run of samples. Symbols are indices; for [`Scheme::Vector`] one symbol names a vector of
//! neighbouring samples. Range-coded symbols learn their probabilities from packet to packet, on both sides alike, so
//! that packets are read in the order they were written.

use super::dependent::{self, DependentQuantizer};
use super::index_coder::{IndexModel, TableModel};
use super::{Codebook, Quantizer, TrellisCoded, Uniform, VectorCodebook};
use crate::range_coder::{BitCoder, Decoder, Encoder};

/// A quantizer and the way its indices are coded.
///
/// ```
/// use sqnr::quantizer::{Codebook, packet::Scheme};
///
/// // A decoder must be told the levels of a codebook.
/// let scheme = Scheme::Codebook(Codebook::from_levels(vec![-1.0, 0.0, 1.0])?);
/// assert_eq!(scheme.n_numbers(), 3);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub enum Scheme {
    /// Uniform, its indices range coded.
    Uniform(Uniform),
    /// Any levels, their indices range coded.
    Codebook(Codebook),
    /// Trellis-coded, as many bits for each sample.
    Trellis(TrellisCoded),
    /// Dependent quantization, its indices range coded.
    Dependent(Box<DependentQuantizer>),
    /// Vectors of neighbouring samples, as many bits for each; the last is filled up with zeros.
    Vector(VectorCodebook),
}

impl Scheme {
    /// How many numbers a decoder must be told besides the packets.
    pub fn n_numbers(&self) -> usize {
        match self {
            Self::Uniform(_) => 0,
            Self::Codebook(codebook) => codebook.levels().len(),
            Self::Trellis(quantizer) => quantizer.levels().len(),
            Self::Dependent(_) => 1 + dependent::Levels::N_NUMBERS,
            Self::Vector(codebook) => codebook.n_codes() * codebook.dimension(),
        }
    }

    fn n_symbols(&self, n_samples: usize) -> usize {
        match self {
            Self::Vector(codebook) => n_samples.div_ceil(codebook.dimension()),
            _ => n_samples,
        }
    }

    fn choose(&mut self, x: &[f64], symbols: &mut [i32]) {
        match self {
            Self::Uniform(quantizer) => quantizer.index_slice(x, symbols),
            Self::Codebook(codebook) => codebook.index_slice(x, symbols),
            Self::Trellis(quantizer) => {
                let mut codes = vec![0; x.len()];
                quantizer.encode(x, &mut codes);
                symbols.iter_mut().zip(codes).for_each(|(symbol, code)| *symbol = code as i32);
            }
            Self::Dependent(quantizer) => quantizer.quantize(x, symbols),
            Self::Vector(codebook) => {
                let mut vector = vec![0.0; codebook.dimension()];
                for (symbol, x) in symbols.iter_mut().zip(x.chunks(codebook.dimension())) {
                    vector.fill(0.0);
                    vector.iter_mut().zip(x).for_each(|(v, x)| *v = if x.is_finite() { *x } else { 0.0 });
                    *symbol = codebook.nearest(&vector).expect("the vector has the dimension").0 as i32;
                }
            }
        }
    }

    fn reconstruct(&self, symbols: &[i32], y: &mut [f64]) {
        match self {
            Self::Uniform(quantizer) => quantizer.reconstruct_slice(symbols, y),
            Self::Codebook(codebook) => codebook.reconstruct_slice(symbols, y),
            Self::Trellis(quantizer) => {
                let codes: Vec<u32> = symbols.iter().map(|&symbol| symbol as u32).collect();
                quantizer.decode(&codes, y);
            }
            Self::Dependent(quantizer) => {
                dependent::reconstruct(quantizer.trellis(), quantizer.step, &quantizer.levels, symbols, y);
            }
            Self::Vector(codebook) => {
                let last = codebook.n_codes() - 1;
                for (y, &symbol) in y.chunks_mut(codebook.dimension()).zip(symbols) {
                    let code = codebook.code((symbol as usize).min(last)).expect("the last code and those before");
                    y.copy_from_slice(&code[..y.len()]);
                }
            }
        }
    }
}

/// What both sides know of the symbols so far.
#[derive(Debug, Clone)]
enum Models {
    Index(Box<IndexModel>),
    Table(TableModel),
    Dependent(Box<dependent::Models>),
    Fixed { n_bits: u32 },
}

impl Models {
    fn of(scheme: &Scheme) -> Self {
        match scheme {
            Scheme::Uniform(_) => Self::Index(Box::default()),
            Scheme::Codebook(codebook) => Self::Table(TableModel::new(codebook.levels().len())),
            Scheme::Trellis(quantizer) => Self::Fixed { n_bits: quantizer.bits() },
            Scheme::Dependent(_) => Self::Dependent(Box::default()),
            Scheme::Vector(codebook) => Self::Fixed { n_bits: codebook.n_codes().next_power_of_two().ilog2() },
        }
    }

    fn code(&mut self, scheme: &Scheme, coder: &mut impl BitCoder, symbols: &mut [i32]) {
        match (self, scheme) {
            (Self::Dependent(models), Scheme::Dependent(quantizer)) => {
                models.code(quantizer.trellis(), coder, symbols);
            }
            (Self::Index(model), _) => symbols.iter_mut().for_each(|s| *s = model.code(coder, *s)),
            (Self::Table(model), _) => symbols.iter_mut().for_each(|s| *s = model.code(coder, *s as u32) as i32),
            (Self::Fixed { n_bits }, _) => {
                symbols.iter_mut().for_each(|s| *s = coder.bypass(*n_bits, *s as u32) as i32);
            }
            (Self::Dependent(_), _) => unreachable!("models are made of their scheme"),
        }
    }
}

/// Writes packets.
///
/// ```
/// use sqnr::quantizer::{Uniform, packet::{PacketDecoder, PacketEncoder, Scheme}};
///
/// let scheme = Scheme::Uniform(Uniform::mid_tread(8)?);
/// let x: Vec<f64> = (0..1_000).map(|i| 0.1 * (0.05 * f64::from(i)).sin()).collect();
/// let bytes = PacketEncoder::new(scheme.clone()).encode(&x);
/// let mut y = vec![0.0; x.len()];
/// PacketDecoder::new(scheme).decode(&bytes, &mut y);
/// // A quiet signal costs less than 8 bits a sample.
/// assert!(bytes.len() < 1_000 && x.iter().zip(&y).all(|(x, y)| (y - x).abs() <= 1.0 / 256.0));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PacketEncoder {
    scheme: Scheme,
    models: Models,
    symbols: Vec<i32>,
}

/// Reads them.
#[derive(Debug, Clone)]
pub struct PacketDecoder {
    scheme: Scheme,
    models: Models,
    symbols: Vec<i32>,
}

impl PacketEncoder {
    /// An encoder at the first packet.
    pub fn new(scheme: Scheme) -> Self {
        let models = Models::of(&scheme);
        Self { scheme, models, symbols: Vec::new() }
    }

    /// The bytes of the next packet. NaN counts as 0.
    pub fn encode(&mut self, x: &[f64]) -> Vec<u8> {
        self.symbols.clear();
        self.symbols.resize(self.scheme.n_symbols(x.len()), 0);
        self.scheme.choose(x, &mut self.symbols);
        let mut coder = Encoder::new(Vec::new());
        self.models.code(&self.scheme, &mut coder, &mut self.symbols);
        coder.finish()
    }
}

impl PacketDecoder {
    /// A decoder at the first packet.
    pub fn new(scheme: Scheme) -> Self {
        let models = Models::of(&scheme);
        Self { scheme, models, symbols: Vec::new() }
    }

    /// Reconstructs the next packet, of `y.len()` samples. Any bytes give some samples.
    pub fn decode(&mut self, bytes: &[u8], y: &mut [f64]) {
        self.symbols.clear();
        self.symbols.resize(self.scheme.n_symbols(y.len()), 0);
        self.models.code(&self.scheme, &mut Decoder::new(bytes), &mut self.symbols);
        self.scheme.reconstruct(&self.symbols, y);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Training;
    use super::*;

    fn noise(n: usize) -> Vec<f64> {
        let mut state = 3u64;
        let mut uniform = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..n).map(|_| 0.3 * (uniform() + uniform() + uniform() - 1.5)).collect()
    }

    fn schemes(x: &[f64]) -> Vec<Scheme> {
        let training = Training { n_codes: 20, max_iterations: 5, ..Training::default() };
        vec![
            Scheme::Uniform(Uniform::mid_tread(6).expect("legal")),
            Scheme::Codebook(Codebook::from_levels(vec![-0.3, -0.1, 0.0, 0.2, 0.4]).expect("ascending")),
            Scheme::Trellis(TrellisCoded::uniform(8, 3, 0.06).expect("legal")),
            Scheme::Dependent(Box::new(DependentQuantizer::new(8, 0.1, 0.4).expect("legal"))),
            Scheme::Vector(VectorCodebook::train(3, &x[..999], &training).expect("enough")),
        ]
    }

    #[test]
    fn packets_decode_to_what_the_quantizer_chose() {
        let x = noise(5_000);
        for scheme in schemes(&x) {
            let (mut encoder, mut decoder) = (PacketEncoder::new(scheme.clone()), PacketDecoder::new(scheme.clone()));
            let mut all_bytes = 0;
            for x in x.chunks(1_777) {
                let bytes = encoder.encode(x);
                all_bytes += bytes.len();
                let (mut y, mut wanted) = (vec![f64::NAN; x.len()], vec![0.0; x.len()]);
                decoder.decode(&bytes, &mut y);
                scheme.reconstruct(&encoder.symbols, &mut wanted);
                assert_eq!(y, wanted, "{scheme:?}");
                let error = x.iter().zip(&y).map(|(x, y)| (y - x).powi(2)).sum::<f64>();
                let power = x.iter().map(|x| x * x).sum::<f64>();
                assert!(error < 0.3 * power, "{scheme:?}: {error} of {power}");
            }
            assert!(all_bytes < 5_000 && all_bytes > 500, "{all_bytes} bytes: {scheme:?}");
        }
    }

    #[test]
    fn fixed_rates_cost_what_they_say() {
        let x = noise(3_000);
        for (scheme, bits) in schemes(&x).into_iter().zip([0, 0, 3 * 3_000, 0, 5 * 1_000]).filter(|(_, bits)| *bits > 0)
        {
            let bytes = PacketEncoder::new(scheme).encode(&x).len();
            assert!(bytes.abs_diff(bits / 8) <= 5, "{bytes} bytes for {bits} bits");
        }
    }

    #[test]
    fn any_bytes_and_odd_samples_give_levels() {
        let x = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -0.0];
        for scheme in schemes(&noise(1_000)) {
            let mut y = [f64::NAN; 5];
            let bytes = PacketEncoder::new(scheme.clone()).encode(&x);
            PacketDecoder::new(scheme.clone()).decode(&bytes, &mut y);
            assert!(y.iter().all(|y| y.is_finite()), "{scheme:?}: {y:?}");
            for bytes in [&[][..], &[0xA7; 9], &[0xFF; 40]] {
                PacketDecoder::new(scheme.clone()).decode(bytes, &mut y);
                assert!(y.iter().all(|y| y.is_finite()), "{scheme:?}: {y:?}");
            }
            assert!(PacketDecoder::new(scheme.clone()).scheme.n_numbers() <= 60);
        }
    }
}
