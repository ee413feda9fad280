//! What `encode` spends bits for, read from the command line and carried out.

use std::{io::Write, path::Path};

use sqnr::{
    codec::{self, Allocation, BitTable, Encoded, EncoderOptions, Summary, Target},
    task::DecodingLoss,
};

use super::{
    super::{loss, pcm::Pcm, units},
    EncodeArgs,
};

/// Bytes of passes that are kept in memory rather than in a temporary file.
const SCRATCH_IN_MEMORY: usize = 1 << 20;

/// What encoding came to.
pub struct Coded {
    pub summary: Summary,
    /// With `--snr`.
    pub snr_db: Option<f64>,
    /// With `--verify`.
    pub loss: Option<DecodingLoss>,
    /// With `--nmr`.
    pub nmr_db: Option<f64>,
    /// With `--bits-per-band`.
    pub allocation: Option<Allocation>,
}

impl From<Encoded> for Coded {
    fn from(Encoded { summary, snr_db, nmr_db, allocation }: Encoded) -> Self {
        Self { summary, snr_db, loss: None, nmr_db, allocation }
    }
}

impl Coded {
    /// `  NMR -14.02 dB  SNR 21.30 dB, verified`, as far as it was measured.
    pub fn fidelity(&self) -> String {
        let nmr = self.nmr_db.map(|nmr_db| format!("  NMR {}", units::db(nmr_db)));
        let loss = self.loss.as_ref().map(|loss| format!("  {}, verified", loss::describe(loss)));
        nmr.into_iter().chain(loss).collect()
    }
}

/// What the arguments ask for.
pub fn target(args: &EncodeArgs) -> Target {
    let bitrate = args.bitrate.map(Target::Bitrate);
    let ratio = args.snr.map(Target::Snr).or(args.nmr.map(Target::Nmr));
    let table = args.bits_per_band.map(Target::BitsPerBand);
    bitrate.or(ratio).or(table).unwrap_or(Target::Quality(args.quality.unwrap_or(5.0)))
}

/// Encodes as the options ask.
pub fn encode<W: Write>(pcm: &mut Pcm, options: &EncoderOptions, sink: W) -> sqnr::Result<Coded> {
    // a file only when passes are kept and grow
    let mut scratch = tempfile::spooled_tempfile(SCRATCH_IN_MEMORY);
    codec::encode(pcm, sink, &mut scratch, options).map(Coded::from)
}

/// `96k`, `96`, `96000`: kbit/s; a plain number from 1000 on is bit/s.
pub fn parse_bitrate(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|x| x.is_finite());
    let kbps = match text.strip_suffix(['k', 'K']) {
        Some(kilo) => number(kilo),
        None => number(text).map(|x| if x >= 1_000.0 { x / 1_000.0 } else { x }),
    };
    let kbps = kbps.ok_or_else(|| "a bit rate is a number of kbit/s such as 96k".to_owned())?;
    match (1.0..=10_000.0).contains(&kbps) {
        true => Ok(kbps),
        false => Err("the bit rate must be within 1k and 10000k".into()),
    }
}

/// `30dB`, `30`.
pub fn parse_snr(text: &str) -> Result<f64, String> {
    parse_db(text, "SNR", (0.0, 120.0))
}

/// `-14dB`, `-14`.
pub fn parse_nmr(text: &str) -> Result<f64, String> {
    parse_db(text, "noise-to-mask ratio", (-60.0, 20.0))
}

fn parse_db(text: &str, name: &str, (low, high): (f64, f64)) -> Result<f64, String> {
    match text.trim_end_matches(['d', 'D', 'B', 'b']).trim().parse::<f64>() {
        Ok(db) if (low..=high).contains(&db) => Ok(db),
        _ => {
            Err(format!("the {name} must be a number of dB within {low} and {high}, such as {}dB", (low + high) / 2.0))
        }
    }
}

/// `6,6,5,4`, or a file with such numbers, divided by commas, blanks or lines.
pub fn parse_bit_table(text: &str) -> Result<BitTable, String> {
    let content = match Path::new(text).is_file() {
        true => std::fs::read_to_string(text).map_err(|error| format!("{text}: {error}"))?,
        false => text.to_owned(),
    };
    let words = content.split([',', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty());
    let bits: Result<Vec<f32>, String> = words
        .map(|word| word.parse().map_err(|_| format!("'{word}' is neither a number of bits nor a file")))
        .collect();
    BitTable::new(&bits?).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_rates_and_ratios_are_read() {
        assert_eq!(parse_bitrate("96k"), Ok(96.0));
        assert_eq!(parse_bitrate("96"), Ok(96.0));
        assert_eq!(parse_bitrate("96000"), Ok(96.0));
        assert_eq!(parse_bitrate("62.5k"), Ok(62.5));
        assert!(parse_bitrate("100000k").is_err() && parse_bitrate("0.5k").is_err() && parse_bitrate("x").is_err());
        assert_eq!(parse_snr("30dB"), Ok(30.0));
        assert!(parse_snr("130").is_err() && parse_snr("NaN").is_err() && parse_snr("-1").is_err());
        assert_eq!(parse_nmr("-14dB"), Ok(-14.0));
        assert!(parse_nmr("21").is_err());
    }

    #[test]
    fn bit_tables_are_read() {
        assert_eq!(parse_bit_table("6, 5,4.5"), BitTable::new(&[6.0, 5.0, 4.5]).map_err(|_| String::new()));
        for wrong in ["", "6,x", "25", "-1", "absent.txt"] {
            assert!(parse_bit_table(wrong).is_err(), "{wrong}");
        }
    }
}
