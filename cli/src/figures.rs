//! Measured figures on the command line: as a table, explained, and held against limits.

use std::fmt::Write as _;

use clap::{
    ArgAction, Args,
    builder::{BoolValueParser, TypedValueParser},
};

use sqnr::analysis::Entry;

use super::{exit::Failure, hints};

/// How the figures of a command are shown and checked.
#[derive(Debug, Args)]
pub struct FigureOptions {
    /// Show each figure's formula and definition
    #[arg(long = "explain", action = ArgAction::SetTrue, value_parser = BoolValueParser::new().map(Detail::asked))]
    pub detail: Detail,
    /// Exit with 1 when a figure is below its limit, such as snr=90dB
    #[arg(long, value_name = "KEY=VALUE", value_parser = Limit::parse, allow_negative_numbers = true)]
    fail_under: Vec<Limit>,
    /// Exit with 1 when a figure is above its limit, such as thd=-80dB
    #[arg(long, value_name = "KEY=VALUE", value_parser = Limit::parse, allow_negative_numbers = true)]
    fail_over: Vec<Limit>,
}

impl FigureOptions {
    /// The same for a file of several channels: the figure over all of them and that of each one must
    /// pass.
    pub fn failed_checks_of_channels(
        &self,
        over_all: &[Entry],
        channels: &[Vec<Entry>],
    ) -> Result<Vec<String>, Failure> {
        let mut failed = self.failed_checks(over_all)?;
        if channels.len() > 1 {
            for (c, entries) in channels.iter().enumerate() {
                let own = self.failed_checks(entries)?;
                failed.extend(own.into_iter().map(|check| format!("channel {}: {check}", c + 1)));
            }
        }
        Ok(failed)
    }

    /// The checks that failed, a line each; a limit on what is no figure is wrong use.
    pub fn failed_checks(&self, entries: &[Entry]) -> Result<Vec<String>, Failure> {
        let mut failed = failed_checks(entries, &self.fail_under, Side::Under).map_err(Failure::usage)?;
        failed.extend(failed_checks(entries, &self.fail_over, Side::Over).map_err(Failure::usage)?);
        Ok(failed)
    }
}

impl FigureOptions {
    /// The check of a limit that goes with any other: a line when some limit was given, none of this figure, and the
    /// figure is under it.
    pub fn failed_implied_check(&self, entries: &[Entry], key: &str, least: f64) -> Option<String> {
        let implied = Limit { key: key.to_owned(), value: least };
        let entry = entries.iter().find(|entry| implied.is_of(entry))?;
        let mut given = self.fail_under.iter().chain(&self.fail_over).peekable();
        given.peek()?;
        match given.any(|limit| limit.is_of(entry)) {
            true => None,
            false => failed_check(entry, &implied, Side::Under),
        }
    }
}

/// What a table of figures says of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Name and value.
    Values,
    /// Also the definition, and the formula with the measured values put in.
    Explained,
}

impl Detail {
    /// What the parser makes of `--explain`, there or not.
    fn asked(explain: bool) -> Self {
        match explain {
            true => Self::Explained,
            false => Self::Values,
        }
    }
}

/// One line a figure, values under one another; a figure that does not exist says why.
pub fn table(entries: &[Entry], detail: Detail) -> String {
    let width = entries.iter().map(|entry| entry.label.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for entry in entries {
        let _ = match detail {
            Detail::Values => writeln!(text, "{:width$}  {}", entry.label, value(entry)),
            Detail::Explained => {
                writeln!(text, "{:width$}  {:<22}  {} [{}]", entry.label, value(entry), entry.formula, entry.definition)
            }
        };
    }
    text
}

/// `42.13 dB`, or why there is none.
fn value(entry: &Entry) -> String {
    match entry.figure {
        Ok(value) => format!("{} {}", number(value, entry.unit), entry.unit).trim_end().to_owned(),
        Err(why) => format!("none: {why}"),
    }
}

/// Decibels with two decimals, whole numbers whole, all else with six significant figures.
fn number(value: f64, unit: &str) -> String {
    if unit.starts_with("dB") || unit.starts_with("LU") {
        // Not -0.00.
        return format!("{:.2}", if value.abs() < 0.005 { 0.0 } else { value });
    }
    match value {
        v if v == v.trunc() && v.abs() < 1e15 => format!("{v:.0}"),
        v if v.abs() < 1e-3 || v.abs() >= 1e9 => format!("{v:.5e}"),
        v => {
            let decimals = (5 - v.abs().log10().floor() as i32).clamp(0, 9) as usize;
            format!("{v:.decimals$}")
        }
    }
}

/// A limit of `--fail-under` or `--fail-over`: a figure's key and the least or greatest value that passes.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    key: String,
    value: f64,
}

