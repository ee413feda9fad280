//! The inputs of the golden values, as `testdata/golden/number_format/golden_num.py` defines them.

use sha2::{Digest, Sha256};
use std::path::Path;

/// `bits(i)`: 2^20 bit patterns of `f32`, NaN, infinities and subnormals among them.
pub(crate) fn bits() -> Vec<f32> {
    (0..1u32 << 20).map(|i| f32::from_bits(i.wrapping_mul(2_654_435_761).wrapping_add(12_345))).collect()
}

/// `gauss(i)`: 4096 nearly Gaussian values with outliers 9.5 and -7.25.
pub(crate) fn gauss() -> Vec<f32> {
    let mut state = 1u32;
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / 16_777_216.0
    };
    let mut x: Vec<f32> = (0..4096).map(|_| ((0..12).map(|_| uniform()).sum::<f64>() - 6.0) as f32).collect();
    (x[17], x[1234]) = (9.5, -7.25);
    x
}

/// `gauss(i)` in double precision, the same numbers.
pub(crate) fn gauss_f64() -> Vec<f64> {
    gauss().into_iter().map(f64::from).collect()
}

/// The rows of a golden table without its head, quotes removed.
pub(crate) fn rows(name: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/golden/number_format").join(name);
    let text = std::fs::read_to_string(path).expect("the golden file is there");
    text.lines().skip(1).map(split_row).collect()
}

fn split_row(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields.last_mut().expect("never empty").push(c),
        }
    }
    fields
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// SQNR in dB of `y` for `x`.
pub(crate) fn sqnr_db<T: Copy + Into<f64>>(x: &[T], y: &[T]) -> f64 {
    let power = |sum: f64, v: f64| sum + v * v;
    let signal = x.iter().map(|&x| x.into()).fold(0.0, power);
    let error = x.iter().zip(y).map(|(&x, &y)| y.into() - x.into()).fold(0.0, power);
    10.0 * (signal / error).log10()
}

#[test]
fn inputs_are_the_golden_ones() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/golden/number_format/inputs.json");
    let text = std::fs::read_to_string(path).expect("the golden file is there");
    let le = |x: Vec<f32>| sha256(&x.iter().flat_map(|x| x.to_bits().to_le_bytes()).collect::<Vec<u8>>());
    assert!(text.contains(&le(bits())) && text.contains(&le(gauss())));
}
