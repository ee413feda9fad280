//! One row: the recipe carried out, its rate, its error, and how loud the error is.

use super::{Point, entrants::Entrant};
use crate::{
    Error, Result,
    analysis::{Absent, weighting::Weighting},
    audio_file::Reopen,
    chain::{self, Form, Outcome, Piece, Plan, Storing},
};

/// Samples of the first channel's error that its loudness is measured on.
const N_NOISE_SAMPLES: usize = 1 << 19;

/// What an entrant does to the audio: none where it does not go with this audio.
pub(super) fn point(audio: &dyn Reopen, entrant: &Entrant, weighting: Weighting) -> Result<Option<Point>> {
    match run(audio, entrant, weighting) {
        Ok(point) => Ok(Some(point)),
        Err(Error::InvalidParameter { .. } | Error::NoResult { .. } | Error::Unsupported { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn run(audio: &dyn Reopen, entrant: &Entrant, weighting: Weighting) -> Result<Point> {
    let mut source = audio.open()?;
    let spec = source.info().spec;
    let mut chain = Plan::new(&entrant.recipe)?.chain(audio, &spec, Storing::Reconstruction)?;
    let mut noise = Noise { every: every(source.info().n_frames), n_blocks: 0, error: Vec::new() };
    let mut n_bytes = 0;
    let mut count = |x: &[Vec<f64>], piece: &Piece| {
        n_bytes += piece.bytes.len();
        noise.push(&x[0], &piece.y[0]);
        Ok(())
    };
    let outcome = chain::run(&mut source, &mut *chain, &mut count, &())?;
    let n_samples = outcome.n_frames as f64 * f64::from(spec.channels);
    let rate_bits = match (chain.form(), outcome.cost) {
        (_, Some(cost)) => cost.bits() / n_samples,
        (Form::Bytes { head_len }, None) => 8.0 * (head_len + n_bytes) as f64 / n_samples,
        (_, None) => entrant.bits,
    };
    let level_db = weighting.level_dbfs(&noise.error, f64::from(spec.sample_rate_hz));
    Ok(Point {
        name: entrant.name.clone(),
        recipe: entrant.recipe.clone(),
        bits: entrant.bits,
        rate_bits,
        snr_db: snr_db(&outcome),
        gap_db: f64::NAN,
        noise_db: Some(level_db).filter(|db| !db.is_nan()),
    })
}

/// dB; infinite without error, minus infinity where there is nothing but error.
fn snr_db(outcome: &Outcome) -> f64 {
    match outcome.figures.snr_db {
        Ok(snr_db) => snr_db,
        Err(Absent::NoError) => f64::INFINITY,
        Err(_) => f64::NEG_INFINITY,
    }
}

/// Which of the blocks of so long an audio are kept.
fn every(n_frames: Option<u64>) -> u64 {
    n_frames.map_or(1, |n| n.div_ceil(N_NOISE_SAMPLES as u64)).max(1)
}

/// The error of the first channel, every so many blocks of it.
struct Noise {
    every: u64,
    n_blocks: u64,
    error: Vec<f64>,
}

impl Noise {
    fn push(&mut self, x: &[f64], y: &[f64]) {
        if self.n_blocks.is_multiple_of(self.every) && self.error.len() < N_NOISE_SAMPLES {
            self.error.extend(y.iter().zip(x).map(|(y, x)| y - x));
        }
        self.n_blocks += 1;
    }
}
