//! What carries a recipe out: chains that turn samples into what a file holds, and the one runner that feeds and
//! measures them.
//!
//! ```text
//! Recipe -> Plan -> Chain        pcm | packets | adpcm | delta_sigma | number_format
//!                     |
//! Source -> clean -> push -> Piece { y, indices, ... } -> Sink (file, memory, picture)
//!              |                     |
//!              +---> delay to y ---> ErrorStatistics -> Outcome
//! ```
//!
//! One policy holds for all of them: a sample that is not a number counts as 0, an infinite one as full scale with its
//! sign (quantizers clip it); both are counted. Figures compare these samples with what a reader of the file will find,
//! after its last rounding.

mod adpcm;
mod delta_sigma;
mod dpcm_training;
mod few_values;
mod file_sink;
mod number_format;
mod packets;
mod pcm;
mod plan;
mod runner;
pub mod training;

use crate::{Result, analysis::error_statistics, dsf, quantizer::g711::Law, wav::Spec};

pub use delta_sigma::designed_modulator;
pub use dpcm_training::{ChosenDpcm, DpcmTraining};
pub use file_sink::{FileSink, Seeking, Stored as StoredFile};
pub use pcm::{Pcm, fixed_quantizer};
pub use plan::{Plan, Storing};
#[cfg(feature = "plot")]
pub(crate) use runner::Meter;
pub use runner::{Outcome, run};

/// Turns blocks of samples into what a file holds.
///
/// ```
/// use sqnr::{audio_file::Reopen, chain::{Form, Piece, Plan, Storing}, generate};
///
/// let tone = generate::signal(Default::default())?;
/// let spec = tone.open()?.info().spec;
/// let mut chain = Plan::new(&"uniform bits=8".parse()?)?.chain(&tone, &spec, Storing::Coded)?;
/// let mut piece = Piece::new(1);
/// chain.push(tone.channels(), &mut piece)?;
/// chain.finish(&mut piece)?;
/// assert_eq!(piece.n_frames(), 48_000);
/// assert!(matches!(chain.form(), Form::Wav { spec, .. } if spec.sample_format.valid_bits() == 8));
/// # Ok::<(), sqnr::Error>(())
/// ```
pub trait Chain: Send {
    /// What kind of file holds the result.
    fn form(&self) -> Form;

    /// Takes a block, one vector per channel, without NaN, finite unless [`infinite_input`](Self::infinite_input) says
    /// otherwise, and adds to `piece` what is ready.
    ///
    /// # Errors
    /// `Unsupported` for more samples than the form can hold.
    fn push(&mut self, x: &[Vec<f64>], piece: &mut Piece) -> Result<()>;

    /// Adds to `piece` what is left. Nothing is pushed afterwards.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    fn finish(&mut self, piece: &mut Piece) -> Result<()>;

    /// What was done, in a few words: `8 bits uniform, tpdf`.
    fn describe(&self) -> String;

    /// What is counted for each channel beside sums and peaks.
    fn statistics(&self) -> error_statistics::Settings {
        error_statistics::Settings::default()
    }

    /// What it makes of infinite samples.
    fn infinite_input(&self) -> InfiniteInput {
        InfiniteInput::AsFullScale
    }

    /// Which samples count as clipped.
    fn clipping(&self) -> Clipping {
        Clipping::BeyondFullScale
    }

    /// What coding took so far; `None` where a file's size says it.
    fn cost(&self) -> Option<Cost> {
        None
    }

    /// The head of a file whose head is known at the end; `None` for other forms.
    ///
    /// # Errors
    /// `LimitExceeded` for a length that the head cannot tell.
    fn head(&self) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    /// The chain as one that quantizes samples one by one, where it does.
    fn as_pcm(&self) -> Option<&Pcm> {
        None
    }

    /// Samples at each end of a channel that a filter in the chain lacks neighbours for: no figure of the error looks at
    /// them. 0 where there is no filter.
    fn unsupported_frames(&self) -> usize {
        0
    }

