//! Any bytes as the payloads of groups with right checksums, in any order and number: plain decoding ends with an error
//! or gives the length that was stated, salvage gives samples that are finite.

use sqnr::codec::{BandQuantizer, Codebooks, Decoder, Header, OnDamage};

/// One input.
pub fn run(bytes: &[u8]) {
    let Some((&[kind, numbers, length], payloads)) = bytes.split_first_chunk() else { return };
    let file = file(kind, numbers, length, payloads);
    for policy in [OnDamage::Fail, OnDamage::Salvage] {
        decode(&file, policy);
    }
}

fn decode(file: &[u8], policy: OnDamage) {
    let mut decoder = Decoder::with_policy(file, policy).expect("the header is whole");
    let stated = decoder.header().samples;
    let mut samples = 0;
    loop {
        match decoder.next_block() {
            Ok(Some(block)) => {
                assert!(block.iter().flatten().all(|x| x.is_finite()));
                samples += block[0].len() as u64;
            }
            Ok(None) => break,
            Err(_) if policy == OnDamage::Fail => return,
            Err(error) => panic!("salvage failed: {error}"),
        }
    }
    assert!(policy == OnDamage::Salvage || stated.is_none_or(|n| n == samples));
}

const BAND_QUANTIZERS: [BandQuantizer; 4] =
    [BandQuantizer::Uniform, BandQuantizer::PowerLaw, BandQuantizer::Trellis, BandQuantizer::LloydMax];

/// A file of small superframes whose groups hold `payloads`.
fn file(kind: u8, numbers: u8, length: u8, payloads: &[u8]) -> Vec<u8> {
    let header = Header {
        sample_rate_hz: 3_000,
        channels: 1 + (kind & 3).min(2),
        channel_mask: 0,
        samples: (kind & 4 == 0).then_some(u64::from(length) * 16),
        group_superframes: 2,
        log2_superframe: 8,
        has_noise: kind & 8 == 0,
        band_quantizer: BAND_QUANTIZERS[usize::from(kind >> 4 & 1 | length << 1 & 2)],
        codebooks: Codebooks::default(),
        fine_gain: 0,
        target_db: 0.0,
        bits: 16,
        tags: vec![],
    };
    let mut file = header.to_bytes().expect("a legal header");
    let n_groups = 1 + usize::from(kind >> 5);
    for (i, payload) in payloads.chunks(payloads.len().div_ceil(n_groups).max(1)).enumerate() {
        let number = if numbers >> i & 1 == 1 { (numbers as usize % 5) as u32 } else { i as u32 };
        let start = file.len();
        file.extend(b"SQGr");
        file.extend(number.to_le_bytes());
        let samples: u32 = if i + 1 < n_groups { 512 } else { 1 + u32::from(length) * 2 };
        file.extend(samples.to_le_bytes());
        file.extend((payload.len() as u32).to_le_bytes());
        file.extend(payload);
        file.extend(crc32fast::hash(&file[start..]).to_le_bytes());
    }
    file
}
