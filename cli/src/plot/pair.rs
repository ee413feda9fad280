//! Input and output of one channel side by side: a file and what a quantizer makes of it, or two files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use sqnr::{
    analysis::error_density::ErrorDensity, audio_file, quantizer::Quantizer, report::plot::noise::Floor,
    shaping::Dither,
};

use super::super::{
    exit::{Failure, display_path},
    inputs::Input,
    progress::FileProgress,
    quantize::{
        Settings,
        chain::{self, Chain, Samples},
        foresight::Foresight,
    },
    source::{self, Passes, Rereadable},
};

/// Samples per channel in one block.
const BLOCK: usize = 8_192;

/// What a picture is drawn of.
pub struct Source<'a> {
    pub input: &'a Input,
    pub settings: &'a Settings,
    pub reference: Option<&'a Path>,
    /// From 1.
    pub channel: u16,
}

/// Input and output, ready to be read.
pub struct Pair<'a> {
    pub path: PathBuf,
    /// What the picture says of them.
    pub conditions: String,
    pub sample_rate_hz: u32,
    input: &'a Input,
    channel: usize,
    n_frames: Option<u64>,
    first: audio_file::Source<'static>,
    second: Second,
}

/// Where the output comes from.
enum Second {
    /// The input, quantized.
    Quantized(Box<Chain>),
    /// `first` is the reference, this the file under test.
    File(audio_file::Source<'static>),
}

impl<'a> Source<'a> {
    /// The pair that `--ref` or the quantizer's settings ask for.
    pub fn pair(&self) -> Result<Pair<'a>, Failure> {
        match self.reference {
            Some(reference) => self.difference(reference),
            None => self.quantized(),
        }
    }

    fn quantized(&self) -> Result<Pair<'a>, Failure> {
        let file = Rereadable::new(self.input, chain::passes(self.settings))?;
        let first = file.open()?;
        self.check_channel(&first)?;
        let info = first.info().clone();
        let chain = Chain::new(self.settings, &file, &info, self.input)?;
        let conditions =
            format!("{} · {}{}", self.input.display(), chain.describe(self.settings), self.channel_of(&info));
        Ok(Pair {
            path: self.input.path.clone(),
            conditions,
            sample_rate_hz: info.spec.sample_rate_hz,
            input: self.input,
            channel: usize::from(self.channel) - 1,
            n_frames: info.n_frames,
            first,
            second: Second::Quantized(Box::new(chain)),
        })
    }

    fn difference(&self, reference: &Path) -> Result<Pair<'a>, Failure> {
        let test = source::open(self.input)?;
        let named = Input { path: reference.to_path_buf(), below: reference.to_path_buf() };
        let first = source::open(&named)?;
        self.check_channel(&test)?;
        self.check_channel(&first)?;
        let (ours, theirs) = (test.info().spec.sample_rate_hz, first.info().spec.sample_rate_hz);
        if ours != theirs {
            let message = format!("has {ours} Hz, {} {theirs} Hz; resample one first", display_path(reference));
            return Err(Failure::input(&self.input.path, message));
        }
        let channel = self.channel_of(first.info());
        Ok(Pair {
            path: self.input.path.clone(),
            conditions: format!("{} minus {}{channel}", self.input.display(), display_path(reference)),
            sample_rate_hz: theirs,
            input: self.input,
            channel: usize::from(self.channel) - 1,
            n_frames: first.info().n_frames,
            first,
            second: Second::File(test),
        })
    }

    /// The quantizer for this input.
    pub fn quantizer(&self) -> Result<Arc<dyn Quantizer>, Failure> {
        let file = Rereadable::new(self.input, Passes::Several)?;
        let info = file.open()?.info().clone();
        let chain = Chain::new(self.settings, &file, &info, self.input)?;
        Ok(Arc::clone(chain.requantizer.quantizer()))
    }

    /// The input alone.
    pub fn open(&self) -> Result<audio_file::Source<'static>, Failure> {
        let file = source::open(self.input)?;
        self.check_channel(&file)?;
        Ok(file)
    }

    /// Names the channel where there are several.
    pub fn channel_of(&self, info: &audio_file::Info) -> String {
        match info.spec.channels {
            1 => String::new(),
            n => format!(" · channel {} of {n}", self.channel),
        }
    }

    /// Refuses a channel that the file does not have.
    pub fn check_channel(&self, source: &audio_file::Source) -> Result<(), Failure> {
        let n = source.info().spec.channels;
        match self.channel <= n {
            true => Ok(()),
            false => Err(Failure::usage(format!(
                "--channel {} is not there; {} has {n}",
                self.channel,
                self.input.display()
            ))),
        }
    }
}

