//! Delta-sigma modulation on files: up to the modulator's rate, few levels, and back.
//!
//! ```text
//! x -> interpolate -> gain -> modulator -> levels -> DSF
//!                                            \-> decimate -> 1 / gain -> y
//! ```
//!
//! One bit is stable to about half of full scale, and Super Audio CD puts 0 dB there: one-bit levels carry half the amplitude, and
//! who reads DSF doubles it.

use super::{Beginning, Coding, Ended, committed, is_dsf};
use sqnr::{
    atomic_file::AtomicFile,
    dsf,
    shaping::delta_sigma::{
        Decimator, Interpolator, Modulator, Ntf, NtfSpec, RateStream, STOP_BAND, TrellisModulator, TrellisOptions,
    },
    wav::{SampleFormat, Spec},
};

use crate::{
    design_file::ModulatorDesign,
    exit::Failure,
    outputs::Output,
    sink::{self, WavSink},
};

/// Orders and gains of the modulator of `dsd...`: stable to full scale of the audio.
const DSD_ORDER: usize = 5;
const DSD_H_INF: f64 = 1.5;

/// One bit at `multiple` times 44.1 or 48 kHz, whichever is a multiple of the file's rate.
pub(super) fn dsd(beginning: &Beginning, multiple: usize) -> Result<Box<dyn Coding>, Failure> {
    let rate_hz = beginning.info.spec.sample_rate_hz;
    let high = [44_100, 48_000].map(|base| base * multiple as u32);
    let Some(high_hz) = high.into_iter().find(|high| high % rate_hz == 0) else {
        let message = format!("has {rate_hz} Hz; {} and {} Hz are no multiples: resample it first", high[0], high[1]);
        return Err(Failure::input(&beginning.input.path, message));
    };
    let factor = (high_hz / rate_hz) as usize;
    // Noise is low in the file's own band, at most that of 48 kHz, and to the end of the decimator's transition: what lies there
    // would fold back.
    let osr = f64::from(high_hz) / f64::from(rate_hz.min(48_000)) / (2.0 * STOP_BAND);
    let spec = NtfSpec { order: DSD_ORDER, osr, h_inf: DSD_H_INF, ..NtfSpec::default() };
    let ntf = Ntf::synthesize(&spec).map_err(|error| beginning.wrong(error))?;
    let n_paths = beginning.n_paths.unwrap_or(1);
    begin(beginning, &ModulatorDesign { ntf, oversampling_ratio: factor, n_levels: 2, n_paths })
}

/// The modulator of a file of `design modulator`.
pub(super) fn designed(beginning: &Beginning, design: &ModulatorDesign) -> Result<Box<dyn Coding>, Failure> {
    let n_paths = beginning.n_paths.unwrap_or(design.n_paths);
    begin(beginning, &ModulatorDesign { n_paths, ..design.clone() })
}

fn begin(beginning: &Beginning, design: &ModulatorDesign) -> Result<Box<dyn Coding>, Failure> {
    let channels = (0..beginning.n_channels()).map(|_| Channel::new(design)).collect::<sqnr::Result<Vec<_>>>();
    let channels = channels.map_err(|error| beginning.wrong(error))?;
    let sink = match beginning.output {
        Output::File(path) if is_dsf(path) => dsf_sink(beginning, design)?,
        output => {
            let spec = Spec { sample_format: SampleFormat::FLOAT32, ..beginning.info.spec };
            let n_frames = beginning.info.n_frames;
            Sink::Wav(WavSink::create(output, beginning.existing, &spec, n_frames, beginning.metadata)?)
        }
    };
    Ok(Box::new(Modulated { channels, sink }))
}

fn dsf_sink(beginning: &Beginning, design: &ModulatorDesign) -> Result<Sink, Failure> {
    if design.n_levels != 2 {
        return Err(Failure::usage(format!("DSF holds one bit, the modulator has {} levels", design.n_levels)));
    }
    let rate_hz = u64::from(beginning.info.spec.sample_rate_hz) * design.oversampling_ratio as u64;
    let sample_rate_hz = u32::try_from(rate_hz).map_err(|_| Failure::usage(format!("DSF has no {rate_hz} Hz")))?;
    let spec = dsf::Spec { sample_rate_hz, n_channels: beginning.n_channels() };
    spec.check().map_err(|error| beginning.wrong(error))?;
    let file = beginning.seekable_file()?;
    let path = file.path().to_path_buf();
    dsf::Writer::new(file, spec).map(Sink::Dsf).map_err(|error| sink::unwritable(&path, error))
}

enum Sink {
    Dsf(dsf::Writer<AtomicFile>),
    Wav(WavSink),
}

