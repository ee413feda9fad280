//! numpy's `.npz`: a ZIP whose entries `NAME.npy` are arrays.

use super::npy;
use super::{MAX_TENSOR_BYTES, Tensor, TensorFile, TensorFileKind};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Most arrays in one file.
const MAX_ENTRIES: usize = 65_535;

pub(super) fn read(bytes: &[u8]) -> Result<TensorFile> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(zip_error)?;
    if archive.len() > MAX_ENTRIES {
        let (value, limit) = (archive.len() as u64, MAX_ENTRIES as u64);
        return Err(Error::LimitExceeded { what: "arrays in a .npz file", value, limit });
    }
    let mut kind = TensorFileKind::Npz;
    let (mut tensors, mut room) = (Vec::new(), MAX_TENSOR_BYTES);
    for i in 0..archive.len() {
        let entry = archive.by_index(i).map_err(zip_error)?;
        if entry.is_dir() {
            continue;
        }
        if entry.compression() != CompressionMethod::Stored {
            kind = TensorFileKind::NpzCompressed;
        }
        let name = entry.name().to_string();
        let array = unpack(entry, room)?;
        room -= array.len() as u64;
        let Some(name) = name.strip_suffix(".npy") else {
            let what = format!("'{}' in the .npz file is no .npy array", name.escape_debug());
            return Err(Error::Unsupported { what });
        };
        tensors.push(npy::read(name.to_string(), &array)?);
    }
    Ok(TensorFile { kind, tensors, metadata: BTreeMap::new() })
}

/// An entry's bytes, at most `room`: memory grows with what comes, not with what the directory promises.
fn unpack(entry: impl Read, room: u64) -> Result<Vec<u8>> {
    let mut array = Vec::new();
    entry.take(room + 1).read_to_end(&mut array).map_err(|e| Error::Malformed { what: e.to_string(), at_byte: 0 })?;
    if array.len() as u64 > room {
        let what = "unpacked bytes of a .npz file";
        return Err(Error::LimitExceeded { what, value: MAX_TENSOR_BYTES + 1, limit: MAX_TENSOR_BYTES });
    }
    Ok(array)
}

fn zip_error(error: ZipError) -> Error {
    match error {
        ZipError::Io(source) => Error::Malformed { what: format!("ZIP: {source}"), at_byte: 0 },
        ZipError::UnsupportedArchive(what) => Error::Unsupported { what: format!("ZIP: {what}") },
        other => Error::Malformed { what: format!("ZIP: {other}"), at_byte: 0 },
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
