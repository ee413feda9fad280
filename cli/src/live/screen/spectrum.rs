//! The spectrum: input and error over one another, theory's floor, peaks; log frequency, dBFS.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Style},
};

use super::{
    View,
    raster::{Ink, Raster},
};
use sqnr::live::{SPECTRUM_LENGTH, noise_line_dbfs};

/// Lowest frequency shown.
const LOWEST_HZ: f64 = 20.0;
/// Columns for the level labels.
const LABEL_WIDTH: u16 = 5;
/// Labels of the frequency axis.
const FREQUENCIES: [(f64, &str); 11] = [
    (20.0, "20"),
    (50.0, "50"),
    (100.0, "100"),
    (200.0, "200"),
    (500.0, "500"),
    (1_000.0, "1k"),
    (2_000.0, "2k"),
    (5_000.0, "5k"),
    (10_000.0, "10k"),
    (20_000.0, "20k"),
    (40_000.0, "40k"),
];

/// Draws it into `area`, the last row for frequencies, the first columns for levels.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    if area.width < LABEL_WIDTH + 8 || area.height < 3 {
        return;
    }
    let inner = Rect { x: area.x + LABEL_WIDTH, width: area.width - LABEL_WIDTH, height: area.height - 1, ..area };
    let floor = Floor::of(view);
    let scale = Scale::new(view, &floor);
    draw_levels(&scale, area, inner, buffer);
    draw_frequencies(view, Rect { y: area.bottom() - 1, height: 1, ..inner }, buffer);

    let mut raster = Raster::new(inner, view.charset);
    let (width, height) = raster.size();
    let columns = columns(view.sample_rate_hz, width);
    let spectra = &view.reading.spectra;
    let mut plot = |curve: Vec<f64>, ink: Ink| {
        let rows: Vec<Option<usize>> = curve.into_iter().map(|dbfs| scale.row(dbfs, height)).collect();
        raster.curve(&rows, ink);
    };
    if view.holds_peaks {
        plot(columns.iter().map(|c| c.greatest(&spectra.peak_dbfs)).collect(), Ink::Peak);
    }
    plot(columns.iter().map(|c| c.greatest(&spectra.input_dbfs)).collect(), Ink::Input);
    if let Some(floor) = &floor {
        plot(columns.iter().map(|c| floor.at(c.frequency_hz)).collect(), Ink::Theory);
    }
    plot(columns.iter().map(|c| c.mean(&spectra.error_dbfs)).collect(), Ink::Error);
    raster.draw(buffer);
}

/// What theory expects of the error, seen through the analysis' bandwidth.
struct Floor<'a> {
    view: &'a View,
    white_dbfs: f64,
}

impl<'a> Floor<'a> {
    fn of(view: &'a View) -> Option<Self> {
        // The noise of the unshaped quantizer; the filter's own shape is put on it below.
        let white_dbfs =
            noise_line_dbfs(view.settings.white_noise_power()?, view.noise_bandwidth_hz, view.sample_rate_hz);
        Some(Self { view, white_dbfs })
    }

    fn at(&self, frequency_hz: f64) -> f64 {
        let gain = match self.view.settings.filter() {
            Some(filter) => filter.power_gain(frequency_hz / self.view.sample_rate_hz),
            None => 1.0,
        };
        self.white_dbfs + 10.0 * gain.log10()
    }
}

/// Level axis: from `bottom_db` to 0 dBFS.
struct Scale {
    bottom_db: f64,
}

impl Scale {
    /// Low enough for the floor, in whole steps of 20 dB; without one, for 16 bits.
    fn new(view: &View, floor: &Option<Floor>) -> Self {
        let lowest = floor.as_ref().map_or(-130.0, |f| {
            let points =
                (0..20).map(|i| f.at(LOWEST_HZ * (view.sample_rate_hz / 2.0 / LOWEST_HZ).powf(f64::from(i) / 19.0)));
            points.fold(f.white_dbfs, f64::min)
        });
        Self { bottom_db: (((lowest - 15.0) / 20.0).floor() * 20.0).clamp(-220.0, -80.0) }
    }

