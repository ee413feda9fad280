//! `w`: what the spectrum shows, as SVG and CSV.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use super::View;
use sqnr::{
    Result,
    atomic_file::{AtomicFile, Existing},
    live::{SPECTRUM_LENGTH, noise_line_dbfs, theory_snr_db},
    report::plot::{Axis, Chart, Ink, Mark, Panel, Positions, Reduce, Series, Stroke, Style},
};

/// Snapshots of one folder are numbered; there are no more than this.
const MAX_NUMBER: u32 = 9_999;

/// Writes `sqnr-live-N.svg` and `.csv` into `folder`, N the first free number. Returns the picture's name.
///
/// # Errors
/// `Io` when the folder cannot be written.
pub fn write(view: &View, folder: &Path) -> Result<PathBuf> {
    let name = |number: u32, ending: &str| folder.join(format!("sqnr-live-{number}.{ending}"));
    let number = (1..MAX_NUMBER).find(|&n| !name(n, "svg").exists() && !name(n, "csv").exists()).unwrap_or(MAX_NUMBER);
    let chart = chart(view);
    let mut table = Vec::new();
    chart.write_csv(&mut table)?;
    write_whole(&name(number, "csv"), &table)?;
    let picture = name(number, "svg");
    write_whole(&picture, chart.draw(Style::default()).svg().as_bytes())?;
    Ok(picture)
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path, Existing::Refuse)?;
    file.write_all(bytes).map_err(|source| sqnr::Error::Io { path: Some(path.into()), source })?;
    file.commit()
}

fn chart(view: &View) -> Chart {
    let spectra = &view.reading.spectra;
    let step = view.sample_rate_hz / SPECTRUM_LENGTH as f64;
    // The line of DC has no place on a logarithmic axis.
    let points = |dbfs: &[f64]| Mark::Line {
        x: Positions::Uniform { start: step, step },
        y: dbfs.iter().skip(1).copied().collect(),
        reduce: Reduce::PowerMean,
    };
    let mut series = vec![
        Series::new("Input", "input_dbfs", Ink::Signal, points(&spectra.input_dbfs)),
        Series::new("Error", "error_dbfs", Ink::Error, points(&spectra.error_dbfs)),
    ];
    if let Some(power) = view.settings.noise_power() {
        let floor = noise_line_dbfs(power, view.noise_bandwidth_hz, view.sample_rate_hz);
        let mark = Mark::Level(floor);
        series.push(Series::new("Theory, mean", "theory_dbfs", Ink::Theory, mark).stroked(Stroke::Dashed));
    }
    let settings = &view.settings;
    let mut subtitle = vec![format!(
        "{} {}, dither {}, shape {}, {} Hz",
        settings.rate(),
        settings.recipe().method.word(),
        settings.dither().name(),
        settings.recipe().shape.word(),
        view.sample_rate_hz
    )];
    if let Some(snr) = view.reading.snr_mean_db.filter(|snr| snr.is_finite()) {
        let theory = theory_snr_db(settings, &view.reading).map_or(String::new(), |db| format!(", theory {db:.1} dB"));
        subtitle.push(format!("SNR {snr:.1} dB over 10 s{theory}"));
    }
    Chart {
        title: "Live spectrum".into(),
        subtitle: subtitle.join(" \u{b7} "),
        x: Axis::frequency().over(20.0, view.sample_rate_hz / 2.0),
        panels: vec![Panel { y: Axis::decibel("Level", "dBFS", "level_dbfs"), series, ..Default::default() }],
    }
}
