//! Microphone to loudspeaker: quantization as it is heard, while its settings change.
//!
//! ```text
//! capture -> ring -> [ resampler -> processor ] -> ring -> playback          bridge: a thread of its own
//! callback             ^ drift      |                      callback
//!                      fill         +-> taps -> meter -> screen
//!                                           +-> recorder
//! ```
//!
//! Callbacks copy between a buffer and a lock-free ring and count; they never allocate, lock or call the system. All
//! else happens in the bridge, which runs on rings alone, so that tests drive it without a device.

mod bridge;
mod chain;
mod clock;
mod deck;
mod device;
mod drift;
mod flow;
mod meter;
mod port;
mod priority;
mod processor;
mod recorder;
mod rehearsal;
mod resampler;
mod session;
mod settings;
mod silence;

pub use bridge::{Bridge, Command, Core, Ends, Pacing, Rates, Running, Tap};
pub use chain::Chain;
pub use deck::{Deck, DeckOptions, State, Status};
pub use device::{
    DEFAULT_BUFFER_FRAMES, DEFAULT_RATE_HZ, Listed, Planned, Request, Stream, list as list_devices, plan,
};
pub use drift::DriftControl;
pub use flow::{Direction, Dropouts, Flow};
pub use meter::{Level, Meter, Reading, SPECTRUM_LENGTH, Spectra, noise_line_dbfs};
pub use port::{CapturePort, DeviceSample, Layout, PlaybackPort, Start, ring};
pub use processor::{Monitor, Processor};
pub use recorder::{Recorder, names as recording_names};
pub use resampler::Resampler;
pub use session::{Input, Output, Plan, Session};
pub use settings::{
    BITRATES_KBPS, MAX_BITS, MAX_LEARNED_BITS, MIN_BITS, Settings, coarser, codec_at, finer, theory_snr_db, with_method,
};
pub use silence::SilencedStderr;

/// Callbacks that allocate abort the tests.
#[cfg(all(test, debug_assertions))]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;
