//! The prediction-error filter of a spectrum: the noise shaper of least weighted noise, and the one within a limit.

/// Bounds of lambda, relative to the mean weight. Below, rounding errors of the recursion show (its condition number
/// nears 1e14); above, the filter is 1.
const LAMBDA: (f64, f64) = (1e-14, 1e9);

/// Prediction-error filter `[1, h1, ..., hp]` of the autocorrelation `r[0..=p]` with `lambda` added at lag 0
/// (Levinson-Durbin): all zeros inside the unit circle.
pub(super) fn error_filter(r: &[f64], lambda: f64) -> Vec<f64> {
    let mut filter = vec![0.0; r.len()];
    filter[0] = 1.0;
    let mut error = r[0] + lambda;
    for k in 1..r.len() {
        let correlation: f64 = filter[..k].iter().zip(r[1..=k].iter().rev()).map(|(a, r)| a * r).sum();
        let reflection = -correlation / error;
        let remaining = error * (1.0 - reflection * reflection);
        // Rounding has eaten the rest of the error: a longer filter would be noise.
        if remaining <= 0.0 || !remaining.is_finite() {
            break;
        }
        // filter[i] += reflection filter[k - i], both ends of each pair at once.
        for i in 0..=k / 2 {
            let (low, high) = (filter[i], filter[k - i]);
            filter[i] = low + reflection * high;
            filter[k - i] = high + reflection * low;
        }
        error = remaining;
    }
    filter
}

/// The least lambda whose total noise stays within `limit`, to `n_halvings` halvings of 23 decades; total noise falls as
/// lambda grows. `total` is taken relative to a mean weight of 1.
pub(super) fn least_lambda(limit: f64, n_halvings: u32, total: impl Fn(f64) -> f64) -> f64 {
    if total(LAMBDA.0) <= limit {
        return LAMBDA.0;
    }
    let (mut low, mut high) = LAMBDA;
    for _ in 0..n_halvings {
        let middle = (low * high).sqrt();
        if total(middle) <= limit { high = middle } else { low = middle }
    }
    high
}

/// Total noise of a filter over that of white noise, `mean(|N|^2)`: the sum of squares.
pub(super) fn energy(filter: &[f64]) -> f64 {
    filter.iter().map(|h| h * h).sum()
}
