//! The header of a `.safetensors` file, read from the file's first bytes alone.
//!
//! ```text
//! header length u64 | { "name": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}, ... } | bytes of all tensors
//! ```
//!
//! Tensors cover the bytes without gap or overlap. A type that is not known here is passed over: its bytes are where the header
//! says. Source: Hugging Face, safetensors, README and `tensor.rs`.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::bytes::Bytes;
use super::{Dtype, n_bytes};
use crate::{Error, Result};

/// Longest header, bytes: that of the format's makers.
const MAX_HEADER: u64 = 100_000_000;

/// One tensor of the header.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Type and shape, or the name of a type that is not known here.
    pub(super) array: std::result::Result<(Dtype, Vec<usize>), String>,
    /// Where its bytes lie in the file.
    pub(super) place: Range<u64>,
}

fn malformed(what: impl std::fmt::Display) -> Error {
    Error::Malformed { what: format!("safetensors: {what}"), at_byte: 0 }
}

/// The tensors in the order of their bytes, and where these begin.
///
/// # Errors
/// `Malformed` when the header is no such JSON, or does not cover the file.
pub(super) fn read(bytes: &dyn Bytes) -> Result<(Vec<Entry>, u64)> {
    let length = bytes.get(0, 8)?;
    let length = u64::from_le_bytes(length.try_into().map_err(|_| malformed("the file is shorter than its header"))?);
    let start = length.checked_add(8).filter(|&start| start <= bytes.len());
    let start =
        start.filter(|_| length <= MAX_HEADER).ok_or_else(|| malformed("the file is shorter than its header"))?;
    let text = bytes.get(8, length as usize)?;
    let header: BTreeMap<String, Value> = serde_json::from_slice(&text).map_err(malformed)?;
    let tensors = header.into_iter().filter(|(name, _)| name != "__metadata__");
    let mut entries: Vec<Entry> = tensors.map(|(name, info)| entry(name, &info, start)).collect::<Result<_>>()?;
    entries.sort_by_key(|entry| (entry.place.start, entry.place.end));
    let mut at = start;
    for entry in &entries {
        if entry.place.start != at {
            return Err(malformed(format!("the bytes of '{}' leave a gap or overlap", entry.name.escape_debug())));
        }
        at = entry.place.end;
    }
    match at == bytes.len() {
        true => Ok((entries, start)),
        false => Err(malformed(format!("the tensors end at byte {at}, the file at byte {}", bytes.len()))),
    }
}

fn entry(name: String, info: &Value, start: u64) -> Result<Entry> {
    let wrong = |what: &str| malformed(format!("'{}': {what}", name.escape_debug()));
    let numbers = |key: &str| -> Option<Vec<u64>> { info[key].as_array()?.iter().map(Value::as_u64).collect() };
    let offsets = numbers("data_offsets").ok_or_else(|| wrong("data_offsets are no list of whole numbers"))?;
    let [from, to] = offsets[..] else { return Err(wrong("data_offsets are not two")) };
    let place = match (from.checked_add(start), to.checked_add(start)) {
        (Some(from), Some(to)) if from <= to => from..to,
        _ => return Err(wrong("data_offsets are not in order")),
    };
    let shape = numbers("shape").ok_or_else(|| wrong("the shape is no list of whole numbers"))?;
    let shape: Vec<usize> = shape
        .iter()
        .map(|&n| usize::try_from(n))
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| wrong("too long"))?;
    let word = info["dtype"].as_str().ok_or_else(|| wrong("the dtype is no word"))?;
    let array = match Dtype::of_safetensors(word) {
        None => Err(word.chars().take(40).collect()),
        Some(dtype) if n_bytes(&shape, dtype) == usize::try_from(to - from).ok() => Ok((dtype, shape)),
        Some(_) => return Err(wrong("the shape does not fill its bytes")),
    };
    Ok(Entry { name, array, place })
}
