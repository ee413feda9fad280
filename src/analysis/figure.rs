//! A measured figure, or the reason why it does not exist.

use std::fmt;

use super::hidden::Hidden;

/// A measured value, or why there is none.
pub type Figure = std::result::Result<f64, Absent>;

/// Why a figure does not exist.
///
/// ```
/// use sqnr::analysis::{Absent, error_statistics::{ErrorStatistics, Settings}};
///
/// let mut statistics = ErrorStatistics::new(Settings::default())?;
/// statistics.push(&[0.5; 100], &[0.5; 100]);
/// // Without an error there is no ratio, and no number stands for it.
/// assert_eq!(statistics.figures().snr_db, Err(Absent::NoError));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Absent {
    /// Fewer samples than the measure needs.
    TooShort {
        /// Samples there are.
        n_samples: usize,
        /// Samples the measure needs.
        needed: usize,
    },
    /// The sine meets too few different values: between two of its phases lies more than a code.
    TooFewPhases {
        /// Different phases that the samples have.
        n_phases: u64,
        /// Phases with which none lies farther than a code from the next.
        needed: u64,
    },
    /// Every sample is zero.
    Silence,
    /// Every sample has the same value, which is not zero.
    DcOnly,
    /// Samples that are NaN, infinite, or beyond any sensible amplitude.
    NotFinite {
        /// How many.
        n_samples: u64,
    },
    /// Nothing stands out of the noise floor.
    NoTone {
        /// The largest spectral line over the median line, dB.
        margin_db: f64,
    },
    /// The largest line lies under the lobe of DC: less than two periods in the record.
    TooFewPeriods {
        /// Periods of the largest component in the record.
        periods: f64,
    },
    /// The tone cannot be told from its image beyond half the rate.
    NearHalfRate {
        /// Lines (1 / length of the record) between the tone and half the rate.
        lines: f64,
        /// Lines that the measure needs.
        needed: f64,
    },
    /// No sine lies where the tone was looked for: the fit left that place.
    FitLost {
        /// Where it was looked for, cycles per sample.
        cycles_per_sample: f64,
    },
    /// Amplitude or phase of the tone change through the record.
    UnsteadyTone {
        /// Mean square of the change over that of the tone, dB.
        change_db: f64,
    },
    /// Most of the signal is neither the largest tone nor a harmonic of it, and is no noise: music, speech.
    NotOneTone {
        /// Power of the tone and its harmonics over all, 0 to 1.
        share: f64,
    },
    /// A harmonic cannot be told from something else.
    HarmonicHidden {
        /// Its order.
        order: u32,
        /// What it lies on.
        hidden: Hidden,
    },
    /// Two tones so near to one another that they cannot be measured as two.
    TonesTooClose {
        /// Lines (1 / length of the record) between them.
        lines: f64,
    },
    /// Two or more tones of about one level: figures of one tone have no meaning.
    SeveralTones {
        /// The second tone under the first, dB.
        difference_db: f64,
    },
    /// There is sound, but every block of it lies below the absolute gate of a loudness, -70 LUFS.
    BelowGate,
    /// The error is zero: the ratio is infinite.
    NoError,
    /// The part in the denominator of the ratio (noise, harmonics) is zero or below the resolution of the arithmetic.
    NothingThere,
    /// More different indices than are counted.
    AlphabetTooLarge {
        /// The most that are counted.
        limit: usize,
    },
    /// The two signals do not overlap or do not resemble each other.
    NoOverlap,
    /// The measure asks for another kind of input.
    NotApplicable {
        /// What it would need.
        needs: &'static str,
    },
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { n_samples, needed } => write!(f, "{n_samples} samples; at least {needed} are needed"),
            Self::TooFewPhases { n_phases, needed } => {
                write!(f, "the sine meets only {n_phases} phases, however many samples there are; {needed} are needed")
            }
            Self::Silence => write!(f, "silence: every sample is zero"),
            Self::DcOnly => write!(f, "nothing but DC"),
            Self::NotFinite { n_samples } => write!(f, "{n_samples} samples are not finite"),
            Self::NoTone { margin_db } => {
                write!(f, "no tone found: the largest line is {margin_db:.1} dB above the floor")
            }
            Self::TooFewPeriods { periods } => {
                write!(f, "the largest component has {periods:.2} periods in the record; at least 2 are needed")
            }
            Self::NearHalfRate { lines, needed } => {
                write!(
                    f,
                    "the tone lies {lines:.2} lines from half the rate; {needed} are needed to tell it from its image"
                )
            }
            Self::FitLost { cycles_per_sample } => {
                write!(f, "no steady sine near {cycles_per_sample:.6} of the rate: the fit left that frequency")
            }
            Self::UnsteadyTone { change_db } => {
                write!(
                    f,
                    "the tone is not steady: amplitude or phase change by {change_db:.1} dB of it through the record"
                )
            }
            Self::NotOneTone { share } => {
                let percent = 100.0 * share;
                write!(f, "no signal of one tone: the largest and its harmonics hold {percent:.2} % of the power")
            }
            Self::HarmonicHidden { order, hidden } => {
                write!(f, "harmonic {order} falls on {hidden} and cannot be told apart")
            }
            Self::TonesTooClose { lines } => {
                write!(f, "two tones {lines:.2} lines apart; at least 2 are needed to measure both")
            }
            Self::SeveralTones { difference_db } => {
                write!(f, "several tones: the second is only {difference_db:.1} dB below the first")
            }
            Self::BelowGate => write!(f, "below the gate: no block of 400 ms reaches -70 LUFS"),
            Self::NoError => write!(f, "the error is zero, the ratio infinite"),
            Self::NothingThere => write!(f, "nothing above the resolution of the arithmetic"),
            Self::AlphabetTooLarge { limit } => write!(f, "more than {limit} different indices"),
            Self::NoOverlap => write!(f, "the signals have nothing in common"),
            Self::NotApplicable { needs } => write!(f, "needs {needs}"),
        }
    }
}

