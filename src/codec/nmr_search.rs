//! The noise target that gives a file the noise-to-mask ratio asked for.

use super::{
    choice::loudness::measure_loudness,
    inspect::allocation::Allocation,
    options::{EncoderOptions, Goal, Summary},
    rate::encode,
    source::PcmSource,
};
use crate::{Error, Result};
use std::io::{self, Read, Seek, Write};

/// Within so many dB of what was asked for the search ends.
const TOLERANCE_DB: f64 = 0.05;
/// Passes of a search: the secant needs 3 or 4.
const MOST_PASSES: usize = 10;
/// Range of the noise target, dB.
const TARGETS_DB: (f64, f64) = (-80.0, 0.0);

/// A noise target and how far its ratio lies from the wanted one, dB.
type Point = (f64, f64);

/// Encodes a whole source so that its noise-to-mask ratio, [`Column::nmr_db`](super::Column::nmr_db) of the whole file,
/// is `nmr_db`; returns what became of it and the ratio that was reached: a file of which much lies under the threshold
/// of hearing may not reach every ratio.
///
/// - `nmr_db`: -60 to 20 dB; 0 is about quality 0
/// - `scratch`: where the passes are kept, a temporary file or memory, from its start
///
/// # Errors
/// `InvalidParameter` for a ratio or an option out of its range, `NoResult` for an empty source, the source's own, `Io`.
pub fn encode_at_nmr<W: Write, S: Read + Write + Seek>(
    source: &mut dyn PcmSource,
    mut sink: W,
    scratch: &mut S,
    options: &EncoderOptions,
    nmr_db: f64,
) -> Result<(Summary, f64)> {
    if !(-60.0..=20.0).contains(&nmr_db) {
        return Err(Error::invalid("noise-to-mask ratio in dB", nmr_db, "-60 to 20"));
    }
    let loudness = match options.loudness {
        Some(loudness) => loudness,
        None => measure_loudness(source, &options.header()?)?,
    };
    let options = EncoderOptions { loudness: Some(loudness), ..options.clone() };
    let mut target_db = (f64::from(Goal::quality_db(0.0)) + nmr_db).clamp(TARGETS_DB.0, TARGETS_DB.1);
    // the nearest targets with too much and with too little noise, and by how much
    let (mut noisy, mut clean): (Option<Point>, Option<Point>) = (None, None);
    let mut n_passes = 0;
    loop {
        let goal = Goal::NoiseTarget(target_db as f32);
        let (summary, reached) = pass(source, scratch, &EncoderOptions { goal, ..options.clone() })?;
        n_passes += 1;
        let excess = reached - nmr_db;
        if excess > 0.0 {
            noisy = Some((target_db, excess));
        } else {
            clean = Some((target_db, excess));
        }
        let next = match (noisy, clean) {
            (Some((qn, en)), Some((qc, ec))) => qc + (qn - qc) * (ec / (ec - en)).clamp(0.05, 0.95),
            _ => (target_db - excess).clamp(TARGETS_DB.0, TARGETS_DB.1),
        };
        if excess.abs() < TOLERANCE_DB || n_passes == MOST_PASSES || next == target_db {
            scratch.rewind().map_err(Error::stream)?;
            io::copy(&mut scratch.take(summary.bytes), &mut sink).map_err(Error::stream)?;
            return Ok((summary, reached));
        }
        target_db = next;
    }
}

/// Encodes into `scratch` and measures.
fn pass<S: Read + Write + Seek>(
    source: &mut dyn PcmSource,
    scratch: &mut S,
    options: &EncoderOptions,
) -> Result<(Summary, f64)> {
    scratch.rewind().map_err(Error::stream)?;
    let summary = encode(source, &mut *scratch, options)?;
    scratch.rewind().map_err(Error::stream)?;
    let file = io::BufReader::new(scratch.take(summary.bytes));
    let nmr_db = Allocation::measure(file, Some(source), 1)?.total().nmr_db();
    let nmr_db = nmr_db.ok_or_else(|| Error::NoResult { what: "silence has no noise-to-mask ratio".into() })?;
    Ok((summary, nmr_db))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Decoder, InMemory};
    use std::io::Cursor;

    fn music() -> Vec<Vec<f32>> {
        let mut noise = crate::codec::format::noise::Noise::new(5, 0);
        let x = (0..80_000).map(|i| (i as f32 * 0.07).sin() * 0.3 + 0.03 * noise.next_uniform()).collect();
        vec![x]
    }

    #[test]
    fn the_ratio_is_met() {
        let channels = music();
        let options = EncoderOptions::new(44_100, 1);
        for nmr_db in [-2.0, -15.0] {
            let (mut bytes, mut source) = (Vec::new(), InMemory::new(&channels));
            let mut scratch = Cursor::new(Vec::new());
            let (summary, reached) =
                encode_at_nmr(&mut source, &mut bytes, &mut scratch, &options, nmr_db).expect("legal");
            assert_eq!(summary.bytes, bytes.len() as u64);
            assert!((reached - nmr_db).abs() < 0.3, "{reached} for {nmr_db} dB");
            let again = Allocation::measure(&bytes[..], Some(&mut source), 3).expect("its own bytes").total().nmr_db();
            assert!(again.is_some_and(|again| (again - reached).abs() < 1e-6));
            assert!(Decoder::new(&bytes[..]).is_ok());
        }
    }

    #[test]
    fn silence_and_ratios_out_of_range_are_refused() {
        let options = EncoderOptions::new(44_100, 1);
        let run = |channels: &[Vec<f32>], nmr_db: f64| {
            encode_at_nmr(&mut InMemory::new(channels), io::sink(), &mut Cursor::new(Vec::new()), &options, nmr_db)
        };
        assert!(matches!(run(&music(), 21.0), Err(Error::InvalidParameter { .. })));
        assert!(matches!(run(&music(), f64::NAN), Err(Error::InvalidParameter { .. })));
        assert!(matches!(run(&[vec![]], -10.0), Err(Error::NoResult { .. })));
    }
}
