use super::*;
use crate::{Signal, generate};

fn noise(n_samples: u64, seed: u64) -> Vec<f64> {
    let recipe =
        generate::TestSignal { kind: generate::Kind::White, n_samples, level_dbfs: -20.0, seed, ..Default::default() };
    generate::signal(recipe).expect("legal").into_channels().remove(0)
}

fn signal(channels: &[Vec<f64>]) -> Signal {
    Signal::new(48_000, channels.to_vec()).expect("legal")
}

fn compared(x: &[Vec<f64>], y: &[Vec<f64>], alignment: Alignment) -> Compared {
    compare(&signal(x), &signal(y), alignment, &()).expect("alike")
}

fn figure(measured: &PairMeasurement, key: &str) -> Figure {
    let entries = Section::all_entries(&measured.sections());
    entries.iter().find(|entry| entry.key == key).unwrap_or_else(|| panic!("no {key}")).figure
}

#[test]
fn delay_and_gain_are_undone() {
    let x = noise(48_000, 1);
    let late: Vec<f64> = [0.0; 37].into_iter().chain(x.iter().map(|x| -0.5 * x)).collect();
    let compared = compared(&[x], &[late], Alignment::File);
    let of = |key: &str| figure(&compared.over_all, key).expect("a figure");
    assert!((of("delay_samples") - 37.0).abs() < 1e-3 && (of("gain_db") + 6.0206).abs() < 1e-3);
    assert_eq!((of("polarity"), of("coverage_percent")), (-1.0, 100.0));
    assert!(compared.warnings.is_empty(), "{:?}", compared.warnings);
}

#[test]
fn a_test_of_half_the_length_covers_half() {
    let x = noise(48_000, 1);
    for alignment in [Alignment::File, Alignment::Channel, Alignment::None] {
        let compared = compared(std::slice::from_ref(&x), &[x[..24_000].to_vec()], alignment);
        assert_eq!(figure(&compared.over_all, "coverage_percent"), Ok(50.0));
        assert_eq!(figure(&compared.over_all, "missing_samples"), Ok(24_000.0));
        assert_eq!(compared.warnings, ["missing: the last 24000 samples (0.500000 s) of the reference"]);
        assert_eq!(compared.over_all.pair.snr_db, Err(Absent::NoError));
    }
}

#[test]
fn an_inverted_channel_is_not_undone_for_the_file() {
    let (l, r) = (noise(48_000, 1), noise(48_000, 2));
    let inverted: Vec<f64> = r.iter().map(|r| -r).collect();
    let file = compared(&[l.clone(), r.clone()], &[l.clone(), inverted.clone()], Alignment::File);
    assert_eq!(file.warnings, ["channel 2 is inverted against channel 1"]);
    assert!(file.over_all.pair.snr_db.expect("an error") < 0.0);
    let polarities: Vec<Figure> = file.channels.iter().map(|c| figure(c, "polarity")).collect();
    assert_eq!(polarities, [Ok(1.0), Ok(-1.0)]);
    let each = compared(&[l.clone(), r], &[l, inverted], Alignment::Channel);
    assert_eq!(each.over_all.pair.snr_db, Err(Absent::NoError));
    assert_eq!(figure(&each.channels[1], "polarity"), Ok(-1.0));
}

#[test]
fn a_late_channel_and_swapped_channels_are_told() {
    let (l, r) = (noise(48_000, 1), noise(48_000, 2));
    let late = [vec![0.0; 576], r[..48_000 - 576].to_vec()].concat();
    let file = compared(&[l.clone(), r.clone()], &[l.clone(), late], Alignment::File);
    assert_eq!(file.warnings, ["channel 2 is 576.00 samples (0.012000 s) late against channel 1"]);
    assert_eq!(figure(&file.over_all, "channel_delay_samples"), Ok(576.0));
    assert!(file.channels[1].pair.snr_db.expect("an error") < 0.0);
    let swapped = compared(&[l.clone(), r.clone()], &[r, l], Alignment::File);
    assert_eq!(swapped.warnings[0], "channels 1 and 2 are swapped");
    assert!(swapped.over_all.pair.snr_db.expect("an error") < 0.0);
}

#[test]
fn lost_and_inserted_samples_are_placed_and_left_out() {
    let x = noise(96_000, 3);
    let y = [&x[..30_000], &[0.0; 50][..], &x[30_000..70_000], &x[70_040..]].concat();
    let compared = compared(&[x], &[y], Alignment::File);
    assert_eq!(
        compared.warnings,
        [
            "inserted: 50 samples (0.001042 s) that the reference has not, at 0.625000 s (sample 30000) of it",
            "missing: 40 samples (0.000833 s) of the reference at 1.458333 s (sample 70000)",
        ]
    );
    assert_eq!(compared.over_all.pair.snr_db, Err(Absent::NoError));
    assert!(figure(&compared.over_all, "coverage_percent").expect("a figure") < 100.0);
}

#[test]
fn frame_means_are_means_of_the_channels() {
    let (l, r) = (noise(9_999, 1), noise(9_999, 2));
    let rounded = |x: &[f64], steps: f64| x.iter().map(|x| (x * steps).round() / steps).collect::<Vec<f64>>();
    let (a, b) = (rounded(&l, 64.0), rounded(&r, 1_024.0));
    let compared = compared(&[l, r], &[a, b], Alignment::None);
    for key in ["segsnr_db", "segsnr_clamped_db", "lsd_db"] {
        let of_channels: f64 = compared.channels.iter().map(|c| figure(c, key).expect("a figure")).sum();
        let over_all = figure(&compared.over_all, key).expect("a figure");
        assert!((over_all - of_channels / 2.0).abs() < 1e-9, "{key}: {over_all}");
    }
}

#[test]
fn other_rates_are_resampled_and_other_channels_refused() {
    let tone = |rate: u32| {
        let recipe = generate::TestSignal { sample_rate_hz: rate, n_samples: u64::from(rate), ..Default::default() };
        generate::signal(recipe).expect("legal")
    };
    let compared = compare(&tone(48_000), &tone(44_100), Alignment::File, &()).expect("alike");
    assert_eq!(compared.warnings[0], "has 44100 Hz, signal 48000 Hz; resampled to that for the comparison");
    let snr_db = compared.over_all.pair.snr_db.expect("an error");
    assert!(snr_db > 95.0, "{snr_db}");
    assert!(figure(&compared.over_all, "left_out_samples").expect("a count") >= 128.0);
    let stereo = signal(&[noise(100, 1), noise(100, 2)]);
    let refused = compare(&signal(&[noise(100, 1)]), &stereo, Alignment::File, &()).expect_err("more channels");
    assert_eq!(refused.to_string(), "signal: has 2 channels, signal 1; compare files of as many channels");
}

#[test]
fn few_samples_are_numbers_or_reasons() {
    for n in [0, 1, 2, 63, 64, 65, 200] {
        let x = noise(n, 5);
        for alignment in [Alignment::File, Alignment::Channel, Alignment::None] {
            let compared = compared(&[x.clone(), x.clone()], &[x.clone(), x.clone()], alignment);
            for measured in compared.channels.iter().chain([&compared.over_all]) {
                for entry in Section::all_entries(&measured.sections()) {
                    assert!(entry.figure.is_err() || entry.figure.is_ok_and(f64::is_finite), "{n}: {entry:?}");
                }
            }
        }
    }
}
