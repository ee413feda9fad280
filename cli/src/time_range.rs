//! A stretch of time on the command line: `1:00..2:00`, `90..`, `..0:10.5`.

/// Seconds from and up to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeRange {
    pub from_s: f64,
    pub to_s: Option<f64>,
}

impl TimeRange {
    /// Reads `FROM..TO`; either may be left out.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "a range is FROM..TO in seconds or minutes:seconds, such as 1:00..2:00".to_owned();
        let (from, to) = text.split_once("..").ok_or_else(wrong)?;
        let from_s = if from.is_empty() { 0.0 } else { parse_time(from).ok_or_else(wrong)? };
        let to_s = if to.is_empty() { None } else { Some(parse_time(to).ok_or_else(wrong)?) };
        match to_s {
            Some(to_s) if to_s <= from_s => Err("the range ends before it begins".into()),
            _ => Ok(Self { from_s, to_s }),
        }
    }
}

/// `90`, `1:30`, `1:02:03.5`.
fn parse_time(text: &str) -> Option<f64> {
    text.split(':').try_fold(0.0, |total, part| {
        let part = part.parse::<f64>().ok().filter(|x| x.is_finite() && *x >= 0.0)?;
        Some(60.0 * total + part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(TimeRange::parse("1:00..2:00"), Ok(TimeRange { from_s: 60.0, to_s: Some(120.0) }));
        assert_eq!(TimeRange::parse("..1.5"), Ok(TimeRange { from_s: 0.0, to_s: Some(1.5) }));
        assert_eq!(TimeRange::parse("90.."), Ok(TimeRange { from_s: 90.0, to_s: None }));
        assert!(
            TimeRange::parse("2..1").is_err() && TimeRange::parse("1").is_err() && TimeRange::parse("x..y").is_err()
        );
    }
}
