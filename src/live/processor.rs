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
//!
//! A chain with a delay gives the input out as late as its output: what is compared, heard as A and B, and recorded, is
//! always of one moment. A change to such a chain waits until it has something to say, then fades between two moments.

use super::chain::{LiveChain, MAX_BLOCK};

/// Duration of a change: long enough that no click is heard, shorter than a held key's repeat.
const FADE_S: f64 = 0.01;

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
    chain: Box<LiveChain>,
    incoming: Option<Box<LiveChain>>,
    waiting: Option<Box<LiveChain>>,
    retired: Option<Box<LiveChain>>,
    /// Frames that the incoming chain still needs before its output is sound.
    unheard_frames: usize,
    change: Fade,
    monitor: Fade,
    sample_index: u64,
    scratch: Scratch,
}

/// Of the chain that comes in, interleaved.
#[derive(Debug)]
struct Scratch {
    aligned: Vec<f32>,
    wet: Vec<f32>,
}

impl Processor {
    /// A processor that starts with `chain`, made for as many channels.
    pub fn new(n_channels: usize, sample_rate_hz: u32, chain: LiveChain) -> Self {
        Self {
            n_channels,
            fade_step: 1.0 / (FADE_S * f64::from(sample_rate_hz)).max(1.0),
            chain: Box::new(chain),
            incoming: None,
            waiting: None,
            retired: None,
            unheard_frames: 0,
            change: Fade::at_rest(0.0),
            monitor: Fade::at_rest(1.0),
            sample_index: 0,
            scratch: Scratch { aligned: vec![0.0; MAX_BLOCK * n_channels], wet: vec![0.0; MAX_BLOCK * n_channels] },
        }
    }

    /// Changes to `chain`, as soon as a change under way is through; of several in waiting the last one wins.
    pub fn switch_to(&mut self, chain: Box<LiveChain>) {
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
        self.chain.clipped_samples()
    }

    /// Frames by which the chain now heard is behind.
    pub fn delay_frames(&self) -> usize {
        self.chain.delay_frames()
    }

    /// Bits per second that the chain now heard spends, in kbit/s, if it is the codec.
    pub fn bitrate_kbps(&self) -> Option<f64> {
        self.chain.bitrate_kbps()
    }

    /// Quantizes interleaved frames. Quantizers do not allocate here; the codec does while its buffers grow.
    ///
    /// - `dry`: input, full scale 1.0
    /// - `aligned`: the input of the same moment as `wet`
    /// - `wet`: reconstruction
    /// - `heard`: one of the last two, or what lies between while it changes
    ///
    /// # Panics
    /// When they differ in length or hold no whole number of frames.
    pub fn process(&mut self, dry: &[f32], aligned: &mut [f32], wet: &mut [f32], heard: &mut [f32]) {
        let lengths = [aligned.len(), wet.len(), heard.len()];
        assert!(lengths.iter().all(|&n| n == dry.len()), "input and outputs have one length");
        assert!(dry.len().is_multiple_of(self.n_channels), "a whole number of frames");
        let n = MAX_BLOCK * self.n_channels;
        let blocks = dry.chunks(n).zip(aligned.chunks_mut(n)).zip(wet.chunks_mut(n)).zip(heard.chunks_mut(n));
        for (((dry, aligned), wet), heard) in blocks {
            self.begin_change();
            self.quantize_block(dry, aligned, wet);
            self.mix_block(aligned, wet, heard);
            self.end_change(dry.len() / self.n_channels);
        }
    }

    fn begin_change(&mut self) {
        if self.incoming.is_none() && self.retired.is_none() && self.waiting.is_some() {
            self.incoming = self.waiting.take();
            self.unheard_frames = self.incoming.as_ref().map_or(0, |incoming| incoming.delay_frames());
            self.change = Fade { position: 0.0, step: self.fade_step };
        }
    }

    fn quantize_block(&mut self, dry: &[f32], aligned: &mut [f32], wet: &mut [f32]) {
        let n = self.n_channels;
        self.chain.process(self.sample_index, n, dry, aligned, wet);
        let Some(incoming) = &mut self.incoming else { return };
        let (new_aligned, new_wet) = (&mut self.scratch.aligned[..dry.len()], &mut self.scratch.wet[..dry.len()]);
        incoming.process(self.sample_index, n, dry, new_aligned, new_wet);
        if self.unheard_frames > 0 {
            return;
        }
        for (old, new) in [(aligned, new_aligned), (wet, new_wet)] {
            let mut change = self.change;
            for (old, new) in old.chunks_exact_mut(n).zip(new.chunks_exact(n)) {
                let gain = change.gain() as f32;
                old.iter_mut().zip(new).for_each(|(old, new)| *old += gain * (new - *old));
                change.advance();
            }
        }
    }

