//! Files of tensors that are read and written member by member, whatever their size.
//!
//! What is written has the input's own headers: only the values of floats change. A `.npy` keeps its byte order and layout, a
//! `.safetensors` its header to the byte, a `.npz` its names and packing.

use std::io::{Read, Seek, Write};
use std::ops::Range;

use super::bytes::{Bytes, Seekable};
use super::npy::{self, ByteOrder, Header, Layout};
use super::{Dtype, TensorFileKind};
#[cfg(feature = "tensor")]
use super::{npz, safe_header, zip_directory};
use crate::{Error, Result};

/// A file of tensors, open for reading.
pub(crate) struct TensorReader<R> {
    bytes: Seekable<R>,
    kind: TensorFileKind,
    /// Bytes before the first member.
    preamble: Range<u64>,
    members: Vec<Member>,
}

/// An array, or something else that stands in the file.
pub(crate) struct Member {
    pub(crate) name: String,
    /// What its values are, or in words what it holds instead.
    pub(crate) array: std::result::Result<Array, String>,
    /// Bytes of its own head before the values.
    pub(crate) head_len: u64,
    place: Place,
}

/// Values, and how they lie in the file.
#[derive(Debug, Clone)]
pub(crate) struct Array {
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    order: ByteOrder,
    layout: Layout,
}

enum Place {
    Plain(Range<u64>),
    #[cfg(feature = "tensor")]
    Zip(zip_directory::Entry),
}

impl Array {
    /// Number of values.
    pub(crate) fn len(&self) -> u64 {
        if self.shape.contains(&0) { 0 } else { self.shape.iter().map(|&n| n as u64).product() }
    }

    /// True when the first index runs fastest, and it matters.
    pub(crate) fn is_fortran(&self) -> bool {
        self.layout == Layout::Fortran && self.shape.len() > 1
    }

    /// Bytes of a value.
    pub(crate) fn size(&self) -> usize {
        self.dtype.size()
    }

    /// The values of bytes in the file's order.
    pub(crate) fn values(&self, bytes: &mut [u8]) -> Result<Vec<f64>> {
        self.swap(bytes);
        self.dtype.read_floats(bytes)
    }

    /// The bytes of values in the file's order, the values that they stand for, and how many lie beyond the type.
    pub(crate) fn bytes(&self, values: &[f64]) -> Result<(Vec<u8>, Vec<f64>, u64)> {
        let (mut bytes, n_beyond) = self.dtype.write_floats(values)?;
        let written = self.dtype.read_floats(&bytes)?;
        self.swap(&mut bytes);
        Ok((bytes, written, n_beyond))
    }

    /// Bytes of all values with the last index fastest.
    pub(crate) fn to_c(&self, bytes: &[u8]) -> Vec<u8> {
        npy::fortran_to_c(bytes, &self.shape, self.size())
    }

    /// Bytes of all values with the first index fastest, of such with the last.
    pub(crate) fn to_fortran(&self, bytes: &[u8]) -> Vec<u8> {
        let reversed: Vec<usize> = self.shape.iter().rev().copied().collect();
        npy::fortran_to_c(bytes, &reversed, self.size())
    }

    fn swap(&self, bytes: &mut [u8]) {
        if self.order == ByteOrder::Big {
            bytes.chunks_exact_mut(self.size()).for_each(<[u8]>::reverse);
        }
    }
}

impl From<Header> for Array {
    fn from(header: Header) -> Self {
        Self { dtype: header.dtype, shape: header.shape, order: header.order, layout: header.layout }
    }
}

impl<R: Read + Seek> TensorReader<R> {
    /// Reads the headers.
    ///
    /// # Errors
    /// `Malformed`, `Unsupported` (a `.npy` of a type that is not read, packings, the feature `tensor` absent).
    pub(crate) fn open(input: R, kind: TensorFileKind) -> Result<Self> {
        let bytes = Seekable::new(input)?;
        let (members, start) = match kind {
            TensorFileKind::Npy => (vec![single_array(&bytes)?], 0),
            #[cfg(feature = "tensor")]
            TensorFileKind::Npz | TensorFileKind::NpzCompressed => (members_of_zip(&bytes)?, 0),
            #[cfg(feature = "tensor")]
            TensorFileKind::Safetensors => members_of_safetensors(&bytes)?,
            #[cfg(not(feature = "tensor"))]
            _ => return Err(super::feature_absent()),
        };
        Ok(Self { bytes, kind, preamble: 0..start, members })
    }

    /// What stands in the file, in its order.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The bytes before the first member.
    pub(crate) fn preamble(&self) -> MemberBytes<'_> {
        MemberBytes(Reading::Plain { bytes: &self.bytes, at: self.preamble.start, end: self.preamble.end })
    }

    /// The bytes of a member, from the start of its head.
    pub(crate) fn read<'a>(&'a self, member: &'a Member) -> MemberBytes<'a> {
        MemberBytes(match &member.place {
            Place::Plain(place) => Reading::Plain { bytes: &self.bytes, at: place.start, end: place.end },
            #[cfg(feature = "tensor")]
            Place::Zip(entry) => Reading::Zip(entry.open(&self.bytes)),
        })
    }
}