    /// `None` below the bottom.
    fn row(&self, dbfs: f64, height: usize) -> Option<usize> {
        let from_top = (dbfs / self.bottom_db).max(0.0);
        (from_top <= 1.0).then(|| (from_top * (height - 1) as f64).round() as usize)
    }
}

fn draw_levels(scale: &Scale, area: Rect, inner: Rect, buffer: &mut Buffer) {
    let n_steps = (-scale.bottom_db / 20.0) as u16;
    // A label every two rows at most.
    let stride = (2 * n_steps).div_ceil(inner.height.max(1)).max(1);
    for step in (0..=n_steps).step_by(usize::from(stride)) {
        let db = 0.0 - 20.0 * f64::from(step);
        let Some(row) = scale.row(db, usize::from(inner.height)) else { continue };
        let y = inner.y + row as u16;
        buffer.set_string(area.x, y, format!("{db:>4.0} "), Style::new().fg(Color::DarkGray));
        for x in (inner.x..inner.right()).step_by(2) {
            buffer.set_string(x, y, ".", Style::new().fg(Color::DarkGray));
        }
    }
}

fn draw_frequencies(view: &View, row: Rect, buffer: &mut Buffer) {
    let mut free_from = row.x;
    for (hz, label) in FREQUENCIES {
        let place = position(hz, view.sample_rate_hz) * f64::from(row.width);
        let x = (f64::from(row.x) + place - label.len() as f64 / 2.0).max(f64::from(row.x)) as u16;
        if hz < view.sample_rate_hz / 2.0 && x >= free_from && x + label.len() as u16 <= row.right() {
            buffer.set_string(x, row.y, label, Style::new().fg(Color::DarkGray));
            free_from = x + label.len() as u16 + 1;
        }
    }
    let unit_x = row.right().saturating_sub(2);
    if unit_x >= free_from {
        buffer.set_string(unit_x, row.y, "Hz", Style::new().fg(Color::DarkGray));
    }
}

/// Place of a frequency on the axis, 0 to 1.
fn position(hz: f64, sample_rate_hz: f64) -> f64 {
    (hz / LOWEST_HZ).ln() / (sample_rate_hz / 2.0 / LOWEST_HZ).ln()
}

/// The spectrum's lines that fall into one column of dots.
struct Column {
    frequency_hz: f64,
    first: usize,
    last: usize,
}

fn columns(sample_rate_hz: f64, width: usize) -> Vec<Column> {
    let ratio = sample_rate_hz / 2.0 / LOWEST_HZ;
    let at = |x: f64| LOWEST_HZ * ratio.powf(x / width as f64);
    let line = |hz: f64| hz * SPECTRUM_LENGTH as f64 / sample_rate_hz;
    (0..width)
        .map(|x| {
            let x = x as f64;
            let first = line(at(x)).round() as usize;
            let last = (line(at(x + 1.0)).round() as usize).max(first + 1) - 1;
            Column { frequency_hz: at(x + 0.5), first, last: last.min(SPECTRUM_LENGTH / 2) }
        })
        .collect()
}

impl Column {
    fn lines<'a>(&self, dbfs: &'a [f64]) -> &'a [f64] {
        dbfs.get(self.first..=self.last).unwrap_or(&[])
    }

    /// Tones must not vanish where a column holds many lines.
    fn greatest(&self, dbfs: &[f64]) -> f64 {
        self.lines(dbfs).iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// Noise must lie where theory draws it: the mean of power.
    fn mean(&self, dbfs: &[f64]) -> f64 {
        let lines = self.lines(dbfs);
        let power: f64 = lines.iter().map(|db| 10f64.powf(db / 10.0)).sum();
        10.0 * (power / lines.len().max(1) as f64).log10()
    }
}