/// `10 log10(numerator / denominator)` in dB; a zero denominator gives `at_zero`, a zero numerator silence.
pub(crate) fn ratio_db(numerator: f64, denominator: f64, at_zero: Absent) -> Figure {
    if numerator <= 0.0 {
        Err(Absent::Silence)
    } else if denominator <= 0.0 {
        Err(at_zero)
    } else {
        Ok(10.0 * (numerator / denominator).log10())
    }
}

/// Level in dBFS of a mean square: 0 dBFS is a sine of amplitude 1.0, whose mean square is 1/2.
pub(crate) fn level_dbfs(mean_square: f64) -> Figure {
    if mean_square > 0.0 { Ok(10.0 * (2.0 * mean_square).log10()) } else { Err(Absent::Silence) }
}

/// `symbols = values` where there is a figure, the symbols alone where there is none.
pub(crate) fn filled(symbols: &str, figure: Figure, values: impl FnOnce(f64) -> String) -> String {
    figure.map_or_else(|_| symbols.to_owned(), |figure| format!("{symbols} = {}", values(figure)))
}

/// One figure with everything needed to print, store, explain or test it.
///
/// ```
/// use sqnr::{analysis::level::LevelMeter, generate};
///
/// let tone = generate::signal(Default::default())?;
/// let mut meter = LevelMeter::new(48_000.0)?;
/// meter.push(&tone.channels()[0]);
/// // Each figure with its key, label, unit and definition: what a table or JSON prints.
/// let entries = meter.figures().entries();
/// let rms = entries.iter().find(|entry| entry.key == "rms_dbfs").expect("an RMS level");
/// assert!(rms.figure.unwrap().abs() < 0.01 && rms.unit == "dBFS");
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Key in JSON and in `--fail-under`: snake case, unit as suffix.
    pub key: &'static str,
    /// Name in a table.
    pub label: &'static str,
    /// Unit in a table; empty for a pure number.
    pub unit: &'static str,
    /// The value, or why there is none.
    pub figure: Figure,
    /// Names the definition in `docs/analysis.md`.
    pub definition: &'static str,
    /// The formula with the measured values put in.
    pub formula: String,
}

impl Entry {
    pub(crate) fn new(
        (key, label, unit): (&'static str, &'static str, &'static str),
        figure: Figure,
        definition: &'static str,
        formula: impl Into<String>,
    ) -> Self {
        Self { key, label, unit, figure, definition, formula: formula.into() }
    }
}

/// Writes entries as one flat map: a key per figure, null where there is none, and `reasons` why.
#[cfg(feature = "json")]
pub(crate) mod json {
    use super::Entry;
    use serde::ser::{SerializeMap, Serializer};
    use std::collections::BTreeMap;

    pub(crate) fn serialize_entries<S: Serializer>(entries: &[Entry], serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for entry in entries {
            map.serialize_entry(entry.key, &entry.figure.ok())?;
        }
        map.serialize_entry("reasons", &reasons(entries))?;
        map.end()
    }

    /// Why each missing figure is missing, by key.
    pub(crate) fn reasons(entries: &[Entry]) -> BTreeMap<&'static str, String> {
        entries.iter().filter_map(|e| e.figure.err().map(|why| (e.key, why.to_string()))).collect()
    }
}
