//! What one sample looks like in the file, and the `fmt ` chunk that says so.
//!
//! ```text
//! tag 2 | channels 2 | rate 4 | bytes/s 4 | block align 2 | bits 2 || cb 2 | valid bits 2 | mask 4 | GUID 16
//! \---------------------- PCM: 16 bytes ------------------------/\-------- EXTENSIBLE: 24 more --------/
//! ```
//!
//! Source: Microsoft, WAVEFORMATEX and WAVEFORMATEXTENSIBLE (mmreg.h).

use std::fmt;

use super::MAX_CHANNELS;
use crate::{Error, Result};

const TAG_PCM: u16 = 1;
const TAG_FLOAT: u16 = 3;
const TAG_A_LAW: u16 = 6;
const TAG_MU_LAW: u16 = 7;
const TAG_EXTENSIBLE: u16 = 0xFFFE;

/// Bytes 2 to 15 of KSDATAFORMAT_SUBTYPE_*; the first two are the format tag.
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
/// The same for ambisonic B-format, SUBTYPE_AMBISONIC_B_FORMAT_*.
const GUID_TAIL_AMBISONIC: [u8; 14] = [0, 0, 0x21, 0x07, 0xD3, 0x11, 0x86, 0x44, 0xC8, 0xC1, 0xCA, 0, 0, 0];

/// The order of bytes in the numbers of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// How a stored number stands for an amplitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Two's complement, except that a container of 8 bits is offset binary.
    Integer,
    /// IEEE 754, full scale 1.0.
    Float,
    /// G.711 A-law, 8 bits.
    ALaw,
    /// G.711 mu-law, 8 bits.
    MuLaw,
}

/// Encoding, valid bits and container of a stored sample; always a combination that can be read and written.
///
/// ```
/// use sqnr::wav::SampleFormat;
///
/// let twenty = SampleFormat::integer(20)?;
/// // Twenty bits lie in three bytes.
/// assert_eq!((twenty.valid_bits(), twenty.bytes_per_sample()), (20, 3));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleFormat {
    encoding: Encoding,
    valid_bits: u8,
    container_bits: u8,
}

impl SampleFormat {
    /// 16-bit integers.
    pub const INT16: Self = Self { encoding: Encoding::Integer, valid_bits: 16, container_bits: 16 };
    /// IEEE 754 single precision.
    pub const FLOAT32: Self = Self { encoding: Encoding::Float, valid_bits: 32, container_bits: 32 };
    /// IEEE 754 double precision.
    pub const FLOAT64: Self = Self { encoding: Encoding::Float, valid_bits: 64, container_bits: 64 };
    /// G.711 A-law.
    pub const A_LAW: Self = Self { encoding: Encoding::ALaw, valid_bits: 8, container_bits: 8 };
    /// G.711 mu-law.
    pub const MU_LAW: Self = Self { encoding: Encoding::MuLaw, valid_bits: 8, container_bits: 8 };

    /// Integer codes of `valid_bits` (1 to 32) in the smallest container that holds them.
    ///
    /// # Errors
    /// `InvalidParameter` outside that range.
    pub fn integer(valid_bits: u32) -> Result<Self> {
        Self::integer_in(valid_bits, valid_bits.div_ceil(8) * 8)
    }

    /// Integer codes of `valid_bits` in a container of 8, 16, 24 or 32 bits, left-aligned there.
    ///
    /// # Errors
    /// `InvalidParameter` when the container is none of these or too small, or `valid_bits` is not 1 to 32.
    pub fn integer_in(valid_bits: u32, container_bits: u32) -> Result<Self> {
        if !(1..=32).contains(&valid_bits) {
            return Err(Error::invalid("bits", valid_bits, "1 to 32"));
        }
        if !matches!(container_bits, 8 | 16 | 24 | 32) || container_bits < valid_bits {
            let allowed = format!("8, 16, 24 or 32, and not below {valid_bits} bits");
            return Err(Error::invalid("container", container_bits, allowed));
        }
        Ok(Self { encoding: Encoding::Integer, valid_bits: valid_bits as u8, container_bits: container_bits as u8 })
    }

