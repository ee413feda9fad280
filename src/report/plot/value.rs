//! Measured values as legends and callouts show them.

use super::ticks::decimal;

/// `value` with `places` decimals, a true minus sign and its unit after a space that does not break.
pub(in crate::report) fn with_unit(value: f64, places: u32, unit: &str) -> String {
    let space = if unit.is_empty() { "" } else { "\u{a0}" };
    match value {
        v if v == f64::INFINITY => format!("∞{space}{unit}"),
        v if v == f64::NEG_INFINITY => format!("\u{2212}∞{space}{unit}"),
        v if v.is_nan() => "none".into(),
        v => format!("{}{space}{unit}", decimal(v, 10.0_f64.powi(-(places as i32)))),
    }
}

/// A frequency with three to four significant figures.
pub(super) fn frequency(hz: f64) -> String {
    match hz.abs() {
        f if f >= 999_950.0 => with_unit(hz / 1e6, 3, "MHz"),
        f if f >= 9_999.5 => with_unit(hz / 1e3, 2, "kHz"),
        f if f >= 999.95 => with_unit(hz / 1e3, 3, "kHz"),
        f if f >= 99.95 => with_unit(hz, 1, "Hz"),
        _ => with_unit(hz, 2, "Hz"),
    }
}

/// A whole number with thin spaces between groups of three.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_in_print() {
        assert_eq!(with_unit(-49.917, 2, "dB"), "−49.92\u{a0}dB");
        assert_eq!(with_unit(f64::NEG_INFINITY, 1, "dBFS"), "−∞\u{a0}dBFS");
        assert_eq!(with_unit(-0.001, 1, ""), "0.0");
        assert_eq!(frequency(997.07), "997.1\u{a0}Hz");
        assert_eq!(frequency(19_200.0), "19.20\u{a0}kHz");
        assert_eq!(count(1_048_576), "1\u{202f}048\u{202f}576");
    }
}
