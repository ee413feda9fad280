//! Ticks that a person would choose.

use super::chart::{Axis, Scale, Ticks};
use super::frame::Ruler;

/// A labelled place on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub value: f64,
    pub label: String,
}

/// All marks of an axis.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TickSet {
    /// With labels, ascending.
    pub major: Vec<Tick>,
    /// Places of fine grid lines.
    pub minor: Vec<f64>,
    /// The labels count units of ten to this power.
    pub power_of_ten: i32,
}

/// Ticks are never asked to be closer than this.
const LEAST_SPACING_PX: f64 = 22.0;

/// Something that decides whether labels fit: given the ticks, true when none touches its neighbour.
pub(super) type Fits<'a> = &'a dyn Fn(&[Tick]) -> bool;

/// The densest ticks of `axis` along `ruler` that `fits` accepts, at most about one per `spacing_px`.
pub(super) fn choose(axis: &Axis, ruler: &Ruler, spacing_px: f64, fits: Fits) -> TickSet {
    match ruler.scale {
        Scale::Log if ruler.high / ruler.low > 2.5 => logarithmic(axis, ruler, fits),
        _ => linear(axis, ruler, spacing_px, fits),
    }
}

fn linear(axis: &Axis, ruler: &Ruler, spacing_px: f64, fits: Fits) -> TickSet {
    // A short axis still gets its middle marked, as long as labels may fit at all.
    let length = ruler.length_px();
    let wanted = (length / spacing_px).max((length / LEAST_SPACING_PX).min(4.0)).floor().max(1.0);
    let mut step = step_at_least((ruler.high - ruler.low) / wanted, axis.ticks);
    loop {
        let values = multiples(step, ruler.low, ruler.high);
        let set = labelled(&values, step, ruler, axis.ticks);
        if set.major.len() <= 2 || fits(&set.major) {
            return set;
        }
        step = step_at_least(step * 1.01, axis.ticks);
    }
}

/// The smallest step of the axis' kind that is no smaller than `least`.
pub(super) fn step_at_least(least: f64, kind: Ticks) -> f64 {
    const CLOCK_S: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0];
    const DECIBELS: [f64; 5] = [1.0, 2.0, 5.0, 10.0, 20.0];
    let fixed: &[f64] = match kind {
        Ticks::Clock => &CLOCK_S,
        Ticks::Decibel => &DECIBELS,
        _ => &[],
    };
    if let Some(&step) = fixed.iter().find(|&&s| s >= least * (1.0 - 1e-9)).filter(|_| least > 0.5) {
        return step;
    }
    let (unit, least) = if kind == Ticks::Clock && least > 1800.0 { (3600.0, least / 3600.0) } else { (1.0, least) };
    let least = if kind == Ticks::Integer { least.max(1.0) } else { least };
    let decade = 10.0_f64.powf(least.log10().floor());
    let mantissas: &[f64] = match kind {
        Ticks::Decimal => &[1.0, 2.0, 2.5, 5.0, 10.0],
        Ticks::Decibel => &[1.0, 2.0, 4.0, 5.0, 10.0],
        _ => &[1.0, 2.0, 5.0, 10.0],
    };
    let mantissa = mantissas.iter().find(|&&m| m * decade >= least * (1.0 - 1e-9)).unwrap_or(&10.0);
    unit * mantissa * decade
}

/// Multiples of `step` from `low` to `high`, the ends included.
fn multiples(step: f64, low: f64, high: f64) -> Vec<f64> {
    // A tick that misses the end by a rounding error belongs to it.
    let slack = 1e-9 * (high - low) / step;
    let (first, last) = ((low / step - slack).ceil(), (high / step + slack).floor());
    // The caller's step is a share of the range, so there are few; the limit guards against one that rounds to nothing.
    let n = (last - first + 1.0).clamp(0.0, 1000.0) as usize;
    (0..n).map(|i| (first + i as f64) * step).collect()
}

fn labelled(values: &[f64], step: f64, ruler: &Ruler, kind: Ticks) -> TickSet {
    let greatest = ruler.low.abs().max(ruler.high.abs());
    let power_of_ten = match kind {
        Ticks::Decimal if !(1e-3..1e5).contains(&greatest) && greatest > 0.0 => {
            3 * (greatest.log10() / 3.0).floor() as i32
        }
        _ => 0,
    };
    let unit = 10.0_f64.powi(power_of_ten);
    let label = |&value: &f64| {
        let text = match kind {
            Ticks::Frequency => frequency(value, step),
            Ticks::Clock => clock(value, step, greatest),
            _ => decimal(value / unit, step / unit),
        };
        Tick { value, label: text }
    };
    TickSet { major: values.iter().map(label).collect(), minor: Vec::new(), power_of_ten }
}

/// `value` with the decimals that `step` needs, and a true minus sign.
pub(super) fn decimal(value: f64, step: f64) -> String {
    let places = (0..=9).find(|&p| {
        let scaled = step * 10.0_f64.powi(p);
        (scaled - scaled.round()).abs() < 1e-6 * scaled
    });
    let text = format!("{:.*}", places.unwrap_or(9) as usize, value);
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|b| matches!(b, b'0' | b'.')) => digits.into(),
        Some(digits) => format!("\u{2212}{digits}"),
        None => text,
    }
}

/// Hz as "440", "1 k", "2.5 k".
fn frequency(value: f64, step: f64) -> String {
    let (unit, suffix) = match value.abs() {
        m if m >= 1e9 => (1e9, "\u{a0}G"),
        m if m >= 1e6 => (1e6, "\u{a0}M"),
        m if m >= 1e3 => (1e3, "\u{a0}k"),
        _ => (1.0, ""),
    };
    let text = decimal(value / unit, step / unit);
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{short}{suffix}")
}