    /// Things the user should know, a line each; complete after [`finish`](Self::finish).
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What kind of file holds the result of a chain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// Samples in a WAV file.
    Wav {
        /// Rate, channels and sample format.
        spec: Spec,
        /// What is stored for a sample.
        storage: Storage,
    },
    /// One-bit audio in a DSF file.
    Dsf(dsf::Spec),
    /// A head that is known at the end, then the bytes of each piece.
    Bytes {
        /// Length of the head in bytes.
        head_len: usize,
    },
}

/// What is stored for a quantized sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// The index itself is the integer code.
    Index,
    /// `2 index + 1`: a mid-rise level in integers of one more bit.
    OddCode,
    /// The byte of a G.711 index, which tells the two zeros of mu-law apart.
    G711(Law),
    /// The reconstruction, as near as the container can hold it.
    Level,
}

/// What a chain made of some samples: one vector per channel in each field that it fills.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    /// The reconstruction as a reader of the file finds it, full scale 1.0.
    pub y: Vec<Vec<f64>>,
    /// Indices of the quantizer, where it has one that quantizes sample by sample.
    pub indices: Vec<Vec<i32>>,
    /// The levels of a one-bit modulator at its own rate.
    pub one_bit: Vec<Vec<f64>>,
    /// Bytes of a coded file.
    pub bytes: Vec<u8>,
}

impl Piece {
    /// An empty piece of so many channels.
    pub fn new(n_channels: usize) -> Self {
        let channels = || vec![Vec::new(); n_channels];
        Self { y: channels(), indices: vec![Vec::new(); n_channels], one_bit: channels(), bytes: Vec::new() }
    }

    /// Makes it empty, its room kept.
    pub fn clear(&mut self) {
        self.y.iter_mut().for_each(Vec::clear);
        self.indices.iter_mut().for_each(Vec::clear);
        self.one_bit.iter_mut().for_each(Vec::clear);
        self.bytes.clear();
    }

    /// Samples per channel of the reconstruction.
    pub fn n_frames(&self) -> usize {
        self.y.first().map_or(0, Vec::len)
    }
}

/// What a chain makes of infinite samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InfiniteInput {
    /// It clips and counts them as it does all that lies beyond its levels.
    Clips,
    /// It is given full scale in their place.
    AsFullScale,
}

/// Which samples count as clipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clipping {
    /// Those that the chain's quantizer counted.
    Counted(u64),
    /// Those whose input lies beyond full scale.
    BeyondFullScale,
    /// None: the levels follow the signal, and have no full scale.
    Never,
}

/// What coding took.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Bits of the codes of all samples.
    pub coded_bits: f64,
    /// Bits of tables and scales that a decoder must be told.
    pub table_bits: f64,
}

impl Cost {
    /// All bits.
    pub fn bits(&self) -> f64 {
        self.coded_bits + self.table_bits
    }
}

/// Receives pieces in order.
///
/// ```
/// use sqnr::chain::{Piece, Sink};
///
/// // A closure is a sink.
/// let mut n_frames = 0;
/// let mut count = |_: &[Vec<f64>], piece: &Piece| Ok(n_frames += piece.n_frames());
/// count.write(&[vec![0.5]], &Piece { y: vec![vec![0.5]], ..Piece::new(1) })?;
/// assert_eq!(n_frames, 1);
/// # Ok::<(), sqnr::Error>(())
/// ```
pub trait Sink {
    /// Takes the input of a piece, one vector per channel as long as the piece's reconstruction, and the piece.
    ///
    /// # Errors
    /// What writing meets.
    fn write(&mut self, x: &[Vec<f64>], piece: &Piece) -> Result<()>;
}

impl<F: FnMut(&[Vec<f64>], &Piece) -> Result<()>> Sink for F {
    fn write(&mut self, x: &[Vec<f64>], piece: &Piece) -> Result<()> {
        self(x, piece)
    }
}
