//! Block in, block out: quantizes, and changes from one setting to the next without a click.
//!
//! ```text
//!          +--> chain ----------(1 - g)--+
//! dry x ---+                             +--> wet y --> A/B --> heard
//!          +--> incoming chain --- g ----+        dry x --^
//! ```
//!
//! For [`FADE_S`] after a change both chains run and g rises from 0 to 1. During that time the output lies between the
//! levels of both quantizers; before and after, it is exactly on the levels of one.

use crate::shaping::Requantizer;

/// Duration of a change: long enough that no click is heard, shorter than a held key's repeat.
const FADE_S: f64 = 0.01;

/// Frames handled at once; longer blocks are split.
const MAX_BLOCK: usize = 1_024;

/// What is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Monitor {
    /// The input as it came.
    Input,
    /// What the quantizer made of it.
    Quantized,
}

/// A gain that moves smoothly between 0 and 1.
#[derive(Debug, Clone, Copy)]
struct Fade {
    /// From 0 to 1, linear in time.
    position: f64,
    step: f64,
}

impl Fade {
    fn at_rest(position: f64) -> Self {
        Self { position, step: 0.0 }
    }

    /// The gain now: 3 p^2 - 2 p^3, level at both ends.
    fn gain(&self) -> f64 {
        self.position * self.position * (3.0 - 2.0 * self.position)
    }

    fn advance(&mut self) {
        self.position = (self.position + self.step).clamp(0.0, 1.0);
    }
}

/// The chain that is heard, the one that replaces it, and the switch between input and output.
#[derive(Debug)]
pub struct Processor {
    n_channels: usize,
    fade_step: f64,
    chain: Box<Requantizer>,
    incoming: Option<Box<Requantizer>>,
    waiting: Option<Box<Requantizer>>,
    retired: Option<Box<Requantizer>>,
    change: Fade,
    monitor: Fade,
    sample_index: u64,
    scratch: Scratch,
}

#[derive(Debug)]
struct Scratch {
    x: Vec<f64>,
    y: Vec<f64>,
    incoming_y: Vec<f64>,
    indices: Vec<i32>,
}

impl Processor {
    /// A processor that starts with `chain`, made for as many channels.
    pub fn new(n_channels: usize, sample_rate_hz: u32, chain: Requantizer) -> Self {
        Self {
            n_channels,
            fade_step: 1.0 / (FADE_S * f64::from(sample_rate_hz)).max(1.0),
            chain: Box::new(chain),
            incoming: None,
            waiting: None,
            retired: None,
            change: Fade::at_rest(0.0),
            monitor: Fade::at_rest(1.0),
            sample_index: 0,
            scratch: Scratch {
                x: vec![0.0; MAX_BLOCK],
                y: vec![0.0; MAX_BLOCK],
                incoming_y: vec![0.0; MAX_BLOCK],
                indices: vec![0; MAX_BLOCK],
            },
        }
    }

    /// Changes to `chain`, as soon as a change under way is through; of several in waiting the last one wins.
    pub fn switch_to(&mut self, chain: Box<Requantizer>) {
        self.waiting = Some(chain);
    }

    /// Chooses what is heard.
    pub fn listen_to(&mut self, monitor: Monitor) {
        self.monitor.step = match monitor {
            Monitor::Input => -self.fade_step,
            Monitor::Quantized => self.fade_step,
        };
    }

    /// Frees chains that are through. Outside `process`, which must not.
    pub fn tidy_up(&mut self) {
        self.retired = None;
    }

    /// Samples clipped by the chain now heard, since it came.
    pub fn clipped_samples(&self) -> u64 {
        self.chain.counts().clipped_samples
    }

