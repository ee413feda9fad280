//! Files of every format in `testdata/decode`, against the tone they were made from.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use super::{open, open_stream};
use crate::Error;

fn clip(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/decode").join(name)
}

#[test]
fn a_wav_file_opens_by_its_content() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let misnamed = folder.path().join("tone.mp3");
    fs::copy(clip("ref16.wav"), &misnamed).expect("room for a copy");
    let mut source = open(&misnamed).expect("a WAV file");
    let info = source.info().clone();
    assert_eq!((info.container.as_str(), info.codec.as_str(), info.n_frames), ("WAV", "PCM", Some(11_025)));
    let signal = source.read_to_end().expect("whole");
    assert_eq!((signal.len(), signal.sample_rate_hz()), (11_025, 44_100));
    let from_pipe = open_stream(fs::File::open(&misnamed).expect("it is there")).expect("a WAV file");
    assert_eq!(from_pipe.info(), &info);
}

#[test]
fn what_is_no_audio_is_said_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x");
    let noise: Vec<u8> = (0..40_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for bytes in [&b"x"[..], b"A line of text, as long as a header is.\n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &noise] {
        fs::write(&path, bytes).expect("room");
        let error = open(&path).expect_err("no audio").to_string();
        assert!(error.starts_with("not audio that sqnr reads (WAV, "), "{error}");
        let error = open_stream(Cursor::new(bytes.to_vec())).expect_err("no audio").to_string();
        assert!(error.starts_with("not audio that sqnr reads (WAV, "), "{error}");
    }
    fs::write(&path, b"").expect("room");
    assert_eq!(open(&path).expect_err("empty").to_string(), "the file is empty (at byte 0)");
}

#[test]
fn errors_of_the_system_carry_the_path() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for path in [folder.path().to_path_buf(), folder.path().join("absent.wav")] {
        match open(&path).expect_err("cannot be read") {
            Error::Io { path: named, .. } => assert_eq!(named, Some(path)),
            other => panic!("expected an I/O error, got {other:?}"),
        }
    }
}

#[cfg(feature = "decode")]
mod decoded {
    use super::*;
    use crate::audio_file::{Fidelity, Source};

    const EVERY: [&str; 9] = [
        "tone24.flac",
        "tone.aiff",
        "tone.caf",
        "tone_alac.m4a",
        "tone_aac.m4a",
        "tone.aac",
        "tone.mp3",
        "tone.ogg",
        "tone_ima.wav",
    ];

    fn codes(source: &mut Source) -> Vec<i32> {
        let mut all = vec![];
        let mut block = [0; 2 * 1000];
        loop {
            let n = source.read_codes(&mut block).expect("whole") * usize::from(source.info().spec.channels);
            if n == 0 {
                return all;
            }
            all.extend_from_slice(&block[..n]);
        }
    }

    #[test]
    fn lossless_formats_give_every_code_back() {
        for (name, reference, container, codec, format) in [
            ("tone24.flac", "ref24.wav", "FLAC", "FLAC", "24-bit"),
            ("tone.aiff", "ref16.wav", "AIFF", "PCM", "16-bit"),
            ("tone.caf", "ref16.wav", "CAF", "PCM", "16-bit"),
            ("tone_alac.m4a", "ref16.wav", "MP4", "ALAC", "16-bit"),
        ] {
            let mut source = open(&clip(name)).expect(name);
            let mut wav = open(&clip(reference)).expect(reference);
            let info = source.info().clone();
            assert_eq!((info.container.as_str(), info.codec.as_str()), (container, codec), "{name}");
            assert_eq!((info.spec.sample_format.to_string().as_str(), info.n_frames), (format, wav.info().n_frames));
            assert_eq!((info.fidelity, info.spec.sample_rate_hz), (Fidelity::Lossless, wav.info().spec.sample_rate_hz));
            assert!(codes(&mut source) == codes(&mut wav), "{name} differs from {reference}");
            assert!(source.warnings().is_empty(), "{name}: {:?}", source.warnings());
        }
    }

    /// SNR in dB of `y`, moved by `shift` samples, over the middle of the tone.
    fn snr_db(x: &[f64], y: &[f64], shift: usize) -> f64 {
        let middle = 1500..x.len() - 1500;
        let x = &x[middle.clone()];
        let y = &y[middle.start + shift - 1..middle.end + shift - 1];
        let error: f64 = x.iter().zip(y).map(|(x, y)| (y - x).powi(2)).sum();
        10.0 * (x.iter().map(|x| x * x).sum::<f64>() / error).log10()
    }

