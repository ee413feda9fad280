//! numpy's `.npz`: a ZIP whose entries `NAME.npy` are arrays.

use super::npy::{self, MAX_HEADER};
use super::zip_directory::{Entry, Packing, entries};
use super::{Tensor, TensorFile, TensorFileKind};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Bytes that hold the longest header and what stands before it.
const MAX_HEAD: usize = 12 + MAX_HEADER;

pub(super) fn read(bytes: &[u8]) -> Result<TensorFile> {
    let mut kind = TensorFileKind::Npz;
    let mut tensors = Vec::new();
    for entry in entries(bytes)?.iter().filter(|entry| !entry.name.ends_with('/')) {
        if entry.packing == Packing::Deflated {
            kind = TensorFileKind::NpzCompressed;
        }
        tensors.push(array(entry)?);
    }
    Ok(TensorFile { kind, tensors, metadata: BTreeMap::new() })
}

/// The array of an entry, whose header must promise what the directory does before all of it is unpacked.
fn array(entry: &Entry<'_>) -> Result<Tensor> {
    let Some(name) = entry.name.strip_suffix(".npy") else {
        let what = format!("'{}' in the .npz file is not a .npy array", entry.name.escape_debug());
        return Err(Error::Unsupported { what });
    };
    let header = npy::read_header(&entry.first(MAX_HEAD)?).map_err(|error| in_entry(error, entry))?;
    let expected = header.data_start + header.data_len;
    if expected != entry.unpacked_len {
        let what = format!(
            "'{}': the header stands for {expected} bytes, the directory promises {}",
            entry.name.escape_debug(),
            entry.unpacked_len
        );
        return Err(Error::Malformed { what, at_byte: 0 });
    }
    npy::read(name.to_string(), &entry.unpack()?).map_err(|error| in_entry(error, entry))
}

/// The error with the name of the entry before it; its byte is counted from the entry's start.
fn in_entry(error: Error, entry: &Entry<'_>) -> Error {
    let name = entry.name.escape_debug();
    match error {
        Error::Malformed { what, at_byte } => Error::Malformed { what: format!("'{name}': {what}"), at_byte },
        Error::Unsupported { what } => Error::Unsupported { what: format!("'{name}': {what}") },
        other => other,
    }
}

pub(super) fn write(file: &TensorFile) -> Result<Vec<u8>> {
    let method = match file.kind {
        TensorFileKind::NpzCompressed => CompressionMethod::Deflated,
        _ => CompressionMethod::Stored,
    };
    // No time of day: the same tensors give the same bytes.
    let options = SimpleFileOptions::default().compression_method(method);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for tensor in &file.tensors {
        put(&mut writer, tensor, options)?;
    }
    Ok(writer.finish().map_err(|e| Error::stream(e.into()))?.into_inner())
}

fn put(writer: &mut ZipWriter<Cursor<Vec<u8>>>, tensor: &Tensor, options: SimpleFileOptions) -> Result<()> {
    let array = npy::write(tensor)?;
    let name_taken = |_| Error::invalid("name of a tensor", tensor.name(), "one tensor of each name");
    let large = array.len() as u64 > u64::from(u32::MAX) - 1024;
    writer.start_file(format!("{}.npy", tensor.name()), options.large_file(large)).map_err(name_taken)?;
    writer.write_all(&array).map_err(Error::stream)
}