    /// Quantizes interleaved frames. Does not allocate.
    ///
    /// - `dry`: input, full scale 1.0
    /// - `wet`: reconstruction
    /// - `heard`: one of both, or what lies between while it changes
    ///
    /// # Panics
    /// When the three differ in length or hold no whole number of frames.
    pub fn process(&mut self, dry: &[f32], wet: &mut [f32], heard: &mut [f32]) {
        assert!(dry.len() == wet.len() && dry.len() == heard.len(), "input and outputs have one length");
        assert!(dry.len().is_multiple_of(self.n_channels), "a whole number of frames");
        let n = MAX_BLOCK * self.n_channels;
        for ((dry, wet), heard) in dry.chunks(n).zip(wet.chunks_mut(n)).zip(heard.chunks_mut(n)) {
            self.begin_change();
            self.quantize_block(dry, wet);
            self.mix_block(dry, wet, heard);
            self.end_change(dry.len() / self.n_channels);
        }
    }

    fn begin_change(&mut self) {
        if self.incoming.is_none() && self.retired.is_none() && self.waiting.is_some() {
            self.incoming = self.waiting.take();
            self.change = Fade { position: 0.0, step: self.fade_step };
        }
    }

    fn quantize_block(&mut self, dry: &[f32], wet: &mut [f32]) {
        let n_frames = dry.len() / self.n_channels;
        let Scratch { x, y, incoming_y, indices } = &mut self.scratch;
        let (x, y) = (&mut x[..n_frames], &mut y[..n_frames]);
        let (incoming_y, indices) = (&mut incoming_y[..n_frames], &mut indices[..n_frames]);
        for channel in 0..self.n_channels {
            let samples = dry.iter().skip(channel).step_by(self.n_channels);
            x.iter_mut().zip(samples).for_each(|(x, &dry)| *x = f64::from(dry));
            self.chain.process(channel, self.sample_index, x, indices, y);
            if let Some(incoming) = &mut self.incoming {
                incoming.process(channel, self.sample_index, x, indices, incoming_y);
                let mut change = self.change;
                for (y, incoming_y) in y.iter_mut().zip(&*incoming_y) {
                    *y += change.gain() * (incoming_y - *y);
                    change.advance();
                }
            }
            let wet = wet.iter_mut().skip(channel).step_by(self.n_channels);
            wet.zip(&*y).for_each(|(wet, &y)| *wet = y as f32);
        }
    }

    fn mix_block(&mut self, dry: &[f32], wet: &[f32], heard: &mut [f32]) {
        let n = self.n_channels;
        for ((dry, wet), heard) in dry.chunks_exact(n).zip(wet.chunks_exact(n)).zip(heard.chunks_exact_mut(n)) {
            let gain = self.monitor.gain() as f32;
            for ((dry, wet), heard) in dry.iter().zip(wet).zip(heard) {
                *heard = if gain == 1.0 { *wet } else { dry + gain * (wet - dry) };
            }
            self.monitor.advance();
        }
    }