    /// How the stored number stands for an amplitude.
    pub fn encoding(self) -> Encoding {
        self.encoding
    }

    /// Bits of the code: 1 to 32 for integers, 8 for A-law and mu-law, 32 or 64 for floats.
    pub fn valid_bits(self) -> u32 {
        u32::from(self.valid_bits)
    }

    /// Bits a sample takes in the file: 8, 16, 24, 32 or 64.
    pub fn container_bits(self) -> u32 {
        u32::from(self.container_bits)
    }

    /// Bytes a sample takes in the file.
    pub fn bytes_per_sample(self) -> usize {
        usize::from(self.container_bits / 8)
    }

    /// True for integer, A-law and mu-law: what [`Reader::read_codes`](super::Reader::read_codes) can give.
    pub fn has_codes(self) -> bool {
        self.encoding != Encoding::Float
    }

    fn tag(self) -> u16 {
        match self.encoding {
            Encoding::Integer => TAG_PCM,
            Encoding::Float => TAG_FLOAT,
            Encoding::ALaw => TAG_A_LAW,
            Encoding::MuLaw => TAG_MU_LAW,
        }
    }
}

impl fmt::Display for SampleFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.encoding {
            Encoding::Integer if self.valid_bits == self.container_bits => write!(f, "{}-bit", self.valid_bits),
            Encoding::Integer => write!(f, "{}-bit in {}", self.valid_bits, self.container_bits),
            Encoding::Float => write!(f, "{}-bit float", self.valid_bits),
            Encoding::ALaw => write!(f, "A-law"),
            Encoding::MuLaw => write!(f, "mu-law"),
        }
    }
}

/// What a WAV file holds: rate, channels, sample format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Samples per second and channel, 1 and above.
    pub sample_rate_hz: u32,
    /// Number of channels, 1 to [`MAX_CHANNELS`].
    pub channels: u16,
    /// Loudspeaker positions, bit 0 front left, bit 1 front right, ... (WAVEFORMATEXTENSIBLE `dwChannelMask`);
    /// `None` when the file does not say.
    pub channel_mask: Option<u32>,
    /// Encoding and widths of a sample.
    pub sample_format: SampleFormat,
}

impl Spec {
    /// Bytes of one frame: a sample of every channel.
    pub fn block_align(&self) -> usize {
        usize::from(self.channels) * self.sample_format.bytes_per_sample()
    }

    /// # Errors
    /// `InvalidParameter` for a rate of 0 or a channel count outside 1 to [`MAX_CHANNELS`].
    pub(super) fn check(&self) -> Result<()> {
        if self.sample_rate_hz == 0 {
            return Err(Error::invalid("sample rate", 0, "1 Hz and above"));
        }
        if self.channels == 0 || self.channels > MAX_CHANNELS {
            return Err(Error::invalid("channels", self.channels, format!("1 to {MAX_CHANNELS}")));
        }
        Ok(())
    }

