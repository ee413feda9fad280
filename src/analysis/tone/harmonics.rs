//! Where the harmonics of a tone come to lie, and which of them cannot be told from something else.
//!
//! Order k lies at k f, folded at half the rate. Over a record of N samples two components less than a line (1/N) apart
//! are one; a component so near to half the rate is one with its own image.

use super::Aliased;
pub use crate::analysis::hidden::Hidden;
use crate::analysis::sinusoids::fold;

/// One harmonic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Harmonic {
    /// 2 for the second harmonic.
    pub order: u32,
    /// Where it is after folding at half the rate.
    pub frequency_hz: f64,
    /// Mean square; none where it cannot be told apart.
    pub power: Option<f64>,
    /// What it cannot be told from, within a line.
    pub hidden: Option<Hidden>,
}

impl Harmonic {
    /// Mean square of all harmonics up to `bandwidth_hz`.
    pub(super) fn sum(harmonics: &[Self], bandwidth_hz: f64) -> f64 {
        let counted = harmonics.iter().filter(|h| h.frequency_hz <= bandwidth_hz);
        counted.filter_map(|h| h.power).sum()
    }
}

/// Two components nearer than this part of a line differ by less than -45 dB of either over the record.
const SAME_LINES: f64 = 0.01;

/// A harmonic in a record of n samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub order: u32,
    /// Cycles per sample, folded; exactly 1/2 within a hundredth of a line of it.
    pub cycles: f64,
    pub hidden: Option<Hidden>,
    /// What lies nearest, however far away.
    pub neighbour: Hidden,
    /// Whether it has a frequency of its own, however near to others: a fit can take it out of the noise.
    pub is_fitted: bool,
}

/// The harmonics 2 to `highest` of a tone of `frequency` cycles per sample.
pub(super) fn places(n: usize, frequency: f64, highest: u32, aliased: Aliased) -> Vec<Place> {
    let lines = |a: f64, b: f64| (a - b).abs() * n as f64;
    let mut taken = vec![(0.0, Hidden::Dc), (frequency, Hidden::Tone)];
    let mut places = Vec::new();
    for order in 2..=highest {
        let unfolded = f64::from(order) * frequency;
        let cycles = snapped_to_half(n, fold(unfolded));
        if aliased == Aliased::Noise && unfolded > 0.5 {
            let hidden = Hidden::Noise;
            places.push(Place { order, cycles, hidden: Some(hidden), neighbour: hidden, is_fitted: false });
            continue;
        }
        let nearest = taken.iter().min_by(|a, b| lines(a.0, cycles).total_cmp(&lines(b.0, cycles)));
        let &(place, neighbour) = nearest.expect("DC and the tone are there");
        let hidden = match lines(place, cycles) < 0.999 {
            true => Some(neighbour),
            false => (lines(0.5, cycles) < 0.999).then_some(Hidden::HalfRate),
        };
        let is_fitted = lines(place, cycles) >= SAME_LINES;
        if is_fitted {
            taken.push((cycles, Hidden::Harmonic(order)));
        }
        places.push(Place { order, cycles, hidden, neighbour, is_fitted });
    }
    places
}

/// A harmonic within a hundredth of a line of half the rate is there: its one column is then well defined.
fn snapped_to_half(n: usize, cycles: f64) -> f64 {
    if 0.5 - cycles < SAME_LINES / n as f64 { 0.5 } else { cycles }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmonics_name_what_hides_them() {
        let hidden = |frequency: f64| -> Vec<Option<Hidden>> {
            places(4_800, frequency, 6, Aliased::Folded).iter().map(|place| place.hidden).collect()
        };
        let (dc, half, tone) = (Some(Hidden::Dc), Some(Hidden::HalfRate), Some(Hidden::Tone));
        assert_eq!(hidden(1.0 / 3.0), [tone, dc, tone, tone, dc]);
        assert_eq!(hidden(0.25), [half, tone, dc, tone, Some(Hidden::Harmonic(2))]);
        assert_eq!(hidden(0.2), [None, Some(Hidden::Harmonic(2)), tone, dc, tone]);
        assert_eq!(hidden(0.123_4), [None; 5]);
        // Half a line off a third of the rate everything is within a line or two of the tone.
        assert_eq!(hidden(1.0 / 3.0 + 0.3 / 4_800.0)[0], tone);
        assert_eq!(places(4_800, 0.3, 3, Aliased::Noise)[0].hidden, Some(Hidden::Noise));
    }
}
