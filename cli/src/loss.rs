//! What decoding a file costs against its original, sample by sample, in constant memory.

use std::io::Read;

use serde_json::{Map, Value, json};

use sqnr::{
    Error,
    analysis::{
        Absent,
        error_statistics::{ErrorFigures, ErrorStatistics, Settings},
    },
    audio_file::Source,
    codec::Decoder,
};

use super::units;

/// A decoded file against its original.
#[derive(Debug, Clone)]
pub struct Loss {
    /// Over all channels, as far as both files reach.
    pub figures: ErrorFigures,
    /// Samples per channel that were decoded.
    pub samples: u64,
    /// Samples per channel of the original.
    pub reference_samples: u64,
}

impl Loss {
    /// Decodes to the end and compares; `progress` hears how many samples are done.
    ///
    /// # Errors
    /// Those of decoder and original, and `LengthMismatch` when they have different numbers of channels.
    pub fn measure<R: Read>(
        decoder: &mut Decoder<R>,
        original: &mut Source,
        mut progress: impl FnMut(u64),
    ) -> sqnr::Result<Self> {
        let expected = usize::from(original.info().spec.channels);
        let got = usize::from(decoder.header().channels);
        if got != expected {
            return Err(Error::LengthMismatch { what: "channels of file and original", expected, got });
        }
        let mut statistics = ErrorStatistics::new(Settings::default())?;
        let (mut samples, mut reference_samples) = (0, 0);
        let mut reference = Ahead { source: original, block: Vec::new(), at: 0 };
        let mut y = Vec::new();
        while let Some(block) = decoder.next_block()? {
            let n = block[0].len();
            samples += n as u64;
            let mut at = 0;
            while at < n {
                let x = reference.next(n - at)?;
                let k = x[0].len();
                if k == 0 {
                    break;
                }
                for (channel, x) in block.iter().zip(&x) {
                    y.clear();
                    y.extend(channel[at..at + k].iter().map(|&v| f64::from(v)));
                    // the encoder takes what is not finite for 0, and counts it
                    statistics.push(x, &y);
                }
                at += k;
            }
            reference_samples += at as u64;
            progress(samples);
        }
        reference_samples += reference.rest()?;
        Ok(Self { figures: statistics.figures(), samples, reference_samples })
    }

    /// `SNR 21.30 dB`, `exact`, or why there is no figure.
    pub fn describe(&self) -> String {
        match self.figures.snr_db {
            Ok(value) => format!("SNR {}", units::db(value)),
            Err(Absent::NoError) => "exact".into(),
            Err(why) => format!("no SNR: {why}"),
        }
    }

    /// For machines.
    pub fn json(&self) -> Map<String, Value> {
        Map::from_iter([
            ("snr_db".to_owned(), json!(self.figures.snr_db.ok())),
            ("mse".to_owned(), json!(self.figures.mse)),
            ("error_peak".to_owned(), json!(self.figures.error_peak)),
            ("samples".to_owned(), json!(self.samples)),
            ("reference_samples".to_owned(), json!(self.reference_samples)),
        ])
    }
}

/// The original, in pieces as the decoder asks for them.
struct Ahead<'a, 'b> {
    source: &'a mut Source<'b>,
    block: Vec<Vec<f64>>,
    at: usize,
}

/// Frames read at once.
const BLOCK_FRAMES: usize = 1 << 14;

impl Ahead<'_, '_> {
    /// At most `n` samples of each channel, none at the end.
    fn next(&mut self, n: usize) -> sqnr::Result<Vec<&[f64]>> {
        if self.block.first().is_none_or(|x| self.at == x.len()) {
            self.source.read_planar(&mut self.block, BLOCK_FRAMES)?;
            self.at = 0;
        }
        let end = self.block[0].len().min(self.at + n);
        let start = std::mem::replace(&mut self.at, end);
        Ok(self.block.iter().map(|x| &x[start..end]).collect())
    }

    /// Samples per channel that were not asked for.
    fn rest(&mut self) -> sqnr::Result<u64> {
        let mut rest = 0;
        loop {
            match self.next(BLOCK_FRAMES)?[0].len() {
                0 => return Ok(rest),
                n => rest += n as u64,
            }
        }
    }
}