    /// The body of the `fmt ` chunk, little endian.
    ///
    /// WAVE_FORMAT_EXTENSIBLE where Microsoft asks for it (more than 2 channels, more than 16 bits of integer, valid
    /// bits unlike the container) or a mask is to be kept; the older forms, which more programs know, elsewhere.
    pub(super) fn to_fmt_chunk(self) -> Vec<u8> {
        let format = self.sample_format;
        let is_extensible = self.channels > 2
            || format.valid_bits != format.container_bits
            || (format.encoding == Encoding::Integer && format.container_bits > 16)
            || self.channel_mask.is_some_and(|mask| Some(mask) != default_mask(self.channels));
        let tag = if is_extensible { TAG_EXTENSIBLE } else { format.tag() };
        let byte_rate = u64::from(self.sample_rate_hz) * self.block_align() as u64;

        let mut body = Vec::with_capacity(40);
        body.extend(tag.to_le_bytes());
        body.extend(self.channels.to_le_bytes());
        body.extend(self.sample_rate_hz.to_le_bytes());
        // A rate no 32 bits hold can only be capped; readers ignore the field.
        body.extend(u32::try_from(byte_rate).unwrap_or(u32::MAX).to_le_bytes());
        body.extend((self.block_align() as u16).to_le_bytes());
        body.extend(u16::from(format.container_bits).to_le_bytes());
        if is_extensible {
            body.extend(22_u16.to_le_bytes());
            body.extend(u16::from(format.valid_bits).to_le_bytes());
            body.extend(self.channel_mask.or(default_mask(self.channels)).unwrap_or(0).to_le_bytes());
            body.extend(format.tag().to_le_bytes());
            body.extend(GUID_TAIL);
        } else if format.encoding != Encoding::Integer {
            body.extend(0_u16.to_le_bytes());
        }
        body
    }

    /// Reads the body of a `fmt ` chunk that starts at byte `at` of the file.
    ///
    /// # Errors
    /// `Malformed` when fields contradict each other, `Unsupported` for other codecs, `LimitExceeded` for more than
    /// [`MAX_CHANNELS`] channels.
    pub(super) fn from_fmt_chunk(body: &[u8], order: ByteOrder, at: u64) -> Result<Self> {
        let malformed = |what: String, offset: u64| Error::Malformed { what, at_byte: at + offset };
        if body.len() < 16 {
            return Err(malformed(format!("the fmt chunk has {} bytes; 16 are the least", body.len()), 0));
        }
        let u16_at = |i: usize| order.u16([body[i], body[i + 1]]);
        let u32_at = |i: usize| order.u32([body[i], body[i + 1], body[i + 2], body[i + 3]]);
        let (channels, sample_rate_hz, block_align, bits) = (u16_at(2), u32_at(4), u16_at(12), u16_at(14));
        if channels == 0 {
            return Err(malformed("the number of channels is 0".into(), 2));
        }
        if channels > MAX_CHANNELS {
            let (value, limit) = (u64::from(channels), u64::from(MAX_CHANNELS));
            return Err(Error::LimitExceeded { what: "the number of channels", value, limit });
        }
        if sample_rate_hz == 0 {
            return Err(malformed("the sample rate is 0".into(), 4));
        }
        let mut valid_bits = bits;
        let mut channel_mask = None;
        let mut tag = u16_at(0);
        if tag == TAG_EXTENSIBLE {
            if body.len() < 40 {
                return Err(malformed(format!("the extensible fmt chunk has {} bytes, not 40", body.len()), 0));
            }
            // Some writers leave the valid bits at 0 and mean all of them.
            valid_bits = if u16_at(18) == 0 { bits } else { u16_at(18) };
            channel_mask = Some(u32_at(20)).filter(|&mask| mask != 0);
            tag = sub_format_tag(&body[24..40], order)?;
        }
        let sample_format =
            sample_format(tag, valid_bits, block_align, channels).map_err(|problem| problem.into_error(at + 14))?;
        Ok(Self { sample_rate_hz, channels, channel_mask, sample_format })
    }
}

/// Mono is the centre, stereo left and right: what a file without a mask is taken for.
fn default_mask(channels: u16) -> Option<u32> {
    match channels {
        1 => Some(0x4),
        2 => Some(0x3),
        _ => None,
    }
}