    fn end_change(&mut self, n_frames: usize) {
        self.sample_index += n_frames as u64;
        if self.incoming.is_none() {
            return;
        }
        self.change.position += self.change.step * n_frames as f64;
        if self.change.position >= 1.0
            && let Some(incoming) = self.incoming.take()
        {
            self.retired = Some(std::mem::replace(&mut self.chain, incoming));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        live::settings::{Method, Settings, Shape},
        shaping::{Dither, ErrorFilter},
    };

    fn settings(bits: u32) -> Settings {
        Settings { bits, ..Default::default() }
    }

    fn processor(bits: u32, n_channels: usize) -> Processor {
        Processor::new(n_channels, 48_000, settings(bits).chain(n_channels).expect("legal"))
    }

    fn run(processor: &mut Processor, dry: &[f32], block: usize) -> (Vec<f32>, Vec<f32>) {
        let (mut wet, mut heard) = (vec![0.0; dry.len()], vec![0.0; dry.len()]);
        let blocks = dry.chunks(block).zip(wet.chunks_mut(block)).zip(heard.chunks_mut(block));
        for ((dry, wet), heard) in blocks {
            assert_no_alloc::assert_no_alloc(|| processor.process(dry, wet, heard));
            processor.tidy_up();
        }
        (wet, heard)
    }

    fn sine(n: usize) -> Vec<f32> {
        (0..n).map(|i| 0.6 * (i as f32 * 0.05).sin()).collect()
    }

    #[test]
    fn the_output_is_the_librarys_own_whatever_the_blocks() {
        let filter = ErrorFilter::from_feedback(&[1.6, -0.8]).expect("legal");
        let shape = Shape { name: "x".into(), filter: Some(filter) };
        let settings = Settings { bits: 6, dither: Dither::Triangular, shape, seed: 5, ..Default::default() };
        let x = sine(4_000);
        let left: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let right: Vec<f64> = left.iter().map(|x| -0.5 * x).collect();
        let mut expected = vec![0.0; 8_000];
        let mut offline = settings.chain(2).expect("legal");
        for (channel, x) in [left, right].iter().enumerate() {
            let (mut indices, mut y) = (vec![0; 4_000], vec![0.0; 4_000]);
            offline.process(channel, 0, x, &mut indices, &mut y);
            y.iter().enumerate().for_each(|(i, &y)| expected[2 * i + channel] = y as f32);
        }
        let dry: Vec<f32> = x.iter().flat_map(|&x| [x, -0.5 * x]).collect();
        for block in [2, 128, 6_000] {
            let mut live = Processor::new(2, 48_000, settings.chain(2).expect("legal"));
            let (wet, heard) = run(&mut live, &dry, block);
            assert!(wet == expected && heard == expected, "blocks of {block}");
        }
    }

    #[test]
    fn a_change_of_settings_makes_no_click() {
        // A constant that the two quantizers put 0.35 apart: 0.3 is 0.5 at 2 bits and 0.296875 at 8.
        let dry = vec![0.3; 4_800];
        let mut live = processor(8, 1);
        run(&mut live, &dry[..960], 96);
        live.switch_to(Box::new(settings(2).chain(1).expect("legal")));
        let (wet, _) = run(&mut live, &dry, 96);
        assert!((wet[0] - 0.296_875).abs() < 1e-3);
        assert_eq!(wet[4_799], 0.5);
        // Steepest slope of 3 p^2 - 2 p^3 is 1.5 over 480 samples.
        let allowed = 1.5 * (0.5 - 0.296_875) / 480.0 * 1.01;
        assert!(wet.windows(2).all(|w| (w[1] - w[0]).abs() <= allowed));
    }

    #[test]
    fn a_held_key_ends_at_the_last_setting() {
        let dry = sine(96_000);
        let mut live = processor(16, 1);
        for bits in (3..16).rev() {
            live.switch_to(Box::new(settings(bits).chain(1).expect("legal")));
            run(&mut live, &dry[..200], 100);
        }
        let (wet, _) = run(&mut live, &dry, 480);
        let is_on_3_bit_level = |y: &f32| (y * 4.0).fract() == 0.0;
        assert!(wet[4_800..].iter().all(is_on_3_bit_level));
    }

    #[test]
    fn a_and_b_are_exact_and_fade_between() {
        let dry = sine(48_000);
        let mut live = processor(3, 1);
        let (wet, heard) = run(&mut live, &dry, 480);
        assert_eq!(wet, heard);
        live.listen_to(Monitor::Input);
        let (_, heard) = run(&mut live, &dry, 480);
        assert_eq!(heard[600..], dry[600..]);
        live.listen_to(Monitor::Quantized);
        let (wet, heard) = run(&mut live, &dry, 480);
        assert_eq!(heard[600..], wet[600..]);
        assert_ne!(heard[1..100], wet[1..100]);
    }

    #[test]
    fn companding_and_hostile_samples_pass() {
        let settings = Settings { method: Method::MuLaw, bits: 8, ..Default::default() };
        let mut live = Processor::new(1, 48_000, settings.chain(1).expect("legal"));
        let (wet, _) = run(&mut live, &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 9.0], 4);
        assert!(wet.iter().all(|y| y.abs() <= 1.0), "{wet:?}");
    }
}
