//! Bytes in order, with a look ahead: what a walker needs of a pipe.

use std::io::{self, Read, Seek, SeekFrom};

/// Look-ahead and the smallest read: enough for a whole header.
const BUFFER_BYTES: usize = 8 * 1024;

/// A reader that knows its position and can peek. Large reads go straight through.
#[derive(Debug)]
pub(super) struct Input<R> {
    inner: R,
    buffer: Vec<u8>,
    start: usize,
    position: u64,
}

impl<R: Read> Input<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, buffer: Vec::with_capacity(BUFFER_BYTES), start: 0, position: 0 }
    }

    /// Bytes consumed so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The next `n` bytes without consuming them; fewer at the end of the input.
    pub(super) fn peek(&mut self, n: usize) -> io::Result<&[u8]> {
        debug_assert!(n <= BUFFER_BYTES);
        if self.buffered() < n {
            self.buffer.drain(..self.start);
            self.start = 0;
            while self.buffer.len() < n {
                let filled = self.buffer.len();
                self.buffer.resize(BUFFER_BYTES, 0);
                let got = retry(|| self.inner.read(&mut self.buffer[filled..]));
                self.buffer.truncate(filled + *got.as_ref().unwrap_or(&0));
                if got? == 0 {
                    break;
                }
            }
        }
        let end = (self.start + n).min(self.buffer.len());
        Ok(&self.buffer[self.start..end])
    }

    /// Fills `out` as far as the input goes; returns how many bytes that was.
    pub(super) fn read_full(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut filled = self.buffered().min(out.len());
        out[..filled].copy_from_slice(&self.buffer[self.start..self.start + filled]);
        self.start += filled;
        self.position += filled as u64;
        while filled < out.len() {
            match retry(|| self.inner.read(&mut out[filled..]))? {
                0 => break,
                n => {
                    filled += n;
                    self.position += n as u64;
                }
            }
        }
        Ok(filled)
    }

    /// Passes over `n` bytes; returns how many there were.
    pub(super) fn skip(&mut self, n: u64) -> io::Result<u64> {
        let mut scratch = [0; 4096];
        let mut left = n;
        while left > 0 {
            let want = left.min(scratch.len() as u64) as usize;
            let got = self.read_full(&mut scratch[..want])?;
            left -= got as u64;
            if got < want {
                break;
            }
        }
        Ok(n - left)
    }

    /// Reads `n` bytes, or as many as there are. Memory grows with what arrives, not with what a header claims.
    pub(super) fn read_vec(&mut self, n: u64) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        let mut left = n;
        while left > 0 {
            let want = left.min(64 * 1024) as usize;
            let filled = body.len();
            body.resize(filled + want, 0);
            let got = self.read_full(&mut body[filled..])?;
            body.truncate(filled + got);
            left -= got as u64;
            if got < want {
                break;
            }
        }
        Ok(body)
    }

    fn buffered(&self) -> usize {
        self.buffer.len() - self.start
    }
}

impl<R: Read + Seek> Input<R> {
    /// Continues at byte `position`, counted from where the reader stood at first.
    pub(super) fn seek_to(&mut self, origin: u64, position: u64) -> io::Result<()> {
        let target = origin.checked_add(position).ok_or(io::ErrorKind::InvalidInput)?;
        self.inner.seek(SeekFrom::Start(target))?;
        self.buffer.clear();
        self.start = 0;
        self.position = position;
        Ok(())
    }
}

fn retry<T>(mut read: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
