//! Draws from a distribution without chance in what is drawn, only in the order.

use super::Samples;

/// `n` equally probable quantiles of the distribution, shuffled (Fisher and Yates) as `seed` says: a signal with that
/// distribution and no memory.
pub fn shuffled_quantiles(samples: &Samples, n: usize, seed: u64) -> Vec<f64> {
    let each = samples.total() / n as f64;
    let (mut i, mut below) = (0, 0.0);
    let mut draws: Vec<f64> = (0..n)
        .map(|k| {
            let target = (k as f64 + 0.5) * each;
            while i + 1 < samples.n_distinct() && below + samples.weights()[i] < target {
                below += samples.weights()[i];
                i += 1;
            }
            samples.values()[i]
        })
        .collect();
    // Knuth's MMIX generator; its upper bits choose.
    let mut state = seed;
    for n in (1..draws.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        draws.swap(n, ((state >> 33) % (n as u64 + 1)) as usize);
    }
    draws
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_the_quantiles_in_another_order() {
        let samples = Samples::from_histogram(&[-1.0, 0.5, 2.0], &[1.0, 2.0, 1.0]).expect("legal");
        let draws = shuffled_quantiles(&samples, 4_000, 1);
        let count = |x: f64| draws.iter().filter(|d| **d == x).count();
        assert_eq!([count(-1.0), count(0.5), count(2.0)], [1_000, 2_000, 1_000]);
        // Neighbours are as good as independent: their mean product is the squared mean, +- 0.03.
        let mean = draws.iter().sum::<f64>() / 4_000.0;
        let product = draws.windows(2).map(|d| (d[0] - mean) * (d[1] - mean)).sum::<f64>() / 4_000.0;
        assert!(product.abs() < 0.06, "{product}");
    }
}