impl Pair<'_> {
    /// Samples per channel, when that is known before the end.
    pub fn n_frames(&self) -> Option<u64> {
        self.n_frames
    }

    /// Width of a cell, when the output comes from a uniform quantizer.
    pub fn step_size(&self) -> Option<f64> {
        match &self.second {
            Second::Quantized(chain) => Some(chain.requantizer.quantizer().as_uniform()?.step()),
            Second::File(_) => None,
        }
    }

    fn dither(&self) -> Dither {
        match &self.second {
            Second::Quantized(chain) => chain.dither(),
            Second::File(_) => Dither::None,
        }
    }

    /// The error's density in theory, its name, and how many steps to each side a picture of it needs.
    pub fn expected_density(&self) -> (ErrorDensity, &'static str, f64) {
        match self.dither() {
            Dither::None | Dither::Subtractive => (ErrorDensity::Uniform, "uniform, one Δ wide", 1.0),
            Dither::Rectangular => (ErrorDensity::Triangular, "triangular, two Δ wide", 2.0),
            Dither::Triangular | Dither::HighPassTriangular => {
                (ErrorDensity::Quadratic, "three uniforms, three Δ wide", 2.0)
            }
            Dither::Gaussian => (ErrorDensity::Gaussian { sigma_steps: 0.5 }, "uniform and Gaussian", 3.0),
        }
    }

    /// The flat floor that theory expects of a uniform quantizer without noise shaping.
    pub fn floors(&self) -> Vec<Floor> {
        let Some(step) = self.step_size() else { return Vec::new() };
        let variance = self.expected_density().0.variance();
        let name = format!("{} Δ²", fraction(variance));
        vec![Floor::white(name, variance * step * step, f64::from(self.sample_rate_hz))]
    }

    fn read(&mut self, foresight: &mut Option<Foresight>, block: &mut Vec<Vec<f64>>) -> sqnr::Result<usize> {
        match (foresight, &mut self.second) {
            (Some(foresight), Second::Quantized(chain)) => foresight.read(&mut self.first, chain, block),
            _ => self.first.read_planar(block, BLOCK),
        }
    }

    /// Reads to the end; hands input and output of the channel to `take`, block by block. A longer file is cut.
    pub fn each_block(mut self, progress: &FileProgress, mut take: impl FnMut(&[f64], &[f64])) -> Result<(), Failure> {
        let (mut block, mut other) = (Vec::new(), Vec::new());
        let (mut indices, mut y) = (vec![0; BLOCK], vec![0.0; BLOCK]);
        let mut foresight = match &self.second {
            Second::Quantized(chain) => Some(Foresight::new(chain, BLOCK)),
            Second::File(_) => None,
        };
        let mut done = 0;
        loop {
            let n = self.read(&mut foresight, &mut block).map_err(|e| source::unreadable(self.input, e))?;
            // A block is longer for a chain that looks ahead.
            indices.resize(n.max(BLOCK), 0);
            y.resize(n.max(BLOCK), 0.0);
            let x: &mut Vec<f64> = &mut block[self.channel];
            let n = match &mut self.second {
                Second::Quantized(chain) => {
                    chain.process(self.channel, done, Samples { x, indices: &mut indices[..n], y: &mut y[..n] });
                    n
                }
                Second::File(file) => {
                    let m = file.read_planar(&mut other, BLOCK).map_err(|e| source::unreadable(self.input, e))?;
                    let n = n.min(m);
                    y[..n].copy_from_slice(&other[self.channel][..n]);
                    n
                }
            };
            if n == 0 {
                return Ok(());
            }
            take(&x[..n], &y[..n]);
            done += n as u64;
            progress.at(done, self.n_frames, self.sample_rate_hz);
        }
    }
}

/// `1/12` for the variances of theory, decimals for others.
fn fraction(variance: f64) -> String {
    let inverse = 1.0 / variance;
    match (inverse - inverse.round()).abs() < 1e-9 {
        true => format!("1/{inverse:.0}"),
        false => format!("{variance:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variances_of_theory_read_as_fractions() {
        assert_eq!(fraction(ErrorDensity::Uniform.variance()), "1/12");
        assert_eq!(fraction(ErrorDensity::Quadratic.variance()), "1/4");
        assert_eq!(fraction(0.15), "0.1500");
    }
}