fn sub_format_tag(guid: &[u8], order: ByteOrder) -> Result<u16> {
    // Data1, Data2 and Data3 of the GUID are numbers; in RIFX their bytes are swapped.
    let tag = match order {
        ByteOrder::Little => u16::from_le_bytes([guid[0], guid[1]]),
        ByteOrder::Big => u16::from_be_bytes([guid[2], guid[3]]),
    };
    let is_known = match order {
        ByteOrder::Little => guid[2..] == GUID_TAIL || guid[2..] == GUID_TAIL_AMBISONIC,
        ByteOrder::Big => guid[8..] == GUID_TAIL[6..] || guid[8..] == GUID_TAIL_AMBISONIC[6..],
    };
    if is_known {
        return Ok(tag);
    }
    let hex: String = guid.iter().map(|byte| format!("{byte:02x}")).collect();
    Err(Error::Unsupported { what: format!("WAVE sub-format {hex}; sqnr reads PCM, float, A-law and mu-law") })
}

enum FormatProblem {
    Malformed(String),
    Unsupported(String),
}

impl FormatProblem {
    fn into_error(self, at_byte: u64) -> Error {
        match self {
            Self::Malformed(what) => Error::Malformed { what, at_byte },
            Self::Unsupported(what) => Error::Unsupported { what },
        }
    }
}

fn sample_format(
    tag: u16,
    valid_bits: u16,
    block_align: u16,
    channels: u16,
) -> std::result::Result<SampleFormat, FormatProblem> {
    let container_bits = u32::from(block_align / channels) * 8;
    let block_align_is_whole = block_align > 0 && block_align.is_multiple_of(channels);
    let valid_bits = u32::from(valid_bits);
    let encoding = match tag {
        TAG_PCM => Encoding::Integer,
        TAG_FLOAT => Encoding::Float,
        TAG_A_LAW => Encoding::ALaw,
        TAG_MU_LAW => Encoding::MuLaw,
        _ => {
            let what = format!("WAVE format 0x{tag:04x} ({}); sqnr reads PCM, float, A-law and mu-law", tag_name(tag));
            return Err(FormatProblem::Unsupported(what));
        }
    };
    if valid_bits == 0 {
        return Err(FormatProblem::Malformed("the bits per sample are 0".into()));
    }
    if !block_align_is_whole || container_bits < valid_bits {
        let what = format!("a block of {block_align} bytes does not hold {channels} channels of {valid_bits} bits");
        return Err(FormatProblem::Malformed(what));
    }
    let found = match (encoding, valid_bits, container_bits) {
        (Encoding::Integer, 1..=32, 8 | 16 | 24 | 32) => {
            return Ok(SampleFormat { encoding, valid_bits: valid_bits as u8, container_bits: container_bits as u8 });
        }
        (Encoding::Float, 32, 32) => return Ok(SampleFormat::FLOAT32),
        (Encoding::Float, 64, 64) => return Ok(SampleFormat::FLOAT64),
        (Encoding::ALaw, 8, 8) => return Ok(SampleFormat::A_LAW),
        (Encoding::MuLaw, 8, 8) => return Ok(SampleFormat::MU_LAW),
        (Encoding::Integer, ..) => "integers",
        (Encoding::Float, ..) => "floats",
        (Encoding::ALaw, ..) => "A-law",
        (Encoding::MuLaw, ..) => "mu-law",
    };
    Err(FormatProblem::Unsupported(format!(
        "{found} of {valid_bits} bits in {container_bits}; sqnr reads integers of 1 to 32 bits, floats of 32 and 64, A-law and mu-law of 8"
    )))
}

/// Names of the registered formats that are met in the wild (RFC 2361).
fn tag_name(tag: u16) -> &'static str {
    match tag {
        0x0002 => "Microsoft ADPCM",
        0x0011 => "IMA ADPCM",
        0x0031 => "GSM 6.10",
        0x0050 => "MPEG",
        0x0055 => "MP3",
        0x0092 => "Dolby AC-3",
        0x00FF | 0x1610 => "AAC",
        0x0161 | 0x0162 => "Windows Media Audio",
        0x674F..=0x6771 => "Ogg Vorbis",
        0xF1AC => "FLAC",
        _ => "unknown to sqnr",
    }
}