impl Limit {
    /// Reads `snr=90dB`, `snr_db=90`: the key with or without its unit, the value with or without one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, such as snr=90dB")?;
        let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%' || c == '/');
        match number.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self { key: key.to_owned(), value }),
            _ => Err(format!("{value} is not a number; write KEY=VALUE, such as snr=90dB")),
        }
    }

    fn is_of(&self, entry: &Entry) -> bool {
        entry.key == self.key || entry.key.rsplit_once('_').is_some_and(|(stem, _)| stem == self.key)
    }
}

/// Which side of a limit fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Under,
    Over,
}

/// The checks that failed, a line each.
///
/// # Errors
/// A line that names the nearest figure when a limit's key is no figure's.
fn failed_checks(entries: &[Entry], limits: &[Limit], side: Side) -> Result<Vec<String>, String> {
    let mut failed = Vec::new();
    for limit in limits {
        let Some(entry) = entries.iter().find(|entry| limit.is_of(entry)) else {
            let keys: Vec<&str> = entries.iter().map(|entry| entry.key).collect();
            return Err(format!("no figure is called '{}'; {}", limit.key, hints::choose(&limit.key, &keys, "")));
        };
        failed.extend(failed_check(entry, limit, side));
    }
    Ok(failed)
}

fn failed_check(entry: &Entry, limit: &Limit, side: Side) -> Option<String> {
    let (word, passes): (&str, fn(f64, f64) -> bool) = match side {
        Side::Under => ("under", |value, limit| value >= limit),
        Side::Over => ("over", |value, limit| value <= limit),
    };
    let limit_text = format!("{} {}", number(limit.value, entry.unit), entry.unit);
    match entry.figure {
        Ok(value) if passes(value, limit.value) => None,
        Ok(_) => Some(format!("{} is {}, {word} {}", entry.label, value(entry), limit_text.trim_end())),
        // No error at all is better than any limit.
        Err(sqnr::analysis::Absent::NoError) => None,
        Err(why) => Some(format!("{} cannot be checked: {why}", entry.label)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqnr::analysis::{Absent, Figure};

    fn entry(figure: Figure) -> Entry {
        let (key, label, unit, definition) = ("snr_db", "SNR", "dB", "sqnr");
        Entry { key, label, unit, figure, definition, formula: String::new() }
    }

    #[test]
    fn limits_are_read_with_and_without_units() {
        for text in ["snr=90dB", "snr_db=90", "snr=90"] {
            let limit = Limit::parse(text).expect("legal");
            assert!(limit.is_of(&entry(Ok(1.0))) && limit.value == 90.0, "{text}");
        }
        assert!(Limit::parse("snr").is_err() && Limit::parse("snr=much").is_err() && Limit::parse("snr=nan").is_err());
    }

    #[test]
    fn checks_fail_on_their_side_and_where_nothing_was_measured() {
        let limits = [Limit::parse("snr=90").expect("legal")];
        let failed = |figure, side| failed_checks(&[entry(figure)], &limits, side).expect("a figure").len();
        assert_eq!((failed(Ok(89.9), Side::Under), failed(Ok(90.0), Side::Under)), (1, 0));
        assert_eq!((failed(Ok(89.9), Side::Over), failed(Ok(90.1), Side::Over)), (0, 1));
        assert_eq!((failed(Err(Absent::Silence), Side::Under), failed(Err(Absent::NoError), Side::Under)), (1, 0));
        assert!(failed_checks(&[entry(Ok(1.0))], &[Limit::parse("snt=1").expect("legal")], Side::Under).is_err());
    }

    #[test]
    fn numbers_show_what_was_measured() {
        assert_eq!(number(42.126, "dB"), "42.13");
        assert_eq!(number(-0.004, "dB"), "0.00");
        assert_eq!(number(192_000.0, ""), "192000");
        assert_eq!(number(0.25, "FS"), "0.250000");
        assert_eq!(number(1.25e-7, "FS^2"), "1.25000e-7");
    }
}
