//! numpy's `.npy`.
//!
//! ```text
//! 93 'NUMPY' | major, minor | header length u16 (major 1) or u32 (2, 3) | header | values
//! header = {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }  blanks  '\n'
//! ```
//!
//! The header is a Python dictionary of which only this form exists. It is parsed here rather than by a parser of
//! Python literals, whose recursion a file could make overflow the stack.
//! Source: numpy, `numpy/lib/format.py`.

use super::{Dtype, MAX_TENSOR_BYTES, Tensor, n_bytes};
use crate::{Error, Result};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Longest header taken in; numpy itself refuses more than 10000 characters by default.
pub(super) const MAX_HEADER: usize = 1 << 16;
/// Bytes that hold the longest header and what stands before it.
pub(super) const MAX_HEAD: usize = 12 + MAX_HEADER;
/// Most bytes of an array: no file is longer.
const MAX_ARRAY_BYTES: u64 = 1 << 62;
/// Most axes: numpy's own limit.
const MAX_AXES: usize = 64;

/// What the header says.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) dtype: Dtype,
    pub(super) order: ByteOrder,
    pub(super) layout: Layout,
    pub(super) shape: Vec<usize>,
    /// Where the values begin.
    pub(super) data_start: usize,
    /// Bytes of all values.
    pub(super) data_len: u64,
}

/// Which byte of a value comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

/// Which index runs fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Last index fastest.
    C,
    /// First index fastest.
    Fortran,
}

fn malformed(what: impl Into<String>, at: usize) -> Error {
    Error::Malformed { what: what.into(), at_byte: at as u64 }
}

pub(super) fn read(name: String, bytes: &[u8]) -> Result<Tensor> {
    let header = read_header(bytes)?;
    if header.data_len > MAX_TENSOR_BYTES {
        let (value, limit) = (header.data_len, MAX_TENSOR_BYTES);
        return Err(Error::LimitExceeded { what: "bytes of an array", value, limit });
    }
    let data_len = header.data_len as usize;
    let data = &bytes[header.data_start..];
    if data.len() < data_len {
        let what = format!("the array needs {data_len} bytes, {} are there", data.len());
        return Err(malformed(what, bytes.len()));
    }
    let mut values = data[..data_len].to_vec();
    let size = header.dtype.size();
    if header.order == ByteOrder::Big {
        values.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    if header.layout == Layout::Fortran {
        values = fortran_to_c(&values, &header.shape, size);
    }
    Tensor::new(name, header.dtype, header.shape, values)
}

/// Reads the header from the first bytes of a file, which must hold it whole.
pub(super) fn read_header(bytes: &[u8]) -> Result<Header> {
    if !bytes.starts_with(MAGIC) {
        return Err(malformed("not a .npy file: it does not start with \\x93NUMPY", 0));
    }
    let cut = || malformed("the header is cut", bytes.len());
    let major = *bytes.get(6).ok_or_else(cut)?;
    let (len, start) = match major {
        1 => (bytes.get(8..10).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]]))), 10),
        2 | 3 => (bytes.get(8..12).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize), 12),
        _ => return Err(Error::Unsupported { what: format!(".npy version {major}; 1 to 3 are read") }),
    };
    let len = len.ok_or_else(cut)?;
    if len > MAX_HEADER {
        let (value, limit) = (len as u64, MAX_HEADER as u64);
        return Err(Error::LimitExceeded { what: "length of a .npy header", value, limit });
    }
    let text = bytes.get(start..start + len).ok_or_else(cut)?;
    let text = std::str::from_utf8(text).map_err(|e| malformed("the header is not text", start + e.valid_up_to()))?;
    parse_header(text, start)
}

/// Parses the dictionary, which starts at byte `start` of the file.
fn parse_header(text: &str, start: usize) -> Result<Header> {
    let mut cursor = Cursor { text, at: 0, start };
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    cursor.expect('{')?;
    while !cursor.take('}') {
        let key = cursor.string()?;
        cursor.expect(':')?;
        match key {
            "descr" => descr = Some(cursor.string()?),
            "fortran_order" => fortran = Some(cursor.word()?),
            "shape" => shape = Some(cursor.tuple()?),
            other => return Err(cursor.error(format!("unknown key '{}'", other.escape_debug()))),
        }
        if !cursor.take(',') {
            cursor.expect('}')?;
            break;
        }
    }
    let missing = |key: &str| malformed(format!("the header lacks '{key}'"), start);
    let (dtype, order) = parse_descr(descr.ok_or_else(|| missing("descr"))?)?;
    let layout = match fortran.ok_or_else(|| missing("fortran_order"))? {
        "False" => Layout::C,
        "True" => Layout::Fortran,
        other => return Err(malformed(format!("fortran_order is {other}"), start)),
    };
    let shape = shape.ok_or_else(|| missing("shape"))?;
    let data_len = n_bytes(&shape, dtype).filter(|&n| n as u64 <= MAX_ARRAY_BYTES).ok_or_else(|| {
        let value = shape.iter().fold(dtype.size() as u64, |n, &len| n.saturating_mul(len as u64));
        Error::LimitExceeded { what: "bytes of an array", value, limit: MAX_ARRAY_BYTES }
    })?;
    Ok(Header { dtype, order, layout, shape, data_start: start + text.len(), data_len: data_len as u64 })
}

