//! Makes WAV files byte by byte, also such as no program should write.

/// Whether an odd chunk is followed by its pad byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pad {
    Written,
    LeftOut,
}

pub(super) struct FileBuilder {
    magic: [u8; 4],
    pad: Pad,
    riff_size: Option<u32>,
    body: Vec<u8>,
}

impl FileBuilder {
    pub(super) fn new(magic: &[u8; 4]) -> Self {
        Self { magic: *magic, pad: Pad::Written, riff_size: None, body: vec![] }
    }

    pub(super) fn pad(mut self, pad: Pad) -> Self {
        self.pad = pad;
        self
    }

    /// Declares this size of the whole instead of the true one.
    pub(super) fn riff_size(mut self, size: u32) -> Self {
        self.riff_size = Some(size);
        self
    }

    pub(super) fn chunk(self, id: &[u8; 4], bytes: &[u8]) -> Self {
        self.chunk_of_size(id, bytes, bytes.len() as u32)
    }

    /// A chunk whose header declares `size`, whatever `bytes` are.
    pub(super) fn chunk_of_size(mut self, id: &[u8; 4], bytes: &[u8], size: u32) -> Self {
        let size = self.number(size);
        self.body.extend(id);
        self.body.extend(size);
        self.body.extend(bytes);
        if bytes.len() % 2 == 1 && self.pad == Pad::Written {
            self.body.push(0);
        }
        self
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let size = self.riff_size.unwrap_or(self.body.len() as u32 + 4);
        let mut bytes = self.magic.to_vec();
        bytes.extend(self.number(size));
        bytes.extend(b"WAVE");
        bytes.extend(&self.body);
        bytes
    }

    fn number(&self, n: u32) -> [u8; 4] {
        if &self.magic == b"RIFX" { n.to_be_bytes() } else { n.to_le_bytes() }
    }
}

/// A 16-byte `fmt ` body, little endian, at 8 kHz.
pub(super) fn fmt(tag: u16, channels: u16, bits: u16, block_align: u16) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(tag.to_le_bytes());
    body.extend(channels.to_le_bytes());
    body.extend(8_000_u32.to_le_bytes());
    body.extend((8_000 * u32::from(block_align)).to_le_bytes());
    body.extend(block_align.to_le_bytes());
    body.extend(bits.to_le_bytes());
    body
}

/// The same, big endian.
pub(super) fn fmt_big_endian(tag: u16, channels: u16, bits: u16, block_align: u16) -> Vec<u8> {
    let mut body = fmt(tag, channels, bits, block_align);
    for field in [0..2, 2..4, 4..8, 8..12, 12..14, 14..16] {
        body[field].reverse();
    }
    body
}

/// A 40-byte WAVE_FORMAT_EXTENSIBLE body.
pub(super) fn fmt_extensible(
    sub_format: u16,
    channels: u16,
    valid_bits: u16,
    container_bits: u16,
    mask: u32,
) -> Vec<u8> {
    let mut body = fmt(0xFFFE, channels, container_bits, channels * container_bits / 8);
    body.extend(22_u16.to_le_bytes());
    body.extend(valid_bits.to_le_bytes());
    body.extend(mask.to_le_bytes());
    body.extend(sub_format.to_le_bytes());
    body.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]);
    body
}

/// A plain file around `data`.
pub(super) fn wav(fmt: &[u8], data: &[u8]) -> Vec<u8> {
    FileBuilder::new(b"RIFF").chunk(b"fmt ", fmt).chunk(b"data", data).bytes()
}
