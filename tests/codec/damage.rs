//! Files that are not whole: plain decoding ends with an error, salvage plays what is there.

use super::{decode, drain, encode, music};
use sqnr::codec::{Damage, Decoder, OnDamage};

const GROUP: usize = 48 * 512;

/// Four groups and a bit of 8 kHz mono, and where its groups start.
fn file() -> (Vec<u8>, Vec<usize>) {
    let bytes = encode(8_000, &music(1, 4 * GROUP + 700));
    let starts: Vec<usize> = (0..bytes.len() - 4).filter(|&i| bytes[i..i + 4] == *b"SQGr").collect();
    assert_eq!(starts.len(), 5);
    (bytes, starts)
}

fn salvage(bytes: &[u8]) -> sqnr::Result<(Vec<f32>, Vec<Damage>)> {
    let mut decoder = Decoder::with_policy(bytes, OnDamage::Salvage)?;
    let samples = drain(&mut decoder)?.remove(0);
    Ok((samples, decoder.damages().to_vec()))
}

#[test]
fn every_flipped_bit_is_noticed() {
    let bytes = encode(8_000, &music(1, 600));
    for bit in 0..8 * bytes.len() {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&damaged).is_err(), "bit {bit}");
        if let Ok((samples, damages)) = salvage(&damaged) {
            assert!(!damages.is_empty() && samples.iter().all(|x| x.is_finite()), "bit {bit}");
            assert!(samples.len() == 600, "bit {bit}: {} samples", samples.len());
        }
    }
}

#[test]
fn every_cut_is_noticed() {
    let bytes = encode(8_000, &music(1, 600));
    for n in 0..bytes.len() {
        assert!(decode(&bytes[..n]).is_err(), "{n} bytes");
        if let Ok((samples, damages)) = salvage(&bytes[..n]) {
            assert!(samples.len() == 600 && !damages.is_empty(), "{n} bytes: {} samples", samples.len());
        }
    }
}

#[test]
fn an_error_names_group_and_time() {
    let (mut bytes, starts) = file();
    bytes[starts[2] + 40] ^= 4;
    let error = decode(&bytes).expect_err("damaged").to_string();
    assert!(error.contains("group 2 (0:06.144)"), "{error}");
}

#[test]
fn salvage_keeps_every_whole_group() {
    let (mut bytes, starts) = file();
    let whole = decode(&bytes).expect("its own bytes").remove(0);
    bytes[starts[2] + 40] ^= 4;
    let (samples, damages) = salvage(&bytes).expect("a whole header");
    assert_eq!(samples.len(), whole.len());
    // the overlap reaches half a superframe into the neighbours
    assert_eq!(samples[..2 * GROUP - 256], whole[..2 * GROUP - 256]);
    assert_eq!(samples[3 * GROUP + 256..], whole[3 * GROUP + 256..]);
    assert_eq!(damages.len(), 1);
    let damage = &damages[0];
    assert!(damage.group == 2 && damage.start_s >= 6.144 && damage.end_s < 9.217, "{damage:?}");
}

#[test]
fn groups_deleted_repeated_swapped_and_files_joined() {
    let (bytes, starts) = file();
    let whole = decode(&bytes).expect("its own bytes").remove(0);
    let (a, b, c) = (starts[1], starts[2], starts[3]);
    let deleted = [&bytes[..a], &bytes[b..]].concat();
    let repeated = [&bytes[..b], &bytes[a..]].concat();
    let swapped = [&bytes[..a], &bytes[b..c], &bytes[a..b], &bytes[c..]].concat();
    let joined = [&bytes[..], &bytes[..]].concat();
    for (name, damaged) in [("deleted", deleted), ("repeated", repeated), ("swapped", swapped), ("joined", joined)] {
        assert!(decode(&damaged).is_err(), "{name}");
        let (samples, damages) = salvage(&damaged).expect("a whole header");
        assert!(!damages.is_empty(), "{name}");
        assert!(samples.len() == whole.len() && samples[..GROUP - 256] == whole[..GROUP - 256], "{name}");
        assert_eq!(samples[3 * GROUP + 256..], whole[3 * GROUP + 256..], "{name}");
    }
}

#[test]
fn concealment_fades_to_silence() {
    let (mut bytes, starts) = file();
    bytes[starts[2]..starts[3]].fill(0);
    let (samples, _) = salvage(&bytes).expect("a whole header");
    let rms = |from: usize| (samples[from..from + 512].iter().map(|x| x * x).sum::<f32>() / 512.0).sqrt();
    let (first, third, late) = (rms(2 * GROUP + 512), rms(2 * GROUP + 3 * 512), rms(2 * GROUP + 8 * 512));
    assert!(first > 0.005 && third < first && late == 0.0, "{first} {third} {late}");
}

/// Groups are read ahead of those being decoded, further with more threads: what is told does not depend on it.
#[cfg(feature = "parallel")]
#[test]
fn threads_change_nothing_about_damage() {
    let (whole, groups) = file();
    // the second group makes no sense under a right checksum, the last but one has a wrong checksum
    let mut bytes = whole.clone();
    let (start, end) = (groups[1], groups[2]);
    bytes[start + 16..end - 4].fill(0xFF);
    let checksum = crc32fast::hash(&bytes[start..end - 4]).to_le_bytes();
    bytes[end - 4..end].copy_from_slice(&checksum);
    bytes[groups[groups.len() - 2] + 40] ^= 1;
    let with_threads = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("threads");
        pool.install(|| (decode(&bytes).expect_err("damaged").to_string(), salvage(&bytes).expect("salvage")))
    };
    let one = with_threads(1);
    assert!(one.0.contains("group 1 ") && one.1.1.len() == 2, "{} {:?}", one.0, one.1.1);
    assert!(one.1.1[0].group < one.1.1[1].group, "{:?}", one.1.1);
    for n in [2, 3, 7] {
        let (error, (samples, damages)) = with_threads(n);
        assert_eq!((&error, &damages), (&one.0, &one.1.1), "{n} threads");
        assert!(samples == one.1.0);
    }
}
