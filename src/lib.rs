//! Quantize signals and audio, measure what quantization did, and beat it.
//!
//! ```text
//! Signal, audio_file -> Recipe -> Plan -> chain -> Outcome, file      quantize, code
//!                    -> codec::Encoder -> .sqn -> codec::Decoder      compress music
//!                    -> analysis -> figures                           measure
//!          densities -> design -> quantizer                           find the best levels
//!   figures, spectra -> report -> table, SVG, PNG, HTML               show
//! ```
//!
//! # Quantize
//!
//! A [`Recipe`](recipe::Recipe) says what is wanted; one call does it and measures the error:
//!
//! ```
//! let tone = sqnr::generate::signal(Default::default())?;
//! let quantized = sqnr::quantize(&tone, &"uniform bits=16 dither=tpdf".parse()?)?;
//! // 6.02 B + 1.76 dB, less 4.77 dB that triangular dither adds to the noise
//! assert!((quantized.snr_db().expect("dither is noise") - 93.3).abs() < 0.1);
//! # Ok::<(), sqnr::Error>(())
//! ```
//!
//! # Measure
//!
//! ```
//! use sqnr::{generate, task};
//!
//! let tone = generate::signal(generate::TestSignal { snr_db: Some(70.0), ..Default::default() })?;
//! let measured = task::measure(&tone, &task::MeasureOptions::default(), &())?;
//! assert!((measured.channels[0].tone.sinad_db.expect("a tone") - 70.0).abs() < 0.1);
//! # Ok::<(), sqnr::Error>(())
//! ```
//!
//! # Encode and decode
//!
//! ```
//! use sqnr::{audio_file, codec::{Encoder, EncoderOptions}};
//!
//! let mut file = Vec::new();
//! let mut encoder = Encoder::new(&mut file, &EncoderOptions::new(48_000, 1))?;
//! encoder.push(&[(0..48_000).map(|i| 0.5 * (0.05 * i as f32).sin()).collect::<Vec<f32>>()])?;
//! let summary = encoder.finish()?;
//! assert!(summary.bitrate_kbps() < 100.0);
//! assert_eq!(audio_file::open_stream(std::io::Cursor::new(file))?.read_to_end()?.len(), 48_000);
//! # Ok::<(), sqnr::Error>(())
//! ```
//!
//! # Design
//!
//! ```
//! use sqnr::design::{Density, lloyd_max, rate_distortion::RateDistortion};
//!
//! let best = lloyd_max::optimal(Density::Gaussian, 16)?;
//! // Four bits come within 4 dB of Shannon's bound, 24.08 dB.
//! let bound_db = RateDistortion::of_density(Density::Gaussian).snr_db(4.0);
//! assert!(best.snr_db < bound_db && best.snr_db > bound_db - 4.0);
//! # Ok::<(), sqnr::Error>(())
//! ```
//!
//! # Plot
//!
#![cfg_attr(not(feature = "plot"), doc = "With the feature `plot`, `report::plot` draws results as SVG and PNG.")]
#![cfg_attr(
    feature = "plot",
    doc = r#"```
use sqnr::{chain::Plan, generate, task::picture::{self, Subject}};

let tone = generate::signal(Default::default())?;
let plan = Plan::new(&"uniform bits=8 dither=tpdf".parse()?)?;
let subject = Subject { audio: &tone, plan: &plan, reference: None, channel: 1 };
let chart = picture::noise(subject.pair()?, &())?;
assert!(chart.draw(Default::default()).svg().ends_with("</svg>\n"));
# Ok::<(), sqnr::Error>(())
```"#
)]
//!
//! # Rooms
//!
//! | room | holds |
//! |---|---|
//! | [`recipe`] | what is asked for, as data: one line of text, JSON, a command line |
//! | [`chain`] | what carries a recipe out, block by block, and measures the error |
//! | [`task`] | the main jobs as single calls: quantize, measure, compare, verify, sweep, pictures |
//! | [`quantizer`] | numbers to indices and back: uniform, companding, codebooks, trellises, lattices, vectors |
//! | [`design`] | the best quantizer for a density or for samples, and Shannon's bound |
//! | [`shaping`] | dither, noise shaping, delta-sigma modulation |
//! | [`predictive`] | DPCM, IMA ADPCM, ITU-T G.722 and G.726 |
//! | [`number_format`] | fixed point, small floats, block formats, affine integers, tensors in files |
//! | [`codec`] | the transform codec and its `.sqn` files |
//! | [`transform`] | the lapped transform (MDCT) |
//! | [`analysis`] | error, spectra, tones, linearity, levels, pairs of signals |
//! | [`hearing`] | Bark scale, thresholds, weightings, masks |
//! | [`adc`] | a converter with the faults of real ones |
//! | [`generate`] | test signals whose truth is known |
//! | [`audio_file`], [`wav`], [`dsf`] | audio in and out |
//! | [`report`] | tables, pictures, a page that plays |
#![cfg_attr(feature = "live", doc = "| [`live`] | microphone to loudspeaker |")]
//!
//! Imports only go down: `quantizer` knows nothing of files, the codec nothing of the command line.
//!
//! # Words
//!
//! *Full scale* is amplitude 1.0, *0 dBFS* a sine of that amplitude, *quantization error* always reconstruction minus
//! input, *SQNR* the signal's power over the error's. A figure that may not exist is a [`Figure`](analysis::Figure): the
//! number, or why there is none.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `parallel` | yes | threads for channels, blocks and files |
//! | `adc-spec` | | descriptions of converters as TOML |
//! | `atomic-files` | | files that appear whole under their name or not at all |
//! | `decode` | | reads FLAC, MP3, Vorbis, AAC, AIFF |
//! | `json` | | recipes, codebooks and figures as JSON |
//! | `live` | | microphone and loudspeaker; on Linux it needs the ALSA headers |
//! | `loudness` | | programme loudness (EBU R 128) |
//! | `plot` | | SVG and PNG without a system font; with `json` the page that plays |
//! | `symphonia` | | lets players built on symphonia play `.sqn` |
//! | `tensor` | | reads and writes `.npz` and `.safetensors` |

#![warn(unreachable_pub)]

pub mod adc;
pub mod analysis;
#[cfg(feature = "atomic-files")]
#[doc(hidden)]
pub mod atomic_file;
pub mod audio_file;
pub mod chain;
pub mod codec;
pub mod design;
pub mod dsf;
mod error;
pub mod generate;
pub mod hearing;
mod kernel;
#[cfg(feature = "live")]
pub mod live;
pub mod number_format;
#[doc(hidden)]
pub mod parallel;
pub mod predictive;
mod progress;
pub mod quantizer;
mod random;
#[doc(hidden)]
pub mod range_coder;
pub mod recipe;
pub mod report;
pub mod shaping;
mod signal;
pub mod task;
pub mod transform;
pub mod wav;

pub use error::{Error, Result};
pub use progress::Progress;
pub use signal::Signal;
pub use task::quantize;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