/// Seconds, or minutes:seconds when the axis reaches two minutes, or hours:minutes:seconds from one hour.
fn clock(value: f64, step: f64, greatest: f64) -> String {
    if greatest < 120.0 || step < 1.0 {
        return decimal(value, step);
    }
    let sign = if value < 0.0 { "\u{2212}" } else { "" };
    let s = value.abs().round() as u64;
    match greatest {
        g if g < 3600.0 => format!("{sign}{}:{:02}", s / 60, s % 60),
        _ => format!("{sign}{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60),
    }
}

fn logarithmic(axis: &Axis, ruler: &Ruler, fits: Fits) -> TickSet {
    let candidates: [&[u32]; 5] = [&[1, 2, 3, 4, 5, 6, 7, 8, 9], &[1, 2, 3, 5, 7], &[1, 2, 5], &[1, 3], &[1]];
    // 20, 50, 100 is what people expect; more only where that leaves few.
    let decades = (ruler.high / ruler.low).log10();
    let skip = if decades > 1.2 { 2 } else { 0 };
    let sets = candidates[skip..].iter().map(|mantissas| log_ticks(axis, ruler, mantissas));
    let major = sets.into_iter().find(|ticks| ticks.len() <= 2 || fits(ticks)).unwrap_or_default();
    let labelled = |v: f64| major.iter().any(|t| (t.value / v - 1.0).abs() < 1e-9);
    let fine: Vec<u32> = (1..=9).collect();
    let minor = if decades > 6.0 { Vec::new() } else { log_ticks(axis, ruler, &fine) };
    let minor = minor.into_iter().map(|t| t.value).filter(|&v| !labelled(v)).collect();
    TickSet { major, minor, power_of_ten: 0 }
}

fn log_ticks(axis: &Axis, ruler: &Ruler, mantissas: &[u32]) -> Vec<Tick> {
    let (low, high) = (ruler.low * (1.0 - 1e-9), ruler.high * (1.0 + 1e-9));
    let decades = low.log10().floor() as i32..=high.log10().floor() as i32;
    let values = decades.flat_map(|d| mantissas.iter().map(move |&m| f64::from(m) * 10.0_f64.powi(d)));
    let within = values.filter(|v| (low..=high).contains(v));
    let label = |value: f64| match axis.ticks {
        Ticks::Frequency => frequency(value, value),
        _ => decimal(value, value),
    };
    within.map(|value| Tick { value, label: label(value) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, low: f64, high: f64, length_px: f64) -> Vec<String> {
        let ruler = Ruler { scale: axis.scale, low, high, from_px: 0.0, to_px: length_px };
        // Seven pixels a character and a space between labels.
        let fits = |ticks: &[Tick]| {
            ticks.windows(2).all(|t| {
                let n = (t[0].label.chars().count() + t[1].label.chars().count()) as f64 / 2.0 + 1.0;
                ruler.px(t[1].value) - ruler.px(t[0].value) > 7.0 * n
            })
        };
        choose(axis, &ruler, 60.0, &fits).major.into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn audio_frequencies_read_as_engineers_write_them() {
        let wide = labels(&Axis::frequency(), 20.0, 20_000.0, 800.0);
        let expected = ["20", "50", "100", "200", "500", "1 k", "2 k", "5 k", "10 k", "20 k"];
        assert_eq!(wide, expected.map(|l| l.replace(' ', "\u{a0}")));
        assert_eq!(labels(&Axis::frequency(), 20.0, 20_000.0, 120.0), ["100", "1\u{a0}k", "10\u{a0}k"]);
    }

    #[test]
    fn linear_axes_have_round_steps_and_true_minus_signs() {
        let axis = Axis::decibel("Level", "dBFS", "level_dbfs");
        assert_eq!(labels(&axis, -120.0, 0.0, 500.0), ["−120", "−100", "−80", "−60", "−40", "−20", "0"]);
        let axis = Axis::linear("Amplitude", "FS", "amplitude");
        assert_eq!(labels(&axis, -1.0, 1.0, 300.0), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(labels(&Axis::integer("Bits", "", "bits"), 1.0, 4.0, 900.0), ["1", "2", "3", "4"]);
    }

    #[test]
    fn time_turns_to_minutes() {
        assert_eq!(labels(&Axis::time(), 0.0, 10.0, 400.0), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(labels(&Axis::time(), 0.0, 349.0, 400.0), ["0:00", "1:00", "2:00", "3:00", "4:00", "5:00"]);
        assert_eq!(labels(&Axis::time(), 0.0, 36_000.0, 400.0)[1], "2:00:00");
    }

    #[test]
    fn tiny_values_share_a_power_of_ten() {
        let axis = Axis::linear("Error", "FS", "error");
        let ruler = Ruler { scale: Scale::Linear, low: -4e-6, high: 4e-6, from_px: 0.0, to_px: 300.0 };
        let set = choose(&axis, &ruler, 60.0, &|_| true);
        assert_eq!(set.power_of_ten, -6);
        assert_eq!(set.major[0].label, "−4");
    }

    #[test]
    fn any_range_has_a_bounded_number_of_ticks() {
        for kind in [Ticks::Decimal, Ticks::Decibel, Ticks::Frequency, Ticks::Integer, Ticks::Clock] {
            for (low, high) in [(0.0, 1e-300), (-1e300, 1e300), (1.0, 1.0 + 1e-12), (-3.0, 1e9)] {
                let axis = Axis { ticks: kind, ..Axis::default() };
                let ruler = Ruler { scale: Scale::Linear, low, high, from_px: 0.0, to_px: 500.0 };
                assert!(choose(&axis, &ruler, 50.0, &|_| true).major.len() <= 11, "{kind:?} {low} {high}");
            }
        }
    }
}
