//! Pictures drawn into memory, and read back as text.

use ratatui::{Terminal, backend::TestBackend};

use super::{picture, *};
use sqnr::live::{Dropouts, SPECTRUM_LENGTH, Spectra};

/// A view of a tone at -6 dBFS and 1 kHz, quantized to 8 bits with dither.
fn view(charset: Charset) -> View {
    let n_lines = SPECTRUM_LENGTH / 2 + 1;
    let tone = 1_000 * SPECTRUM_LENGTH / 48_000;
    let mut blank = View::blank(charset);
    let level = sqnr::live::Level { rms_dbfs: -6.0, peak_dbfs: -6.0, hold_dbfs: -5.0 };
    (blank.reading.input, blank.reading.output) = (level, level);
    blank.reading.signal_power = 0.125;
    (blank.reading.snr_db, blank.reading.snr_mean_db) = (Some(39.14), Some(39.2));
    let input: Vec<f64> = (0..n_lines).map(|k| if k == tone { -6.0 } else { -150.0 }).collect();
    let error_dbfs = vec![-80.0; n_lines];
    blank.reading.spectra = Spectra { peak_dbfs: input.clone(), input_dbfs: input, error_dbfs };
    blank.reading.cloud = (0..100).map(|i| (i as f32 / 200.0, i as f32 / 200.0)).collect();
    blank.status.latency_s = Some(0.0312);
    blank.settings = settings("uniform bits=8 dither=tpdf");
    blank.noise_bandwidth_hz = 15.0;
    blank
}

fn settings(text: &str) -> Settings {
    Settings::new(&text.parse().expect("legal"), 48_000, &[]).expect("legal")
}

fn drawn(view: &View, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("in memory");
    terminal.draw(|frame| picture::draw(view, frame.area(), frame.buffer_mut())).expect("in memory");
    let buffer = terminal.backend().buffer();
    (0..height).map(|y| (0..width).map(|x| buffer[(x, y)].symbol()).collect()).collect()
}

#[test]
fn the_least_window_holds_every_part() {
    let rows = drawn(&view(Charset::Unicode), 60, 18);
    assert!(rows[0].contains("latency 31.2 ms") && rows[0].contains("dropouts 0"), "{}", rows[0]);
    assert!(rows[1].starts_with("8 bits  uniform  dither tpdf  shape none  B quantized"), "{}", rows[1]);
    assert!(rows[14].contains("SNR 39.1 dB  10 s 39.2 dB  theory 39.1 dB"), "{}", rows[14]);
    assert!(rows[15].contains("-6.0 dBFS") && rows[15].ends_with("clip"), "{}", rows[15]);
    assert!(rows[17].contains("q quit") && rows[17].contains("? help"), "{}", rows[17]);
    let labels = &rows[13];
    assert!(labels.contains("100") && labels.contains("1k") && labels.contains("10k"), "{labels}");
    assert!(rows[2].starts_with("   0"), "{}", rows[2]);
}

#[test]
fn a_tone_stands_at_its_frequency_and_the_error_at_its_level() {
    let rows = drawn(&view(Charset::Ascii), 80, 40);
    // 80 columns less 5: 1 kHz lies at ln(50) / ln(1200) of 75 columns.
    let expected = 5.0 + 75.0 * (50f64).ln() / (1_200f64).ln();
    let top = rows[2..10].iter().find_map(|row| row[5..].find('#')).expect("a line at the top") + 5;
    assert!((top as f64 - expected).abs() <= 1.5, "column {top}, expected {expected}");
    // The error's row: -80 dB of a scale from 0 to -140 over 33 rows.
    let lowest = rows.iter().find(|row| row.starts_with("-120")).or(rows.iter().find(|row| row.starts_with("-100")));
    assert!(lowest.is_some(), "scale");
    let eighty = rows.iter().position(|row| row.starts_with(" -80")).expect("label");
    let dots = rows[eighty][5..].matches('.').count();
    assert!(dots > 60, "{}", rows[eighty]);
}

#[test]
fn wide_windows_show_the_staircase() {
    let narrow = drawn(&view(Charset::Unicode), 60, 18).join("\n");
    let wide = drawn(&view(Charset::Unicode), 200, 60).join("\n");
    assert!(!narrow.contains("output over input"));
    assert!(wide.contains("output over input, +-0.5"));
}

