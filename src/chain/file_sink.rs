//! Pieces into a file, in the form that the chain says.

use std::io::{Seek, Write};

use super::{Form, Piece, Sink, Storage};
use crate::{
    Error, Result, dsf,
    quantizer::g711,
    wav::{self, Chunk, Metadata, SampleFormat, Spec},
};

/// Whether a file has a beginning to go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeking {
    /// A file.
    Possible,
    /// A pipe: sizes are told before they are known, or not at all.
    Impossible,
}

/// A file that takes pieces.
///
/// ```
/// use sqnr::{audio_file::Reopen, chain::{self, FileSink, Plan, Seeking, Storing}, generate, wav};
///
/// let tone = generate::signal(Default::default())?;
/// let mut source = tone.open()?;
/// let plan = Plan::new(&"uniform bits=8".parse()?)?;
/// let mut chain = plan.chain(&tone, &source.info().spec, Storing::Coded)?;
/// let file = std::io::Cursor::new(Vec::new());
/// let mut sink = FileSink::new(file, Seeking::Possible, &chain.form(), None, &wav::Metadata::default())?;
/// chain::run(&mut source, &mut *chain, &mut sink, &())?;
/// // A byte a sample, and a header.
/// let bytes = sink.finish(None, &[])?.file.into_inner();
/// assert!((48_000..48_200).contains(&bytes.len()));
/// # Ok::<(), sqnr::Error>(())
/// ```
pub struct FileSink<W: Write + Seek> {
    target: Target<W>,
    codes: Vec<i32>,
}

enum Target<W: Write + Seek> {
    Wav { writer: wav::Writer<W>, storage: Storage },
    Dsf(dsf::Writer<W>),
    Bytes(W),
}

/// A file that is whole.
#[derive(Debug)]
pub struct Stored<W> {
    /// Where it was written.
    pub file: W,
    /// What could not be carried over.
    pub warnings: Vec<String>,
}

impl<W: Write + Seek> std::fmt::Debug for FileSink<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileSink").finish_non_exhaustive()
    }
}

impl<W: Write + Seek> FileSink<W> {
    /// Begins a file of a form.
    ///
    /// - `n_frames`: the length where it is known, so that the header of a stream tells it
    /// - `metadata`: what a WAV file says beside its samples
    ///
    /// # Errors
    /// `InvalidParameter` for a form that needs to go back to its head where that is impossible; `Io`.
    pub fn new(mut file: W, seeking: Seeking, form: &Form, n_frames: Option<u64>, metadata: &Metadata) -> Result<Self> {
        let target = match (*form, seeking) {
            (Form::Wav { spec, storage }, Seeking::Possible) => {
                Target::Wav { writer: wav::Writer::seekable(file, &spec, n_frames, metadata)?, storage }
            }
            (Form::Wav { spec, storage }, Seeking::Impossible) => {
                Target::Wav { writer: wav::Writer::stream(file, &spec, n_frames, metadata)?, storage }
            }
            (Form::Dsf(_) | Form::Bytes { .. }, Seeking::Impossible) => {
                let allowed = "a file that has a name; this format's head is written last";
                return Err(Error::invalid("output", "a pipe", allowed));
            }
            (Form::Dsf(spec), Seeking::Possible) => Target::Dsf(dsf::Writer::new(file, spec)?),
            (Form::Bytes { head_len }, Seeking::Possible) => {
                file.write_all(&vec![0; head_len]).map_err(Error::stream)?;
                Target::Bytes(file)
            }
        };
        Ok(Self { target, codes: Vec::new() })
    }

