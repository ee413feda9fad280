//! The nearest point of the Leech lattice, exactly: all classes of the extended Golay code.
//!
//! In the scale of [`super::lattice`] a point is `x_i = m + 2 c_i + 4 z_i` with m 0 or 1, c a Golay codeword, z integers
//! whose sum has the parity of m. For a class (m, c) each coordinate is rounded alone; if the parity is wrong, the
//! coordinate where the other rounding costs least gives way. Octets of coordinates are independent but for that, so
//! three tables of 256 entries hold all that a class needs.

use std::sync::LazyLock;

const N: usize = 24;
/// x^11 + x^10 + x^6 + x^5 + x^4 + x^2 + 1, which divides x^23 - 1 over GF(2): generator of the Golay code.
const GENERATOR: u32 = 0b1100_0111_0101;

/// All 4096 words of the extended Golay code: multiples of the generator, and a parity bit.
static WORDS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let product = |message: u32| (0..12).filter(|i| message >> i & 1 == 1).fold(0, |sum, i| sum ^ GENERATOR << i);
    (0..4096).map(product).map(|word| word | (word.count_ones() & 1) << 23).collect()
});

/// Rounding of one coordinate to `offset + 4 z`.
#[derive(Debug, Clone, Copy, Default)]
struct Rounding {
    value: f64,
    squared: f64,
    is_odd: bool,
    /// The second-nearest value and what it costs more.
    other: f64,
    penalty: f64,
}

/// What an octet adds to a class.
#[derive(Debug, Clone, Copy, Default)]
struct Octet {
    squared: f64,
    is_odd: bool,
    least_penalty: f64,
}

/// The nearest point to `x`, all of it finite.
pub(super) fn nearest(x: &[f64; N]) -> [f64; N] {
    let mut best = (f64::INFINITY, [0.0; N]);
    for m in [false, true] {
        let offset = f64::from(u8::from(m));
        let roundings: [[Rounding; 2]; N] = std::array::from_fn(|i| [round(x[i], offset), round(x[i], offset + 2.0)]);
        let octets: [Vec<Octet>; 3] = std::array::from_fn(|o| octet_table(&roundings[8 * o..8 * o + 8]));
        let cost = |word: u32| {
            let [a, b, c] = [0, 1, 2].map(|o| octets[o][(word >> (8 * o) & 0xFF) as usize]);
            let squared = a.squared + b.squared + c.squared;
            let parity_is_wrong = a.is_odd ^ b.is_odd ^ c.is_odd ^ m;
            let penalty = a.least_penalty.min(b.least_penalty).min(c.least_penalty);
            if parity_is_wrong { squared + penalty } else { squared }
        };
        let least = WORDS.iter().map(|&word| (cost(word), word)).min_by(|a, b| a.0.total_cmp(&b.0));
        let (squared, word) = least.expect("the code has words");
        if squared < best.0 {
            best = (squared, point(&roundings, word, m));
        }
    }
    best.1
}

fn round(x: f64, offset: f64) -> Rounding {
    let z = ((x - offset) / 4.0).round();
    let value = offset + 4.0 * z;
    let other = if x >= value { value + 4.0 } else { value - 4.0 };
    let squared = (x - value) * (x - value);
    Rounding { value, squared, is_odd: z.rem_euclid(2.0) == 1.0, other, penalty: (x - other) * (x - other) - squared }
}

fn octet_table(roundings: &[[Rounding; 2]]) -> Vec<Octet> {
    let mut table = vec![Octet { squared: 0.0, is_odd: false, least_penalty: f64::INFINITY }; 256];
    for (bits, octet) in table.iter_mut().enumerate() {
        for (i, choices) in roundings.iter().enumerate() {
            let rounding = &choices[bits >> i & 1];
            octet.squared += rounding.squared;
            octet.is_odd ^= rounding.is_odd;
            octet.least_penalty = octet.least_penalty.min(rounding.penalty);
        }
    }
    table
}

/// The point of a class.
fn point(roundings: &[[Rounding; 2]; N], word: u32, m: bool) -> [f64; N] {
    let chosen: [Rounding; N] = std::array::from_fn(|i| roundings[i][(word >> i & 1) as usize]);
    let mut point = chosen.map(|r| r.value);
    if chosen.iter().fold(m, |odd, r| odd ^ r.is_odd) {
        let cheapest = (1..N).fold(0, |best, i| if chosen[i].penalty < chosen[best].penalty { i } else { best });
        point[cheapest] = chosen[cheapest].other;
    }
    point
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golay_code_has_its_weights() {
        let mut counts = [0; N + 1];
        WORDS.iter().for_each(|word| counts[word.count_ones() as usize] += 1);
        assert_eq!((counts[0], counts[8], counts[12], counts[16], counts[24]), (1, 759, 2576, 759, 1));
    }

    #[test]
    fn minimal_vectors_have_squared_norm_32() {
        // (4, 4, 0, ...), (2^8, 0^16) on an octad, (-3, 1^23): the three shapes of the 196,560 nearest neighbours.
        let octad = WORDS.iter().find(|w| w.count_ones() == 8).expect("an octad");
        let mut shapes = [[0.0; N]; 3];
        (shapes[0][0], shapes[0][1]) = (4.0, 4.0);
        shapes[1] = std::array::from_fn(|i| 2.0 * f64::from(octad >> i & 1));
        shapes[2] = [1.0; N];
        shapes[2][0] = -3.0;
        for shape in shapes {
            assert_eq!(shape.iter().map(|v| v * v).sum::<f64>(), 32.0);
            assert_eq!(nearest(&shape), shape);
        }
        // Not points: one coordinate off.
        let mut off = [0.0; N];
        off[0] = 4.0;
        assert_ne!(nearest(&off), off);
    }
}
