//! The page as text; what a browser makes of it is tested with a browser.

use super::*;
use crate::analysis::spectrum::Settings;

fn signal(n: usize, step: f64) -> Signal {
    let x: Vec<f64> = (0..n).map(|i| ((i as f64 * 0.05).sin() * 0.5 / step).round() * step).collect();
    Signal::new(8000, vec![x]).expect("legal")
}

fn entry(key: &'static str, value: f64) -> Entry {
    Entry { key, label: "SNR", unit: "dB", figure: Ok(value), definition: "", formula: String::new() }
}

fn version<'a>(name: &str, signal: &'a Signal, spectrum: &'a PowerSpectrum, snr_db: f64) -> Version<'a> {
    Version {
        name: name.into(),
        signal,
        figures: vec![entry("snr_db", snr_db)],
        spectrum: Some(spectrum),
        error_spectrum: Some(spectrum),
    }
}

fn page_text(name: &str, parts: Parts, max_audio_bytes: usize) -> String {
    let (a, b) = (signal(8000, 1.0 / 32_768.0), signal(6000, 1.0 / 128.0));
    let settings = Settings { n_fft: 256, hop: 128, ..Settings::default() };
    let spectrum = PowerSpectrum::of(&a.channels()[0], 8000.0, settings).expect("long enough");
    let page = Page {
        title: name.into(),
        subtitle: name.into(),
        versions: vec![version("reference", &a, &spectrum, 90.0), version(name, &b, &spectrum, 40.0)],
        comparison: Comparison::WithFirst,
        charts: vec![Chart::default()],
        parts,
        notes: vec![name.into()],
        max_audio_bytes,
    };
    let mut out = Vec::new();
    page.write(&mut out).expect("memory");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn nothing_of_a_name_is_injected() {
    let name = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u{202e}\u{1b}😀 {hear} </title>";
    let page = page_text(name, Parts::All, DEFAULT_AUDIO_BYTES);
    assert!(!page.contains("<img"));
    assert!(!page.contains("<script>alert"));
    assert!(!page.contains('\u{202e}') || page.contains("\\u{202e}"));
    // Two styles of scripts that we wrote, one of data, one per version.
    assert_eq!(page.matches("<script").count(), 5);
    assert_eq!(page.matches("</script").count(), 5);
}

#[test]
fn parts_are_there_or_not() {
    let all = page_text("b", Parts::All, DEFAULT_AUDIO_BYTES);
    assert!(all.contains("id=\"listen\"") && all.contains("id=\"plot-error\"") && all.contains("id=\"audio-1\""));
    let silent = page_text("b", Parts::WithoutAudio, DEFAULT_AUDIO_BYTES);
    assert!(
        !silent.contains("id=\"listen\"") && silent.contains("id=\"plot-error\"") && !silent.contains("id=\"audio-")
    );
    assert!(silent.len() < 2_000_000);
    let listening = page_text("b", Parts::ListeningOnly, DEFAULT_AUDIO_BYTES);
    assert!(listening.contains("id=\"listen\"") && !listening.contains("id=\"plot-error\""));
    assert!(
        all.contains("reference is nearest to the reference (SNR 90.0\u{a0}dB), b farthest from it (40.0\u{a0}dB).")
    );
}

#[test]
fn audio_is_shortened_to_its_budget_and_says_so() {
    let page = page_text("b", Parts::All, 8000);
    assert!(page.contains("the first 0.3\u{a0}s of 1.0\u{a0}s") || page.contains("the first 0.2\u{a0}s of 1.0\u{a0}s"));
    let element = page.split("id=\"audio-0\">").nth(1).and_then(|t| t.split('<').next()).expect("audio");
    // 2000 samples of 2 bytes; base64 makes 4 characters of 3 bytes.
    assert_eq!(element.len(), 4000_usize.div_ceil(3) * 4);
    assert!(!page_text("b", Parts::All, 0).contains("id=\"listen\""));
}

#[test]
fn stored_samples_are_the_samples() {
    let x = Signal::new(8000, vec![vec![0.5, -1.0, 1.5, f64::NAN], vec![0.0, 0.25, -2.0, -0.5]]).expect("legal");
    let version =
        Version { name: String::new(), signal: &x, figures: Vec::new(), spectrum: None, error_spectrum: None };
    let excerpt = audio::Excerpt { frames: 0..4, format: audio::Format::S16, total: 4 };
    let mut out = Vec::new();
    excerpt.write(&[version], &mut out).expect("memory");
    // 0x4000, 0, 0x8000, 0x2000, 0x7fff, 0x8000, 0, 0xc000, little-endian.
    let expected = crate::report::plot::document::base64(&[
        0x00, 0x40, 0, 0, 0x00, 0x80, 0x00, 0x20, 0xff, 0x7f, 0x00, 0x80, 0, 0, 0x00, 0xc0,
    ]);
    assert!(String::from_utf8(out).expect("text").contains(&expected));
}

#[test]
fn versions_that_do_not_match_are_refused() {
    let (a, b) = (signal(100, 0.1), Signal::new(44_100, vec![vec![0.0; 100]]).expect("legal"));
    let plain = |signal| Version { name: "v".into(), signal, figures: vec![], spectrum: None, error_spectrum: None };
    let page = |versions| Page {
        title: String::new(),
        subtitle: String::new(),
        versions,
        comparison: Comparison::None,
        charts: Vec::new(),
        parts: Parts::All,
        notes: Vec::new(),
        max_audio_bytes: DEFAULT_AUDIO_BYTES,
    };
    assert!(matches!(page(vec![plain(&a), plain(&b)]).write(&mut Vec::new()), Err(Error::Unsupported { .. })));
    assert!(matches!(page(vec![]).write(&mut Vec::new()), Err(Error::InvalidParameter { .. })));
}