    /// Begins the file of the error of what is stored in a form: single precision, so that nothing of it is lost.
    ///
    /// # Errors
    /// `Unsupported` for a form that stores no samples; `Io`.
    pub fn of_error(
        file: W,
        seeking: Seeking,
        form: &Form,
        n_frames: Option<u64>,
        metadata: &Metadata,
    ) -> Result<Self> {
        let Form::Wav { spec, .. } = *form else {
            let what = "the error of a coded file is not stored; compare the output with the input instead".into();
            return Err(Error::Unsupported { what });
        };
        let spec = Spec { sample_format: SampleFormat::FLOAT32, ..spec };
        let writer = match seeking {
            Seeking::Possible => wav::Writer::seekable(file, &spec, n_frames, metadata)?,
            Seeking::Impossible => wav::Writer::stream(file, &spec, n_frames, metadata)?,
        };
        Ok(Self { target: Target::Wav { writer, storage: Storage::Level }, codes: Vec::new() })
    }

    /// Writes amplitudes, one vector per channel, into a file of samples.
    ///
    /// # Errors
    /// `Unsupported` for a form that stores no samples; `Io`.
    pub fn write_planar<C: AsRef<[f64]>>(&mut self, channels: &[C]) -> Result<()> {
        match &mut self.target {
            Target::Wav { writer, .. } => writer.write_planar(channels),
            Target::Dsf(_) | Target::Bytes(_) => Err(Error::Unsupported { what: "amplitudes in a coded file".into() }),
        }
    }

    /// Writes the quantization error, reconstruction minus input.
    ///
    /// # Errors
    /// `Io`.
    pub fn write_error(&mut self, x: &[Vec<f64>], piece: &Piece) -> Result<()> {
        let difference = |(x, y): (&Vec<f64>, &Vec<f64>)| x.iter().zip(y).map(|(x, y)| y - x).collect();
        let errors: Vec<Vec<f64>> = x.iter().zip(&piece.y).map(difference).collect();
        self.write_planar(&errors)
    }

    /// Ends the file.
    ///
    /// - `head`: what [`Chain::head`](super::Chain::head) gives at the end
    /// - `after_data`: the chunks that follow the samples of a WAV file
    ///
    /// # Errors
    /// `Io`.
    pub fn finish(self, head: Option<Vec<u8>>, after_data: &[Chunk]) -> Result<Stored<W>> {
        match self.target {
            Target::Wav { writer, .. } => {
                writer.finish(after_data).map(|written| Stored { file: written.sink, warnings: written.warnings })
            }
            Target::Dsf(writer) => writer.finish().map(|file| Stored { file, warnings: Vec::new() }),
            Target::Bytes(mut file) => {
                file.rewind().map_err(Error::stream)?;
                file.write_all(&head.unwrap_or_default()).map_err(Error::stream)?;
                Ok(Stored { file, warnings: Vec::new() })
            }
        }
    }
}

impl<W: Write + Seek> Sink for FileSink<W> {
    fn write(&mut self, _: &[Vec<f64>], piece: &Piece) -> Result<()> {
        match &mut self.target {
            Target::Dsf(writer) => writer.write(&piece.one_bit),
            Target::Bytes(file) => file.write_all(&piece.bytes).map_err(Error::stream),
            Target::Wav { writer, storage: Storage::Level } => writer.write_planar(&piece.y),
            Target::Wav { writer, storage: Storage::Index } => {
                interleave(&piece.indices, &mut self.codes, |index| index);
                writer.write_codes(&self.codes)
            }
            Target::Wav { writer, storage: Storage::OddCode } => {
                interleave(&piece.indices, &mut self.codes, |index| 2 * index + 1);
                writer.write_codes(&self.codes)
            }
            Target::Wav { writer, storage: Storage::G711(law) } => {
                let law = *law;
                interleave(&piece.indices, &mut self.codes, |index| g711::code(law, index).into());
                writer.write_codes(&self.codes)
            }
        }
    }
}

fn interleave(planar: &[Vec<i32>], codes: &mut Vec<i32>, code: impl Fn(i32) -> i32) {
    let n_channels = planar.len();
    codes.clear();
    codes.resize(planar[0].len() * n_channels, 0);
    for (channel, indices) in planar.iter().enumerate() {
        for (place, &index) in codes.iter_mut().skip(channel).step_by(n_channels).zip(indices) {
            *place = code(index);
        }
    }
}