    /// Lossy files begin and end where the tone does: moved by a sample either way they fit worse.
    #[test]
    fn lossy_formats_are_trimmed_to_the_sample() {
        let reference = open(&clip("ref16.wav")).and_then(|mut wav| wav.read_to_end()).expect("whole");
        let x = &reference.channels()[0];
        for (name, codec) in [("tone.mp3", "MP3"), ("tone.ogg", "Vorbis"), ("tone_aac.m4a", "AAC")] {
            let mut source = open(&clip(name)).expect(name);
            assert_eq!((source.info().codec.as_str(), source.info().fidelity), (codec, Fidelity::Lossy));
            let decoded = source.read_to_end().expect("whole");
            assert_eq!((decoded.len(), source.info().n_frames), (x.len(), Some(x.len() as u64)), "{name}");
            let [early, right, late] = [0, 1, 2].map(|shift| snr_db(x, &decoded.channels()[0], shift));
            assert!(right > 25.0 && right > early + 3.0 && right > late + 3.0, "{name}: {early} {right} {late} dB");
            assert!(source.warnings().is_empty(), "{name}: {:?}", source.warnings());
        }
    }

    #[test]
    fn titles_become_info_texts() {
        for name in ["tone24.flac", "tone.mp3", "tone.ogg", "tone.aiff"] {
            let texts = open(&clip(name)).expect(name).metadata().info_texts();
            assert!(texts.contains(&(*b"INAM", "Test tone".into())), "{name}: {texts:?}");
        }
    }

    #[test]
    fn pipes_are_decoded_where_the_format_allows_it() {
        for name in ["tone24.flac", "tone.aiff", "tone.aac", "tone.mp3", "tone.ogg"] {
            let from_file = open(&clip(name)).and_then(|mut source| source.read_to_end()).expect(name);
            let pipe = Cursor::new(fs::read(clip(name)).expect(name));
            let from_pipe = open_stream(pipe).and_then(|mut source| source.read_to_end()).expect(name);
            assert!(from_file == from_pipe, "{name}");
        }
        for name in ["tone.caf", "tone_aac.m4a"] {
            let pipe = Cursor::new(fs::read(clip(name)).expect(name));
            let error = open_stream(pipe).expect_err("it needs seeking").to_string();
            assert_eq!(error, "MP4 and CAF cannot be read from a pipe; name the file itself");
        }
    }

    /// Codes are refused where there are none, and adpcm in a WAV file is decoded after all.
    #[test]
    fn adpcm_comes_as_amplitudes() {
        let mut source = open(&clip("tone_ima.wav")).expect("symphonia knows it");
        assert_eq!((source.info().codec.as_str(), source.info().fidelity), ("IMA ADPCM", Fidelity::Lossy));
        assert!(matches!(source.read_codes(&mut [0; 8]), Err(Error::Unsupported { .. })));
        let mut block = [0.0; 1000];
        assert_eq!(source.read_f32(&mut block).expect("whole").min(100), 100);
    }

    /// Cut anywhere or with bytes changed: an error, or samples and mostly a warning; never a panic, never more samples
    /// than a header could claim of a file this small.
    #[test]
    fn damaged_files_end_in_an_error_or_early() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("damaged");
        let mut seed = 1_u32;
        for name in EVERY {
            let whole = fs::read(clip(name)).expect(name);
            for round in 0..40_usize {
                let mut bytes = whole[..whole.len() * (round + 1) / 40].to_vec();
                for _ in 0..round % 4 {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let at = seed as usize % bytes.len();
                    bytes[at] ^= (seed >> 24) as u8 | 1;
                }
                fs::write(&path, &bytes).expect("room");
                let frames = open(&path).and_then(|mut source| source.read_to_end()).map(|signal| signal.len());
                assert!(frames.as_ref().is_ok_and(|&n| n < 1_000_000) || frames.is_err(), "{name}: {frames:?}");
            }
        }
    }

    #[test]
    fn a_file_cut_short_says_what_is_missing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("cut.flac");
        let whole = fs::read(clip("tone24.flac")).expect("it is there");
        fs::write(&path, &whole[..whole.len() * 9 / 10]).expect("room");
        let mut source = open(&path).expect("its header is whole");
        let n = source.read_to_end().expect("what is there").len();
        assert!(n > 0 && n < 4_800, "{n}");
        let said = format!("the header declares 4800 samples per channel, {n} are there");
        assert!(source.warnings().contains(&said), "{:?}", source.warnings());
    }
}
