//! The loop: read a block, quantize, store, measure. Memory does not grow with the length.

use sqnr::{
    Result as LibraryResult,
    analysis::error_statistics::{ErrorFigures, ErrorStatistics, Settings},
    audio_file::Source,
    quantizer::{Quantizer, Uniform},
};

use super::{
    super::{exit::Failure, inputs::Input, progress::FileProgress, sink::WavSink, source},
    chain::{Chain, Samples, Storage},
    foresight::Foresight,
};

/// Samples of all channels in one block.
const BLOCK_SAMPLES: usize = 1 << 15;
/// Largest number of levels whose entropy is counted.
const MAX_COUNTED_LEVELS: u64 = 1 << 16;

/// Where samples go.
pub struct Sinks {
    pub audio: WavSink,
    pub error: Option<WavSink>,
}

/// What was done to a file.
pub struct Measured {
    pub total: ErrorFigures,
    pub per_channel: Vec<ErrorFigures>,
    pub n_frames: u64,
    pub clipped_samples: u64,
    pub nan_samples: u64,
    pub bytes_read: Option<u64>,
    pub bytes_written: u64,
    pub warnings: Vec<String>,
}

/// Quantizes all of `source` into the sinks.
pub fn run(
    input: &Input,
    source: &mut Source,
    chain: &mut Chain,
    sinks: Sinks,
    progress: &FileProgress,
) -> Result<Measured, Failure> {
    let info = source.info().clone();
    let n_channels = usize::from(info.spec.channels);
    let mut foresight = Foresight::new(chain, (BLOCK_SAMPLES / n_channels).max(1));
    let Sinks { mut audio, mut error } = sinks;
    let mut block = Block::new(n_channels);
    let mut statistics = statistics(chain, n_channels).map_err(|e| Failure::compute(&input.path, e))?;
    let mut n_frames = 0;
    loop {
        let n = foresight.read(source, chain, &mut block.x).map_err(|e| source::unreadable(input, e))?;
        if n == 0 {
            break;
        }
        block.quantize(chain, n_frames);
        block.store(chain.storage, &mut audio)?;
        if let Some(error) = &mut error {
            block.store_error(error)?;
        }
        block.measure(&mut statistics);
        n_frames += n as u64;
        progress.at(n_frames, info.n_frames, info.spec.sample_rate_hz);
    }
    let counts = chain.requantizer.counts();
    let mut warnings = source.warnings().to_vec();
    warnings.extend(source.metadata().not_kept.iter().cloned());
    if chain.has_full_scale() {
        warnings.extend(count_warning(counts.clipped_samples, "clipped"));
    }
    warnings.extend(count_warning(counts.nan_samples, "not a number: taken as 0"));
    let after_data = &source.metadata().after_data;
    let error_written = error.map(|error| error.finish(&[])).transpose()?;
    let written = audio.finish(after_data)?;
    warnings.extend(written.warnings);
    warnings.extend(error_written.into_iter().flat_map(|written| written.warnings));
    Ok(Measured {
        total: merged(&statistics).figures(),
        per_channel: statistics.iter().map(ErrorStatistics::figures).collect(),
        n_frames,
        clipped_samples: counts.clipped_samples,
        nan_samples: counts.nan_samples,
        bytes_read: std::fs::metadata(&input.path).ok().filter(|m| m.is_file()).map(|m| m.len()),
        bytes_written: written.bytes,
        warnings,
    })
}

/// The same without files: what a reader of the container would find, and the figures over all channels.
#[cfg(feature = "serve")]
pub fn in_memory(channels: &[Vec<f64>], chain: &mut Chain) -> LibraryResult<(Vec<Vec<f64>>, ErrorFigures)> {
    let n_channels = channels.len();
    let mut statistics = statistics(chain, n_channels)?;
    let mut block = Block::new(n_channels);
    let mut y = vec![Vec::new(); n_channels];
    let (n_frames, max_frames) = (channels[0].len(), (BLOCK_SAMPLES / n_channels).max(1));
    for from in (0..n_frames).step_by(max_frames) {
        let frames = from..(from + max_frames).min(n_frames);
        block.x.iter_mut().zip(channels).for_each(|(x, all)| {
            x.clear();
            x.extend_from_slice(&all[frames.clone()]);
        });
        block.quantize(chain, from as u64);
        block.measure(&mut statistics);
        y.iter_mut().zip(&block.y).for_each(|(y, part)| y.extend_from_slice(part));
    }
    Ok((y, merged(&statistics).figures()))
}

