//! Headers whose every field is at its ends: a file that is taken decodes or fails with a line, never in another way.

use super::drain;
use sqnr::codec::{Decoder, OnDamage};

/// The header of 8 kHz mono with one superframe a group; no tags.
fn header() -> Vec<u8> {
    let mut bytes = b"SQN1\x01\0\x01\x08".to_vec();
    bytes.extend(8_000_u32.to_le_bytes());
    bytes.extend(100_u64.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend([1, 16, 0, 0, 0]);
    bytes.extend([0; 4]);
    bytes
}

fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

fn group(number: u32, samples: u32, payload_bytes: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"SQGr".to_vec();
    [number, samples, payload_bytes].iter().for_each(|v| bytes.extend(v.to_le_bytes()));
    bytes.extend(payload);
    seal(bytes)
}

/// Decodes both ways; plain decoding must fail.
fn refuse(file: &[u8], what: &str) {
    let plain = Decoder::new(file).and_then(|mut decoder| drain(&mut decoder));
    assert!(plain.is_err(), "{what}");
    if let Ok(mut decoder) = Decoder::with_policy(file, OnDamage::Salvage) {
        let mut samples = 0_u64;
        while let Some(block) = decoder.next_block().unwrap_or_else(|e| panic!("{what}: {e}")) {
            assert!(block.iter().flatten().all(|x| x.is_finite()), "{what}");
            samples += block[0].len() as u64;
            // enough to see that it goes on; what a header promises may be long
            if samples > 1 << 20 {
                break;
            }
        }
    }
}

#[test]
fn every_header_field_at_its_ends() {
    for at in 4..header().len() {
        for value in [0, 1, 7, 8, 14, 15, 127, 128, 254, 255] {
            let mut bytes = header();
            bytes[at] = value;
            refuse(&seal(bytes.clone()), &format!("byte {at} = {value}, no groups"));
            let file = [seal(bytes), group(0, 100, 3, b"abc")].concat();
            refuse(&file, &format!("byte {at} = {value}"));
        }
    }
    for field in [4..8, 8..12, 12..20, 20..24, 24..29] {
        let mut bytes = header();
        bytes[field.clone()].fill(255);
        refuse(&seal(bytes), &format!("bytes {field:?} all ones"));
    }
}

#[test]
fn every_group_field_at_its_ends() {
    let ends = [0, 1, 2, 255, 256, 257, 1 << 16, 1 << 24, (1 << 24) + 1, 1 << 31, u32::MAX];
    for number in ends {
        for samples in ends {
            for bytes in ends {
                let file = [seal(header()), group(number, samples, bytes, b"payload")].concat();
                refuse(&file, &format!("group {number}, {samples} samples, {bytes} bytes"));
            }
        }
    }
}

#[test]
fn every_end_record_field_at_its_ends() {
    for count in [0, 1, 2, 1 << 20, u32::MAX] {
        for samples in [0, 1, 100, u64::MAX - 1, u64::MAX] {
            for length in [0, 7, 28, 36, u32::MAX] {
                let mut end = b"SQEn".to_vec();
                end.extend(u32::to_le_bytes(count));
                end.extend(u64::to_le_bytes(samples));
                let mut end = seal(end);
                end.extend(u32::to_le_bytes(length));
                end.extend(b"SQEn");
                refuse(&[seal(header()), end].concat(), &format!("{count} groups, {samples} samples, {length} bytes"));
            }
        }
    }
}
