//! Bytes that are read by their place: a slice, or a file too large for memory.

use std::cell::RefCell;
use std::io::{Read, Seek, SeekFrom};

use crate::{Error, Result};

/// Something of known length that is read at any place.
pub(super) trait Bytes {
    fn len(&self) -> u64;

    /// Fills `out` with the bytes from `at` on; the number read, fewer than asked only at the end.
    fn read_at(&self, at: u64, out: &mut [u8]) -> Result<usize>;

    /// At most `n` bytes from `at` on.
    fn get(&self, at: u64, n: usize) -> Result<Vec<u8>> {
        let left = usize::try_from(self.len().saturating_sub(at)).unwrap_or(usize::MAX);
        let mut out = vec![0; n.min(left)];
        let n = self.read_at(at, &mut out)?;
        out.truncate(n);
        Ok(out)
    }
}

impl Bytes for &[u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| <[u8]>::get(self, at..)).unwrap_or(&[]);
        let n = rest.len().min(out.len());
        out[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}

/// A file, or anything that seeks.
#[derive(Debug)]
pub(super) struct Seekable<R> {
    inner: RefCell<R>,
    len: u64,
}

impl<R: Read + Seek> Seekable<R> {
    pub(super) fn new(mut inner: R) -> Result<Self> {
        let len = inner.seek(SeekFrom::End(0)).map_err(Error::stream)?;
        Ok(Self { inner: RefCell::new(inner), len })
    }
}

impl<R: Read + Seek> Bytes for Seekable<R> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> Result<usize> {
        let mut inner = self.inner.borrow_mut();
        inner.seek(SeekFrom::Start(at)).map_err(Error::stream)?;
        let mut n = 0;
        while n < out.len() {
            match inner.read(&mut out[n..]) {
                Ok(0) => break,
                Ok(more) => n += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::stream(error)),
            }
        }
        Ok(n)
    }
}

/// A run of bytes, read from its start to its end.
#[cfg(feature = "tensor")]
pub(super) struct Run<'a> {
    bytes: &'a dyn Bytes,
    at: u64,
    end: u64,
}

#[cfg(feature = "tensor")]
impl<'a> Run<'a> {
    pub(super) fn new(bytes: &'a dyn Bytes, place: std::ops::Range<u64>) -> Self {
        Self { bytes, at: place.start, end: place.end }
    }
}

#[cfg(feature = "tensor")]
impl Read for Run<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(out.len());
        let n = self.bytes.read_at(self.at, &mut out[..left]).map_err(|error| match error {
            Error::Io { source, .. } => source,
            other => std::io::Error::other(other),
        })?;
        self.at += n as u64;
        Ok(n)
    }
}
