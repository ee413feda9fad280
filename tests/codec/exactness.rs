//! Lengths, seeking, threads, streaming: what must be equal, bit for bit or sample for sample.

use super::{decode, drain, encode, encode_with, music};
use sqnr::codec::{Decoder, Encoder, EncoderOptions, Goal, Target};
use std::io::Cursor;

#[test]
fn lengths_are_exact() {
    for (rate_hz, superframe) in [(48_000, 4096), (44_100, 4096), (8_000, 512)] {
        for n in [0, 1, 2, superframe - 1, superframe, superframe + 1, 3 * superframe + 5] {
            for n_channels in [1, 2, 3] {
                let channels = music(n_channels, n);
                let decoded = decode(&encode(rate_hz, &channels)).expect("its own bytes");
                assert!(decoded.len() == n_channels && decoded.iter().all(|c| c.len() == n), "{rate_hz} Hz, {n}");
            }
        }
    }
}

#[test]
fn lengths_are_exact_around_groups_and_rates() {
    let group = 48 * 512;
    for n in [group - 1, group, group + 1, 2 * group + 300] {
        assert_eq!(decode(&encode(8_000, &music(1, n))).expect("its own bytes")[0].len(), n);
    }
    for rate_hz in [11_025, 22_050, 32_000, 96_000, 192_000] {
        assert_eq!(decode(&encode(rate_hz, &music(2, 20_001))).expect("its own bytes")[1].len(), 20_001);
    }
    assert_eq!(decode(&encode(48_000, &music(255, 100))).expect("its own bytes").len(), 255);
}

#[test]
fn a_stream_of_unknown_length_and_any_blocks_give_the_same_samples() {
    let channels = music(2, 70_000);
    let mut bytes = Vec::new();
    let options = EncoderOptions { loudness: Some(-20.0), ..EncoderOptions::new(8_000, 2) };
    let mut encoder = Encoder::new(&mut bytes, &options).expect("legal");
    let mut at = 0;
    for step in (1..).map(|i| i * 37 % 5000 + 1) {
        let end = (at + step).min(70_000);
        let part: Vec<&[f32]> = channels.iter().map(|c| &c[at..end]).collect();
        encoder.push(&part).expect("memory takes everything");
        at = end;
        if at == 70_000 {
            break;
        }
    }
    assert_eq!(encoder.finish().expect("memory takes everything").samples, 70_000);
    let decoder = Decoder::new(&bytes[..]).expect("its own bytes");
    assert_eq!(decoder.header().samples, None);
    let stated = EncoderOptions { samples: Some(70_000), ..options };
    let at_once = encode_with(&stated, &channels);
    assert_eq!(decode(&bytes).expect("its own bytes"), decode(&at_once).expect("its own bytes"));
}

#[test]
fn any_start_equals_the_whole_decode() {
    let channels = music(2, 120_000);
    let bytes = encode(8_000, &channels);
    let whole = decode(&bytes).expect("its own bytes");
    let group = 48 * 512;
    for start in [0, 1, 255, 256, 5_000, group - 1, group, group + 100, group + 256, 2 * group + 255, 119_999] {
        let mut decoder = Decoder::new(Cursor::new(&bytes)).expect("its own bytes");
        decoder.seek(start as u64).expect("within the file");
        let part = drain(&mut decoder).expect("its own bytes");
        assert!(part.iter().zip(&whole).all(|(part, whole)| part[..] == whole[start..]), "from {start}");
    }
    let mut decoder = Decoder::new(Cursor::new(&bytes)).expect("its own bytes");
    decoder.seek(500_000).expect("past the end is empty");
    assert!(drain(&mut decoder).expect("its own bytes")[0].is_empty());
}

#[test]
fn the_index_is_not_needed_to_seek() {
    let bytes = encode(8_000, &music(1, 60_000));
    let whole = decode(&bytes).expect("its own bytes");
    // without the last eight bytes the end record cannot be found from behind
    let mut decoder = Decoder::new(Cursor::new(&bytes[..bytes.len() - 8])).expect("a whole header");
    decoder.seek(30_000).expect("groups are walked");
    let first = decoder.next_block().expect("a whole group").expect("not the end")[0].clone();
    assert_eq!(first[..], whole[0][30_000..30_000 + first.len()]);
}

#[cfg(feature = "parallel")]
#[test]
fn threads_change_nothing() {
    let channels = music(2, 110_000);
    let with_threads = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("threads");
        pool.install(|| {
            let bytes = encode(8_000, &channels);
            let samples = decode(&bytes).expect("its own bytes");
            (bytes, samples)
        })
    };
    let one = with_threads(1);
    // not assert_eq: a difference would print a hundred thousand samples
    assert!(one == with_threads(2) && one == with_threads(7));
}

#[test]
fn white_noise_is_that_of_its_step() {
    let channels = music(1, 50_000);
    for noise_db in [-60.0, -100.0_f32] {
        let mut bytes = Vec::new();
        let (options, goal) = (EncoderOptions::new(48_000, 1), Goal::WhiteNoise(noise_db));
        let mut encoder = Encoder::with_goal(&mut bytes, &options, goal).expect("legal");
        encoder.push(&channels).expect("memory takes everything");
        encoder.finish().expect("memory takes everything");
        let decoded = decode(&bytes).expect("its own bytes");
        let error: f64 = decoded[0].iter().zip(&channels[0]).map(|(y, x)| f64::from(y - x).powi(2)).sum();
        let measured = 10.0 * (error / 50_000.0).log10();
        // steps come in 3 dB, and zeros may err less than a step's noise
        assert!((measured - f64::from(noise_db)).abs() < 2.0, "{measured} dBFS for {noise_db}");
    }
}

#[test]
fn invalid_samples_become_zero_or_full_scale_and_are_counted() {
    let mut channels = music(1, 5_000);
    let mut clean = channels.clone();
    let known = [(f32::NAN, 0.0), (f32::INFINITY, 1.0), (f32::NEG_INFINITY, -1.0)];
    for (i, (bad, taken)) in [100, 2_000, 3_000].into_iter().zip(known) {
        channels[0][i] = bad;
        clean[0][i] = taken;
    }
    let mut bytes = Vec::new();
    let options = EncoderOptions { samples: Some(5_000), ..EncoderOptions::new(48_000, 1) };
    let mut encoder = Encoder::new(&mut bytes, &options).expect("legal");
    encoder.push(&channels).expect("memory takes everything");
    assert_eq!(encoder.finish().expect("memory takes everything").invalid_samples, 3);
    assert_eq!(bytes, encode(48_000, &clean));
}

#[test]
fn options_out_of_range_are_refused() {
    let good = EncoderOptions::new(48_000, 2);
    for bad in [
        EncoderOptions { sample_rate_hz: 7_999, ..good.clone() },
        EncoderOptions { sample_rate_hz: 192_001, ..good.clone() },
        EncoderOptions { channels: 0, ..good.clone() },
        EncoderOptions { target: Target::Quality(10.1), ..good.clone() },
        EncoderOptions { target: Target::Quality(f32::NAN), ..good.clone() },
        EncoderOptions { target: Target::Bitrate(96.0), ..good.clone() },
    ] {
        assert!(matches!(Encoder::new(Vec::new(), &bad), Err(sqnr::Error::InvalidParameter { .. })), "{bad:?}");
    }
    for bad in [Goal::NoiseTarget(1.0), Goal::WhiteNoise(-200.0)] {
        let result = Encoder::with_goal(Vec::new(), &good, bad);
        assert!(matches!(result, Err(sqnr::Error::InvalidParameter { .. })), "{bad:?}");
    }
}