fn parse_descr(descr: &str) -> Result<(Dtype, ByteOrder)> {
    let order = if descr.starts_with('>') { ByteOrder::Big } else { ByteOrder::Little };
    let dtype = match descr.trim_start_matches(['<', '>', '|', '=']) {
        "b1" | "?" => Dtype::Bool,
        "i1" => Dtype::I8,
        "u1" => Dtype::U8,
        "i2" => Dtype::I16,
        "u2" => Dtype::U16,
        "i4" => Dtype::I32,
        "u4" => Dtype::U32,
        "i8" => Dtype::I64,
        "u8" => Dtype::U64,
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        _ => {
            let what = format!("array type '{}'; f2, f4, f8, i1 to i8, u1 to u8 and b1 are read", descr.escape_debug());
            return Err(Error::Unsupported { what });
        }
    };
    Ok((dtype, order))
}

/// Walks over the header's text.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Where the text starts in the file.
    start: usize,
}

impl<'a> Cursor<'a> {
    fn error(&self, what: String) -> Error {
        malformed(format!("header: {what}"), self.start + self.at)
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.text[self.at..].trim_start().len();
    }

    fn take(&mut self, c: char) -> bool {
        self.skip_blanks();
        let there = self.text[self.at..].starts_with(c);
        self.at += if there { c.len_utf8() } else { 0 };
        there
    }

    fn expect(&mut self, c: char) -> Result<()> {
        if self.take(c) { Ok(()) } else { Err(self.error(format!("'{c}' expected"))) }
    }

    fn string(&mut self) -> Result<&'a str> {
        self.skip_blanks();
        let rest = &self.text[self.at..];
        if rest.starts_with('[') {
            let what = "a structured array; arrays of one type are read".into();
            return Err(Error::Unsupported { what });
        }
        let quote = rest.chars().next().filter(|c| "'\"".contains(*c));
        let quote = quote.ok_or_else(|| self.error("a string expected".into()))?;
        let end = rest[1..].find(quote).ok_or_else(|| self.error("a string without end".into()))?;
        self.at += end + 2;
        Ok(&rest[1..=end])
    }

    fn word(&mut self) -> Result<&'a str> {
        self.skip_blanks();
        let rest = &self.text[self.at..];
        let len = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        self.at += len;
        if len == 0 { Err(self.error("a word expected".into())) } else { Ok(&rest[..len]) }
    }

    fn tuple(&mut self) -> Result<Vec<usize>> {
        self.expect('(')?;
        let mut axes = Vec::new();
        while !self.take(')') {
            // Python 2 wrote long integers with an L.
            let word = self.word().map_err(|_| self.error("an axis length expected".into()))?.trim_end_matches('L');
            let axis = word.parse().map_err(|_| self.error(format!("'{word}' is not an axis length")))?;
            axes.push(axis);
            if axes.len() > MAX_AXES {
                return Err(self.error(format!("more than {MAX_AXES} axes")));
            }
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(axes)
    }
}

/// Values with the first index fastest to values with the last index fastest.
pub(super) fn fortran_to_c(bytes: &[u8], shape: &[usize], size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = vec![0usize; shape.len()];
    for _ in 0..bytes.len() / size {
        let from = shape.iter().zip(&index).rev().fold(0, |at, (&len, &i)| at * len + i);
        out.extend_from_slice(&bytes[from * size..(from + 1) * size]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}

/// The bytes of a `.npy` file, version 1, little-endian, C order.
pub(super) fn write(tensor: &Tensor) -> Result<Vec<u8>> {
    let descr = match tensor.dtype {
        Dtype::Bool => "|b1",
        Dtype::I8 => "|i1",
        Dtype::U8 => "|u1",
        Dtype::I16 => "<i2",
        Dtype::U16 => "<u2",
        Dtype::I32 => "<i4",
        Dtype::U32 => "<u4",
        Dtype::I64 => "<i8",
        Dtype::U64 => "<u8",
        Dtype::F16 => "<f2",
        Dtype::F32 => "<f4",
        Dtype::F64 => "<f8",
        _ => {
            return Err(Error::invalid("type of a .npy array", format!("{:?}", tensor.dtype), "numpy's own types"));
        }
    };
    let axes: Vec<String> = tensor.shape.iter().map(|n| n.to_string()).collect();
    let comma = if axes.len() == 1 { "," } else { "" };
    let shape = format!("({}{comma})", axes.join(", "));
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // Values start at a multiple of 64; the last character is a line feed.
    let padding = (64 - (10 + header.len() + 1) % 64) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(&tensor.bytes);
    Ok(bytes)
}
