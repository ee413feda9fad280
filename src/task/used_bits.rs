//! How many bits of a file's codes differ from zero.

use crate::{
    Result,
    audio_file::{Fidelity, Source},
};

/// Seconds looked through.
const SCANNED_S: u64 = 10;
/// Frames read at once.
const BLOCK: usize = 4_096;

/// Bits in which the codes looked at differ from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedBits {
    /// From the sign down to the lowest bit that is ever set; 0 for silence.
    pub bits: u32,
    /// Samples per channel looked at.
    pub n_frames: u64,
}

/// Looks through the first 10 seconds of `source`; none for float samples and for lossy codecs, which fill all bits.
///
/// ```
/// use sqnr::{audio_file::Reopen, generate, task};
///
/// let tone = generate::signal(Default::default())?;
/// assert_eq!(task::used_bits(&mut tone.open()?)?, None);
/// # Ok::<(), sqnr::Error>(())
/// ```
///
/// # Errors
/// As [`Source::read_codes`].
pub fn used_bits(source: &mut Source) -> Result<Option<UsedBits>> {
    let (spec, fidelity) = (source.info().spec, source.info().fidelity);
    if !spec.sample_format.has_codes() || fidelity == Fidelity::Lossy {
        return Ok(None);
    }
    let n_channels = usize::from(spec.channels);
    let limit = SCANNED_S * u64::from(spec.sample_rate_hz);
    let mut codes = vec![0; BLOCK * n_channels];
    let (mut any, mut n_frames) = (0, 0);
    while n_frames < limit {
        let n = source.read_codes(&mut codes)?;
        if n == 0 {
            break;
        }
        any = codes[..n * n_channels].iter().fold(any, |any, code| any | code);
        n_frames += n as u64;
    }
    let bits = if any == 0 { 0 } else { spec.sample_format.valid_bits().saturating_sub(any.trailing_zeros()) };
    Ok(Some(UsedBits { bits, n_frames }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audio_file,
        wav::{Metadata, SampleFormat, Spec, Writer},
    };
    use std::io::Cursor;

    fn used(codes: &[i32]) -> Option<UsedBits> {
        let sample_format = SampleFormat::integer(16).expect("legal");
        let spec = Spec { sample_rate_hz: 8_000, channels: 2, channel_mask: None, sample_format };
        let sink = Cursor::new(Vec::new());
        let mut writer = Writer::seekable(sink, &spec, None, &Metadata::default()).expect("memory");
        writer.write_codes(codes).expect("memory");
        let bytes = writer.finish(&[]).expect("memory").sink.into_inner();
        let mut source = audio_file::open_stream(Cursor::new(bytes)).expect("a WAV file");
        used_bits(&mut source).expect("memory")
    }

    #[test]
    fn the_lowest_bit_ever_set_counts() {
        assert_eq!(used(&[256, -512, 0, 1_024]), Some(UsedBits { bits: 8, n_frames: 2 }));
        assert_eq!(used(&[0; 10]), Some(UsedBits { bits: 0, n_frames: 5 }));
        assert_eq!(used(&[1; 200_000]), Some(UsedBits { bits: 16, n_frames: 81_920 }));
    }
}