/// All channels as one.
fn merged(statistics: &[ErrorStatistics]) -> ErrorStatistics {
    let mut total = statistics[0].clone();
    statistics[1..].iter().for_each(|channel| total.merge(channel));
    total
}

fn count_warning(n: u64, what: &str) -> Option<String> {
    match n {
        0 => None,
        1 => Some(format!("1 sample {what}")),
        n => Some(format!("{n} samples {what}")),
    }
}

fn statistics(chain: &Chain, n_channels: usize) -> LibraryResult<Vec<ErrorStatistics>> {
    let quantizer = chain.requantizer.quantizer();
    let (low, high) = quantizer.granular_region();
    let settings = Settings {
        granular: low..=high,
        indices: Some(quantizer.indices()).filter(|_| quantizer.n_levels() <= MAX_COUNTED_LEVELS),
        n_levels: quantizer.as_uniform().map(Uniform::n_levels),
        ..Settings::default()
    };
    (0..n_channels).map(|_| ErrorStatistics::new(settings.clone())).collect()
}

/// The buffers of one block, reused.
struct Block {
    x: Vec<Vec<f64>>,
    y: Vec<Vec<f64>>,
    indices: Vec<Vec<i32>>,
    codes: Vec<i32>,
}

impl Block {
    fn new(n_channels: usize) -> Self {
        Self {
            x: vec![Vec::new(); n_channels],
            y: vec![Vec::new(); n_channels],
            indices: vec![Vec::new(); n_channels],
            codes: Vec::new(),
        }
    }

    /// Fills `y` and `indices` from `x`; `y` is what the container will give back.
    fn quantize(&mut self, chain: &mut Chain, first_sample_index: u64) {
        for (channel, x) in self.x.iter_mut().enumerate() {
            let (y, indices) = (&mut self.y[channel], &mut self.indices[channel]);
            y.resize(x.len(), 0.0);
            indices.resize(x.len(), 0);
            chain.process(channel, first_sample_index, Samples { x, indices, y });
        }
    }

    fn store(&mut self, storage: Storage, sink: &mut WavSink) -> Result<(), Failure> {
        match storage {
            Storage::Level => sink.write_planar(&self.y),
            Storage::Index => {
                interleave(&self.indices, &mut self.codes, |index| index);
                sink.write_codes(&self.codes)
            }
            Storage::OddCode => {
                interleave(&self.indices, &mut self.codes, |index| 2 * index + 1);
                sink.write_codes(&self.codes)
            }
        }
    }

    /// Writes reconstruction minus input.
    fn store_error(&mut self, sink: &mut WavSink) -> Result<(), Failure> {
        let errors: Vec<Vec<f64>> =
            self.x.iter().zip(&self.y).map(|(x, y)| x.iter().zip(y).map(|(x, y)| y - x).collect()).collect();
        sink.write_planar(&errors)
    }

    fn measure(&self, statistics: &mut [ErrorStatistics]) {
        for (channel, statistics) in statistics.iter_mut().enumerate() {
            statistics.push(&self.x[channel], &self.y[channel]);
            statistics.push_indices(&self.indices[channel]);
        }
    }
}

fn interleave(planar: &[Vec<i32>], codes: &mut Vec<i32>, code: impl Fn(i32) -> i32) {
    let n_channels = planar.len();
    codes.clear();
    codes.resize(planar[0].len() * n_channels, 0);
    for (channel, indices) in planar.iter().enumerate() {
        for (place, &index) in codes[channel..].iter_mut().step_by(n_channels).zip(indices) {
            *place = code(index);
        }
    }
}