struct Modulated {
    channels: Vec<Channel>,
    sink: Sink,
}

impl Modulated {
    /// Writes the levels of all channels, or the reconstruction.
    fn write(&mut self, y: &[Vec<f64>]) -> Result<(), Failure> {
        match &mut self.sink {
            Sink::Wav(sink) => sink.write_planar(y),
            Sink::Dsf(writer) => {
                let levels: Vec<&[f64]> = self.channels.iter().map(|c| c.levels.as_slice()).collect();
                writer.write(&levels).map_err(|error| Failure::usage(error.to_string()))
            }
        }
    }
}

impl Coding for Modulated {
    fn push(&mut self, x: &[Vec<f64>], y: &mut [Vec<f64>]) -> Result<(), Failure> {
        for ((channel, x), y) in self.channels.iter_mut().zip(x).zip(y.iter_mut()) {
            channel.push(x, y);
        }
        self.write(y)
    }

    fn finish(mut self: Box<Self>, y: &mut [Vec<f64>]) -> Result<Ended, Failure> {
        for (channel, y) in self.channels.iter_mut().zip(y.iter_mut()) {
            channel.finish(y);
        }
        self.write(y)?;
        let n_resets: u64 = self.channels.iter().map(Channel::n_resets).sum();
        let warnings = match n_resets {
            0 => Vec::new(),
            n => vec![format!("the modulator ran away {n} times and was set back: too loud for it")],
        };
        match self.sink {
            Sink::Wav(sink) => {
                let written = sink.finish(&[])?;
                Ok(Ended { bytes: written.bytes, warnings: [warnings, written.warnings].concat() })
            }
            Sink::Dsf(writer) => {
                let file = writer.finish().map_err(|error| Failure::usage(error.to_string()))?;
                Ok(Ended { bytes: committed(file)?, warnings })
            }
        }
    }
}

struct Channel {
    up: RateStream<Interpolator>,
    modulator: Loop,
    down: RateStream<Decimator>,
    gain: f64,
    /// Levels of the last block.
    levels: Vec<f64>,
}

enum Loop {
    Plain(Box<Modulator>),
    LookAhead(Box<TrellisModulator>),
}

impl Channel {
    fn new(design: &ModulatorDesign) -> sqnr::Result<Self> {
        let factor = design.oversampling_ratio;
        let modulator = match design.n_paths {
            n_paths @ 2.. if design.n_levels == 2 => {
                let options = TrellisOptions { n_paths, ..TrellisOptions::default() };
                Loop::LookAhead(Box::new(TrellisModulator::new(&design.ntf, options)?))
            }
            _ => Loop::Plain(Box::new(Modulator::new(&design.ntf, design.n_levels)?)),
        };
        Ok(Self {
            up: RateStream::interpolate(Interpolator::new(factor)?),
            modulator,
            down: RateStream::decimate(Decimator::new(factor)?),
            gain: if design.n_levels == 2 { dsf::FULL_SCALE } else { 1.0 },
            levels: Vec::new(),
        })
    }

    fn push(&mut self, x: &[f64], y: &mut Vec<f64>) {
        let mut high = Vec::new();
        self.up.push(x, &mut high);
        self.levels.clear();
        self.modulate(high);
        self.down.push(&self.levels, y);
        self.rescale(y);
    }

    fn finish(&mut self, y: &mut Vec<f64>) {
        let mut high = Vec::new();
        self.up.finish(&mut high);
        self.levels.clear();
        self.modulate(high);
        if let Loop::LookAhead(modulator) = &mut self.modulator {
            modulator.finish(&mut self.levels);
        }
        self.down.push(&self.levels, y);
        self.down.finish(y);
        self.rescale(y);
    }

    fn modulate(&mut self, mut u: Vec<f64>) {
        u.iter_mut().for_each(|u| *u *= self.gain);
        match &mut self.modulator {
            Loop::Plain(modulator) => {
                self.levels.resize(u.len(), 0.0);
                modulator.process(&u, &mut self.levels).expect("equal lengths");
            }
            Loop::LookAhead(modulator) => modulator.process(&u, &mut self.levels),
        }
    }

    /// `y` is empty before each call: all of it is new. A reader finds single precision.
    fn rescale(&self, y: &mut [f64]) {
        y.iter_mut().for_each(|y| *y = f64::from((*y / self.gain) as f32));
    }

    fn n_resets(&self) -> u64 {
        match &self.modulator {
            Loop::Plain(modulator) => modulator.n_resets(),
            Loop::LookAhead(modulator) => modulator.n_resets(),
        }
    }
}
