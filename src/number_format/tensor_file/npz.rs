//! numpy's `.npz`: a ZIP whose entries `NAME.npy` are arrays.

use super::bytes::Bytes;
use super::npy::{self, Header, MAX_HEAD};
use super::zip_directory::{Entry, Packing, entries};
use super::{MAX_TENSOR_BYTES, Tensor, TensorFile, TensorFileKind};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::io::{Cursor, Seek, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub(super) fn read(bytes: &[u8]) -> Result<TensorFile> {
    let mut kind = TensorFileKind::Npz;
    let mut tensors = Vec::new();
    let entries = entries(&bytes)?;
    let total = entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.unpacked_len));
    if total > MAX_TENSOR_BYTES {
        let what = "unpacked bytes of a .npz file";
        return Err(Error::LimitExceeded { what, value: total, limit: MAX_TENSOR_BYTES });
    }
    for entry in entries.iter().filter(|entry| !entry.name.ends_with('/')) {
        if entry.packing == Packing::Deflated {
            kind = TensorFileKind::NpzCompressed;
        }
        let (name, _) = header(&bytes, entry)?;
        tensors.push(npy::read(name, &entry.unpack(&bytes)?).map_err(|error| in_entry(error, entry))?);
    }
    Ok(TensorFile { kind, tensors, metadata: BTreeMap::new() })
}

/// Name and header of the array of an entry; it must promise what the directory does before all of it is unpacked.
pub(super) fn header(bytes: &dyn Bytes, entry: &Entry) -> Result<(String, Header)> {
    let Some(name) = entry.name.strip_suffix(".npy") else {
        let what = format!("'{}' in the .npz file is not a .npy array", entry.name.escape_debug());
        return Err(Error::Unsupported { what });
    };
    let header = npy::read_header(&entry.first(bytes, MAX_HEAD)?).map_err(|error| in_entry(error, entry))?;
    let expected = header.data_start as u64 + header.data_len;
    if expected != entry.unpacked_len {
        let what = format!(
            "'{}': the header stands for {expected} bytes, the directory promises {}",
            entry.name.escape_debug(),
            entry.unpacked_len
        );
        return Err(Error::Malformed { what, at_byte: 0 });
    }
    Ok((name.to_string(), header))
}

/// The error with the name of the entry before it; its byte is counted from the entry's start.
fn in_entry(error: Error, entry: &Entry) -> Error {
    let name = entry.name.escape_debug();
    match error {
        Error::Malformed { what, at_byte } => Error::Malformed { what: format!("'{name}': {what}"), at_byte },
        Error::Unsupported { what } => Error::Unsupported { what: format!("'{name}': {what}") },
        other => other,
    }
}

/// Begins an entry like one that was read, its packing kept.
pub(super) fn begin<W: Write + Seek>(writer: &mut ZipWriter<W>, entry: &Entry) -> Result<()> {
    let method = match entry.packing {
        Packing::Stored => CompressionMethod::Stored,
        Packing::Deflated => CompressionMethod::Deflated,
    };
    let large = entry.unpacked_len > u64::from(u32::MAX) - 1024;
    let options = SimpleFileOptions::default().compression_method(method).large_file(large);
    let wrong = |error: zip::result::ZipError| Error::stream(error.into());
    match entry.name.ends_with('/') {
        true => writer.add_directory(entry.name.as_str(), options).map_err(wrong),
        false => writer.start_file(entry.name.as_str(), options).map_err(wrong),
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