    fn mix_block(&mut self, aligned: &[f32], wet: &[f32], heard: &mut [f32]) {
        let n = self.n_channels;
        for ((aligned, wet), heard) in aligned.chunks_exact(n).zip(wet.chunks_exact(n)).zip(heard.chunks_exact_mut(n)) {
            let gain = self.monitor.gain() as f32;
            for ((dry, wet), heard) in aligned.iter().zip(wet).zip(heard) {
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
        if self.unheard_frames > 0 {
            self.unheard_frames = self.unheard_frames.saturating_sub(n_frames);
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
    use crate::live::settings::{Settings, of_text};

    fn settings(bits: u32) -> Settings {
        of_text(&format!("uniform bits={bits} dither=none"))
    }

    fn processor(bits: u32, n_channels: usize) -> Processor {
        Processor::new(n_channels, 48_000, settings(bits).chain(n_channels, 48_000).expect("legal"))
    }

    /// The outputs `wet` and `heard` of quantizers, which do not allocate.
    fn run(processor: &mut Processor, dry: &[f32], block: usize) -> (Vec<f32>, Vec<f32>) {
        let [_, wet, heard] = run_by(processor, dry, block, |process| assert_no_alloc::assert_no_alloc(process));
        (wet, heard)
    }

    /// All outputs: `aligned`, `wet` and `heard`.
    fn run_aligned(processor: &mut Processor, dry: &[f32], block: usize) -> [Vec<f32>; 3] {
        run_by(processor, dry, block, |process| process())
    }

    fn run_by(processor: &mut Processor, dry: &[f32], block: usize, call: fn(&mut dyn FnMut())) -> [Vec<f32>; 3] {
        let mut outputs = [vec![0.0; dry.len()], vec![0.0; dry.len()], vec![0.0; dry.len()]];
        let [aligned, wet, heard] = &mut outputs;
        let blocks = dry.chunks(block).zip(aligned.chunks_mut(block)).zip(wet.chunks_mut(block));
        for (((dry, aligned), wet), heard) in blocks.zip(heard.chunks_mut(block)) {
            call(&mut || processor.process(dry, aligned, wet, heard));
            processor.tidy_up();
        }
        outputs
    }

    fn sine(n: usize) -> Vec<f32> {
        (0..n).map(|i| 0.6 * (i as f32 * 0.05).sin()).collect()
    }

    #[test]
    fn the_output_is_the_librarys_own_whatever_the_blocks() {
        let settings = of_text("uniform bits=6 dither=tpdf shape=1.6,-0.8 seed=5");
        let x = sine(4_000);
        let left: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let right: Vec<f64> = left.iter().map(|x| -0.5 * x).collect();
        let mut expected = vec![0.0; 8_000];
        let mut offline = settings.requantizer(2).expect("legal");
        for (channel, x) in [left, right].iter().enumerate() {
            let (mut indices, mut y) = (vec![0; 4_000], vec![0.0; 4_000]);
            offline.process(channel, 0, x, &mut indices, &mut y);
            y.iter().enumerate().for_each(|(i, &y)| expected[2 * i + channel] = y as f32);
        }
        let dry: Vec<f32> = x.iter().flat_map(|&x| [x, -0.5 * x]).collect();
        for block in [2, 128, 6_000] {
            let mut live = Processor::new(2, 48_000, settings.chain(2, 48_000).expect("legal"));
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
        live.switch_to(Box::new(settings(2).chain(1, 48_000).expect("legal")));
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
            live.switch_to(Box::new(settings(bits).chain(1, 48_000).expect("legal")));
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
        let settings = of_text("mu-law bits=8");
        let mut live = Processor::new(1, 48_000, settings.chain(1, 48_000).expect("legal"));
        let (wet, _) = run(&mut live, &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 9.0], 4);
        assert!(wet.iter().all(|y| y.abs() <= 1.0), "{wet:?}");
    }

    #[test]
    fn the_codec_is_compared_with_the_input_of_its_own_moment() {
        let dry = sine(96_000);
        let settings = of_text("codec bitrate=64");
        let mut live = Processor::new(1, 48_000, settings.chain(1, 48_000).expect("legal"));
        let delay = live.delay_frames();
        let [aligned, wet, heard] = run_aligned(&mut live, &dry, 480);
        assert_eq!(aligned[delay..], dry[..96_000 - delay]);
        assert_eq!(wet, heard);
        let energy = |x: &mut dyn Iterator<Item = f32>| x.map(|x| f64::from(x).powi(2)).sum::<f64>();
        let signal = energy(&mut aligned[48_000..].iter().copied());
        let error = energy(&mut aligned[48_000..].iter().zip(&wet[48_000..]).map(|(x, y)| y - x));
        assert!(error < 0.01 * signal, "{} dB", 10.0 * (signal / error).log10());
        assert!(live.bitrate_kbps().is_some_and(|kbps| kbps > 1.0));
    }

    #[test]
    fn a_change_to_the_codec_and_back_makes_no_click() {
        // Slow enough that two moments of it differ by little in a sample, whatever they are.
        let dry: Vec<f32> = (0..96_000).map(|i| 0.5 * (i as f32 * 0.004).sin()).collect();
        let mut live = processor(16, 1);
        run(&mut live, &dry[..4_800], 480);
        let codec = of_text("codec bitrate=128");
        live.switch_to(Box::new(codec.chain(1, 48_000).expect("legal")));
        let [_, there, _] = run_aligned(&mut live, &dry[4_800..48_000], 480);
        live.switch_to(Box::new(settings(16).chain(1, 48_000).expect("legal")));
        let [_, back, _] = run_aligned(&mut live, &dry[48_000..], 480);
        let steepest = |y: &[f32]| y.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        // The fade's own slope, 1.5 / 480 of a step of at most 1, and the tone's.
        assert!(steepest(&there) < 0.006 && steepest(&back) < 0.006, "{} {}", steepest(&there), steepest(&back));
    }
}
