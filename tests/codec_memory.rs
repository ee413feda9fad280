//! What a damaged or hostile file can make the decoder allocate: 16 times what was read, beside the tables that the
//! format's block sizes take.

use std::io::Cursor;

use peak_alloc::PeakAlloc;
use sqnr::codec::{Contents, Decoder, Encoder, EncoderOptions, OnDamage};

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

/// Bands of the longest superframe, the elements of 255 channels, plans of transforms.
const TABLES_BYTES: usize = 256 * 1024;

/// The most that was allocated at once during `work`.
fn peak_bytes(work: impl FnOnce()) -> usize {
    let before = PEAK.current_usage();
    PEAK.reset_peak_usage();
    work();
    PEAK.peak_usage() - before
}

fn header(channels: u8, log2_superframe: u8, extra: &[u8], stated_extra: u32) -> Vec<u8> {
    let mut bytes = b"SQN1\x01\0".to_vec();
    bytes.extend([channels, log2_superframe]);
    bytes.extend(768_000_u32.to_le_bytes());
    bytes.extend(u64::MAX.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend([1, 16, 0, 0, 0]);
    bytes.extend(stated_extra.to_le_bytes());
    bytes.extend(extra);
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) {
    for policy in [OnDamage::Fail, OnDamage::Salvage] {
        let Ok(mut decoder) = Decoder::with_policy(bytes, policy) else { continue };
        while matches!(decoder.next_block(), Ok(Some(_))) {}
    }
    let _ = Contents::read(Cursor::new(bytes));
}

/// One test, since the count is of the whole process.
#[test]
fn sizes_that_are_only_claimed_are_not_allocated() {
    let limit = |bytes: &[u8]| 16 * bytes.len() + TABLES_BYTES;
    let tiny_tags = b"\x02\0\0\0k=".repeat(200_000);
    let head = header(1, 8, &[], 0);
    let group = [&head[..], b"SQGr\0\0\0\0\x01\0\0\0\0\0\0\x01"].concat();
    let end = [&head[..], b"SQEn\xff\xff\xff\xff", &[0; 8]].concat();
    for (what, bytes) in [
        ("16 MiB of tags claimed", header(1, 8, &[], 1 << 24)),
        ("a pair of 4 GiB claimed", header(1, 8, &[255; 4], 4)),
        ("many tiny tags", header(1, 8, &tiny_tags, tiny_tags.len() as u32)),
        ("255 channels of 16384 samples, no group", header(255, 14, &[], 0)),
        ("a group of 16 MiB claimed", group),
        ("4 billion groups claimed", end),
    ] {
        let peak = peak_bytes(|| decode(&bytes));
        assert!(peak <= limit(&bytes), "{what}: {peak} bytes for {} read", bytes.len());
    }
    // the count is one: a whole file takes its working memory
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, &EncoderOptions::new(48_000, 2)).expect("legal");
    encoder.push(&[vec![0.1; 10_000], vec![0.0; 10_000]]).expect("memory");
    encoder.finish().expect("memory");
    assert!(peak_bytes(|| decode(&file)) > 2 * 10_000 * 4);
}