/// Bytes of a member, read once.
pub(crate) struct MemberBytes<'a>(Reading<'a>);

enum Reading<'a> {
    Plain {
        bytes: &'a dyn Bytes,
        at: u64,
        end: u64,
    },
    #[cfg(feature = "tensor")]
    Zip(zip_directory::Unpacked<'a>),
}

impl MemberBytes<'_> {
    /// Fills `out`; the number of bytes read, fewer than asked only at the end.
    pub(crate) fn fill(&mut self, out: &mut [u8]) -> Result<usize> {
        match &mut self.0 {
            Reading::Plain { bytes, at, end } => {
                let left = usize::try_from(*end - *at).unwrap_or(usize::MAX).min(out.len());
                let n = bytes.read_at(*at, &mut out[..left])?;
                *at += n as u64;
                Ok(n)
            }
            #[cfg(feature = "tensor")]
            Reading::Zip(unpacked) => unpacked.read_some(out),
        }
    }

    /// Verifies length and checksum, where there are such.
    pub(crate) fn finish(self) -> Result<()> {
        match self.0 {
            Reading::Plain { .. } => Ok(()),
            #[cfg(feature = "tensor")]
            Reading::Zip(unpacked) => unpacked.finish(),
        }
    }
}

fn single_array(bytes: &dyn Bytes) -> Result<Member> {
    let header = npy::read_header(&bytes.get(0, npy::MAX_HEAD)?)?;
    let there = bytes.len().saturating_sub(header.data_start as u64);
    if there < header.data_len {
        let what = format!("the array needs {} bytes, {there} are there", header.data_len);
        return Err(Error::Malformed { what, at_byte: bytes.len() });
    }
    let head_len = header.data_start as u64;
    Ok(Member { name: String::new(), array: Ok(header.into()), head_len, place: Place::Plain(0..bytes.len()) })
}

#[cfg(feature = "tensor")]
fn members_of_zip(bytes: &dyn Bytes) -> Result<Vec<Member>> {
    let entries = zip_directory::entries(bytes)?;
    let mut members = Vec::with_capacity(entries.len());
    for entry in entries {
        let (name, array, head_len) = match npz::header(bytes, &entry) {
            Ok((name, header)) => {
                let head_len = header.data_start as u64;
                (name, Ok(header.into()), head_len)
            }
            Err(Error::Unsupported { what }) => (entry.name.clone(), Err(what_it_is(&entry, &what)), 0),
            Err(error) => return Err(error),
        };
        members.push(Member { name, array, head_len, place: Place::Zip(entry) });
    }
    Ok(members)
}

/// What an entry is that is not read, of the words of its error.
#[cfg(feature = "tensor")]
fn what_it_is(entry: &zip_directory::Entry, error: &str) -> String {
    let name = format!("'{}': ", entry.name.escape_debug());
    match error.strip_prefix(&name) {
        Some(rest) => format!("no array of numbers ({})", rest.split(';').next().unwrap_or(rest)),
        None => "no .npy array".into(),
    }
}

#[cfg(feature = "tensor")]
fn members_of_safetensors(bytes: &dyn Bytes) -> Result<(Vec<Member>, u64)> {
    let (entries, start) = safe_header::read(bytes)?;
    let member = |entry: safe_header::Entry| {
        let array =
            entry.array.map(|(dtype, shape)| Array { dtype, shape, order: ByteOrder::Little, layout: Layout::C });
        let array = array.map_err(|word| format!("of type {}", word.escape_debug()));
        Member { name: entry.name, array, head_len: 0, place: Place::Plain(entry.place) }
    };
    Ok((entries.into_iter().map(member).collect(), start))
}

/// A file of tensors being written.
pub(crate) enum TensorWriter<W: Write + Seek> {
    Plain(W),
    #[cfg(feature = "tensor")]
    Zip(Box<zip::ZipWriter<W>>),
}

impl<W: Write + Seek> TensorWriter<W> {
    /// A writer of the same kind as what `reader` reads.
    pub(crate) fn like<R>(reader: &TensorReader<R>, output: W) -> Self {
        match reader.kind {
            #[cfg(feature = "tensor")]
            TensorFileKind::Npz | TensorFileKind::NpzCompressed => Self::Zip(Box::new(zip::ZipWriter::new(output))),
            _ => Self::Plain(output),
        }
    }

    /// Begins a member like one that was read.
    pub(crate) fn begin(&mut self, member: &Member) -> Result<()> {
        match (self, &member.place) {
            #[cfg(feature = "tensor")]
            (Self::Zip(writer), Place::Zip(entry)) => npz::begin(writer, entry),
            _ => Ok(()),
        }
    }

    /// Writes bytes of the member.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match self {
            Self::Plain(output) => output.write_all(bytes),
            #[cfg(feature = "tensor")]
            Self::Zip(writer) => writer.write_all(bytes),
        };
        written.map_err(Error::stream)
    }

    /// Ends the file; gives the output back.
    pub(crate) fn finish(self) -> Result<W> {
        match self {
            Self::Plain(output) => Ok(output),
            #[cfg(feature = "tensor")]
            Self::Zip(writer) => writer.finish().map_err(|error| Error::stream(error.into())),
        }
    }
}
