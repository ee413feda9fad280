//! Kind `bits`: where a codec spends its bits, in time and frequency, what of its noise is masked, and its bit rate.

use super::chart::{Axis, Chart, HeatMap, Mark, Panel, Scale, Series, Ticks};
use super::style::Ink;
use super::value;

/// Colours of noise over mask, dB: from far below what is heard to far above.
const NMR_RANGE_DB: (f64, f64) = (-20.0, 10.0);

/// What the plot shows.
#[derive(Debug, Clone)]
pub struct Bits<'a> {
    /// Input, codec settings: the conditions.
    pub conditions: String,
    /// Duration of a packet, s.
    pub packet_s: f64,
    /// Edges of the bands, ascending, one more than bands.
    pub band_edges_hz: &'a [f64],
    /// Bits per coefficient, band by band for each packet in turn.
    pub bits_per_coefficient: &'a [f32],
    /// Size of each packet.
    pub packet_bits: &'a [f64],
    /// Packets that switch to short blocks.
    pub switched_packets: &'a [usize],
    /// Noise over masked noise in dB, in the order of the bits; empty when the original is not known. NaN where nothing
    /// was there to be masked.
    pub noise_to_mask_db: &'a [f32],
}

impl Bits<'_> {
    /// The map over the bit rate, both against time.
    pub fn chart(&self) -> Chart {
        let n_packets = self.packet_bits.len();
        let end_s = n_packets.max(1) as f64 * self.packet_s;
        let x = Axis::time().over(0.0, end_s);
        let subtitle = match self.switched_packets.len() {
            0 => self.conditions.clone(),
            n => format!("{} · {} of {n_packets} packets in short blocks", self.conditions, value::count(n as u64)),
        };
        let mut panels = vec![self.bits(end_s)];
        if !self.noise_to_mask_db.is_empty() {
            panels.push(self.noise_to_mask(end_s));
        }
        panels.push(self.rate(end_s));
        Chart { title: "Bit allocation".into(), subtitle, x, panels }
    }

    fn bits(&self, end_s: f64) -> Panel {
        let spent = self.bits_per_coefficient.iter().copied().filter(|b| b.is_finite()).fold(0.0_f32, f32::max);
        let axis = Axis::linear("Bits per coefficient", "", "bits_per_coefficient");
        self.map(self.bits_per_coefficient, (0.0, f64::from(spent).max(1e-3)), axis, end_s)
    }

    /// Zero is where noise begins to be heard.
    fn noise_to_mask(&self, end_s: f64) -> Panel {
        let axis = Axis::decibel("Noise to mask", "dB", "nmr_db");
        self.map(self.noise_to_mask_db, NMR_RANGE_DB, axis, end_s)
    }

    fn map(&self, values: &[f32], range: (f64, f64), axis: Axis, end_s: f64) -> Panel {
        let row_edges = self.band_edges_hz.to_vec();
        let heat = HeatMap { x: (0.0, end_s), row_edges, values: values.to_vec(), range, axis };
        let top = self.band_edges_hz.last().copied().unwrap_or(20_000.0);
        let second = self.band_edges_hz.get(1).copied().unwrap_or(20.0);
        let y = Axis { ticks: Ticks::Frequency, scale: Scale::Log, ..Axis::linear("Frequency", "Hz", "frequency_hz") };
        let y = y.over(second.min(top / 10.0).max(top / 1000.0), top);
        Panel { y, series: vec![Series::new("", "", Ink::Signal, Mark::Heat(heat))], height: 2.0, ..Panel::default() }
    }

    fn rate(&self, end_s: f64) -> Panel {
        let rates: Vec<f64> = self.packet_bits.iter().map(|bits| bits / self.packet_s / 1000.0).collect();
        let mean = rates.iter().sum::<f64>() / rates.len().max(1) as f64;
        let greatest = rates.iter().copied().fold(0.0, f64::max);
        let edges = (0..=rates.len()).map(|i| i as f64 / rates.len().max(1) as f64 * end_s).collect();
        let switched = self.switched_packets.iter().map(|&i| (i as f64 + 0.5) * self.packet_s).collect::<Vec<f64>>();
        let marks = vec![greatest * 1.06; switched.len()];
        let kbps = |v: f64| value::with_unit(v, 1, "kbit/s");
        let mut series = vec![
            Series::new("Bit rate", "bitrate_kbps", Ink::Signal, Mark::Steps { edges, y: rates }).valued(format!(
                "mean {}, greatest {}",
                kbps(mean),
                kbps(greatest)
            )),
        ];
        if !switched.is_empty() {
            series.push(Series::new("Short blocks", "", Ink::Error, Mark::Dots { x: switched, y: marks }));
        }
        let y = Axis::linear("Bit rate", "kbit/s", "bitrate_kbps").over(0.0, (greatest * 1.12).max(1.0));
        Panel { y, series, ..Panel::default() }
    }
}