#[test]
fn ascii_draws_nothing_but_ascii() {
    for (width, height) in [(60, 18), (100, 30), (200, 60)] {
        assert!(drawn(&view(Charset::Ascii), width, height).iter().all(|row| row.is_ascii()));
    }
}

#[test]
fn no_window_is_too_small_or_odd() {
    let mut view = view(Charset::Unicode);
    view.shows_help = true;
    for width in [1, 2, 9, 10, 59, 60, 61, 95, 96, 97, 500] {
        for height in [1, 4, 5, 17, 18, 19, 100] {
            drawn(&view, width, height);
        }
    }
    let rows = drawn(&view, 10, 5);
    assert!(rows[1].starts_with("SNR 39.1"), "{rows:?}");
}

#[test]
fn alarms_are_seen() {
    let mut view = view(Charset::Unicode);
    view.status.state = State::Lost;
    view.status.dropouts = Dropouts { underruns: 3, ..Default::default() };
    view.reading.clipped_samples = 1;
    view.is_frozen = true;
    let rows = drawn(&view, 100, 30);
    let text = rows.join("\n");
    for word in ["DEVICE LOST", "dropouts 3", "CLIP", "FROZEN"] {
        assert!(text.contains(word), "{word}");
    }
    let lamp_of = |rows: &[String], meter: &str| {
        rows.iter().find(|row| row.starts_with(meter)).map(|row| row[row.len() - 4..].to_string())
    };
    assert_eq!([lamp_of(&rows, "in "), lamp_of(&rows, "out")], [Some("CLIP".into()), Some("clip".into())]);
    (view.reading.clipped_samples, view.status.clipped_output_samples) = (0, 1);
    let rows = drawn(&view, 100, 30);
    assert_eq!([lamp_of(&rows, "in "), lamp_of(&rows, "out")], [Some("clip".into()), Some("CLIP".into())]);
}

#[test]
fn silence_and_exactness_have_words() {
    let mut view = View::blank(Charset::Unicode);
    let text = drawn(&view, 80, 24).join("\n");
    assert!(text.contains("silent") && text.contains("SNR -"));
    view.reading.snr_db = Some(f64::INFINITY);
    assert!(drawn(&view, 80, 24).join("\n").contains("SNR exact"));
}

#[test]
fn shaped_noise_moves_the_floor() {
    let mut view = view(Charset::Ascii);
    let flat = drawn(&view, 80, 40);
    view.settings = settings("uniform bits=8 dither=tpdf shape=order-2");
    let shaped = drawn(&view, 80, 40);
    let rows_of = |rows: &[String]| rows[2..34].iter().filter(|row| row[5..].contains('-')).count();
    assert!(rows_of(&flat) <= 1, "a white floor is one row");
    assert!(rows_of(&shaped) > 10, "a shaped one climbs");
}

#[test]
fn a_snapshot_is_a_picture_and_a_table() {
    let folder = tempfile::tempdir().expect("folder");
    let view = view(Charset::Unicode);
    let first = snapshot::write(&view, folder.path()).expect("written");
    let second = snapshot::write(&view, folder.path()).expect("written");
    assert!(first.ends_with("sqnr-live-1.svg") && second.ends_with("sqnr-live-2.svg"));
    let svg = std::fs::read_to_string(&first).expect("text");
    assert!(svg.contains("<svg") && svg.contains("8 bits uniform"));
    let csv = std::fs::read_to_string(folder.path().join("sqnr-live-1.csv")).expect("text");
    let tone = csv.lines().find(|line| line.contains(",-6")).expect("the tone's line");
    let hz: f64 = tone.split(',').next().and_then(|field| field.parse().ok()).expect("a frequency");
    assert!((hz - 1_000.0).abs() < 6.0, "{tone}");
}

#[test]
fn the_ring_of_dithers_comes_back() {
    let mut dither = Dither::Triangular;
    for _ in 0..DITHERS.len() {
        dither = next(&DITHERS, |d| *d == dither);
    }
    assert_eq!(dither, Dither::Triangular);
}
