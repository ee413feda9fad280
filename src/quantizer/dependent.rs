//! Dependent quantization: two interleaved quantizers, and the index's parity chooses which comes next.
//!
//! ```text
//! units of the step:   -5  -4  -3  -2  -1   0   1   2   3   4   5
//! coset 0, index m:        -2      -1       0       1       2         2 m
//! coset 1, index m:    -3      -2      -1   0   1       2       3     2 m - sign(m)
//! ```
//!
//! The parity of m drives a [`Trellis`], whose state names the coset of the next sample; both sides start in state 0.
//! The packing is that of a trellis code, but zero is in both quantizers, which entropy coding at low rates needs.
//! Sources: Schwarz et al., Hybrid video codec based on trellis-coded quantization, DCC 2019; H.266 clause 8.7.3.

use super::trellis::Trellis;

/// The reconstruction of `index` in units of the step size: `2 m` in coset 0, `2 m - sign(m)` in coset 1.
///
/// `index` lies within +-2^30.
#[inline]
pub fn multiple(coset: u32, index: i32) -> i32 {
    2 * index - coset as i32 * index.signum()
}

/// Reconstructs `indices` into `y` with step size `step` (half the distance of a coset's levels), from state 0.
///
/// # Panics
/// When the slices differ in length.
pub fn reconstruct(trellis: Trellis, step: f64, indices: &[i32], y: &mut [f64]) {
    assert_eq!(indices.len(), y.len(), "indices and samples have one length");
    let mut state = 0;
    for (y, &index) in y.iter_mut().zip(indices) {
        *y = step * f64::from(multiple(trellis.coset(state), index));
        state = trellis.next(state, index as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosets_are_even_and_odd_multiples_and_zero() {
        let levels = |coset| (-3..=3).map(|m| multiple(coset, m)).collect::<Vec<_>>();
        assert_eq!(levels(0), [-6, -4, -2, 0, 2, 4, 6]);
        assert_eq!(levels(1), [-5, -3, -1, 0, 1, 3, 5]);
    }

    #[test]
    fn reconstruction_follows_the_parity() {
        let trellis = Trellis::new(4).expect("legal");
        let mut y = [0.0; 4];
        // States 0, 1, 3 (input bit 1, then 0 and 1): the second and third samples are in coset 1.
        reconstruct(trellis, 0.5, &[1, 1, -2, 3], &mut y);
        let states = [0, trellis.next(0, 1), trellis.next(trellis.next(0, 1), 1)];
        assert_eq!(states.map(|s| trellis.coset(s)), [0, 1, 1]);
        assert_eq!(y[..3], [1.0, 0.5, -1.5]);
    }
}
