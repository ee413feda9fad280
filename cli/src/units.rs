//! Numbers as people read them.

/// Bytes in decimal units: `10.6 MB`.
pub fn bytes(n: u64) -> String {
    let n = n as f64;
    match n {
        n if n < 1e3 => format!("{n} B"),
        n if n < 1e6 => format!("{:.1} kB", n / 1e3),
        n if n < 1e9 => format!("{:.1} MB", n / 1e6),
        n => format!("{:.2} GB", n / 1e9),
    }
}

/// A level or ratio in dB with its sign as the field writes it; `inf` and `none` where there is no number.
pub fn db(value: f64) -> String {
    match value {
        v if v.is_nan() => "none".into(),
        v if v == f64::INFINITY => "inf dB".into(),
        v if v == f64::NEG_INFINITY => "-inf dB".into(),
        v => format!("{v:.2} dB"),
    }
}

/// Seconds as `h:mm:ss.mmm` or `m:ss.mmm`.
pub fn duration(seconds: f64) -> String {
    let ms = (seconds * 1e3).round() as u64;
    let (h, m, s, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000);
    if h > 0 { format!("{h}:{m:02}:{s:02}.{ms:03}") } else { format!("{m}:{s:02}.{ms:03}") }
}

/// Reads `9600..10500`: two frequencies above zero, ascending.
pub fn parse_band_hz(text: &str) -> Result<(f64, f64), String> {
    let parsed = text.split_once("..").and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
    match parsed {
        Some((low, high)) if 0.0 < low && low < high && high < f64::INFINITY => Ok((low, high)),
        _ => Err("write LOW..HIGH in Hz, such as 9600..10500".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(10_584_044), "10.6 MB");
        assert_eq!(duration(3_723.004), "1:02:03.004");
        assert_eq!(duration(0.5), "0:00.500");
        assert_eq!(db(f64::INFINITY), "inf dB");
    }

    #[test]
    fn bands_ascend_above_zero() {
        assert_eq!(parse_band_hz("9600..10500"), Ok((9_600.0, 10_500.0)));
        for wrong in ["9600", "5..3", "0..3", "nan..3", "3..inf", "a..b"] {
            assert!(parse_band_hz(wrong).is_err(), "{wrong}");
        }
    }
}
