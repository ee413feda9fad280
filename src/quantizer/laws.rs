//! The laws of [`Quantizer`], checked at thresholds, levels, ends and seeded random inputs.

use super::{Codebook, Quantizer};
use crate::random::SplitMix64;

/// Checks every law of the trait on `q`; `full_scale` bounds the random inputs to twice itself.
pub(crate) fn hold(q: &dyn Quantizer, full_scale: f64, seed: u64) {
    let (first, last) = q.indices().into_inner();
    assert_eq!(q.n_levels(), (i64::from(last) - i64::from(first) + 1) as u64);
    assert_eq!((q.index(f64::NEG_INFINITY), q.index(f64::INFINITY)), (first, last), "{q:?}");
    assert_eq!(q.index(f64::NAN), q.index(0.0));
    assert_eq!(q.reconstruct(i32::MIN), q.reconstruct(first));
    assert_eq!(q.reconstruct(i32::MAX), q.reconstruct(last));
    for index in probes(first, last, seed) {
        let level = q.reconstruct(index);
        assert_eq!(q.reconstruct(q.index(level)), level, "level {index} of {q:?}");
        if index < last {
            threshold_separates(q, index);
        }
    }
    monotone(q, full_scale, seed);
    slices_agree(q, full_scale, seed);
}

/// Checks that `q` gives the same reconstruction as a codebook made of its own levels and thresholds.
pub(crate) fn agrees_with_its_table(q: &dyn Quantizer, full_scale: f64, seed: u64) {
    let table = Codebook::tabulate(q).expect("levels and thresholds make a codebook");
    let first = *q.indices().start();
    for x in inputs(full_scale, seed) {
        assert_eq!(table.index(x) + first, q.index(x), "x = {x:e} in {q:?}");
        assert_eq!(table.reconstruct(table.index(x)), q.reconstruct(q.index(x)));
    }
}

fn threshold_separates(q: &dyn Quantizer, index: i32) {
    let threshold = q.threshold(index);
    let (below, above) = (q.reconstruct(index), q.reconstruct(index + 1));
    // Two codes of one level (the zeros of mu-law) have no place between them.
    assert!(below == above || (below <= threshold && threshold <= above), "threshold {index} of {q:?}");
    assert!(q.index(threshold) > index, "threshold {index} of {q:?} falls below");
    assert!(q.index(threshold.next_down()) <= index, "below threshold {index} of {q:?}");
}

fn monotone(q: &dyn Quantizer, full_scale: f64, seed: u64) {
    let mut x: Vec<f64> = inputs(full_scale, seed).collect();
    x.sort_by(f64::total_cmp);
    for pair in x.windows(2) {
        assert!(q.index(pair[0]) <= q.index(pair[1]), "{:e} and {:e} in {q:?}", pair[0], pair[1]);
    }
}

fn slices_agree(q: &dyn Quantizer, full_scale: f64, seed: u64) {
    let mut x: Vec<f64> = inputs(full_scale, seed).collect();
    x.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0]);
    let (mut indices, mut y) = (vec![0; x.len()], vec![0.0; x.len()]);
    q.index_slice(&x, &mut indices);
    q.reconstruct_slice(&indices, &mut y);
    for ((&x, &index), &y) in x.iter().zip(&indices).zip(&y) {
        assert_eq!((index, y), (q.index(x), q.reconstruct(index)), "x = {x}");
    }
}

/// Indices to look at: all of few, else the ends, the middle and a seeded choice.
fn probes(first: i32, last: i32, seed: u64) -> Vec<i32> {
    if i64::from(last) - i64::from(first) < 64 {
        return (first..=last).collect();
    }
    let span = (i64::from(last) - i64::from(first) + 1) as u64;
    let random = random(seed).take(48).map(|r| (i64::from(first) + (r % span) as i64) as i32);
    random.chain([first, first + 1, -1, 0, 1, last - 1, last]).filter(|i| (first..=last).contains(i)).collect()
}

/// Seeded inputs over twice the full scale: half of them uniform, half of them small.
fn inputs(full_scale: f64, seed: u64) -> impl Iterator<Item = f64> {
    random(seed).take(200).map(move |r| {
        let unit = (r >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
        let scale = if r & 1 == 0 { 2.0 } else { 1.0 / (1u64 << (r >> 1 & 15)) as f64 };
        full_scale * scale * unit
    })
}

fn random(seed: u64) -> impl Iterator<Item = u64> {
    let mut random = SplitMix64::new(seed);
    std::iter::repeat_with(move || random.next_u64())
}
