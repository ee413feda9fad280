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

pub use deck::{Deck, DeckOptions, State, Status};
pub use device::{Request, list as list_devices};
pub use meter::{Level, Reading, Spectra};
pub use processor::{Monitor, Processor};
pub use session::{Input, Output, Plan, Session};
pub use settings::Settings;

// What the command line, examples and tests put together themselves.
#[doc(hidden)]
pub use bridge::{Bridge, Command, Core, Ends, Pacing, Rates, Running, Tap};
#[doc(hidden)]
pub use chain::LiveChain;
#[doc(hidden)]
pub use device::{DEFAULT_BUFFER_FRAMES, DEFAULT_RATE_HZ, Listed, Planned, Stream, plan};
#[doc(hidden)]
pub use drift::DriftControl;
#[doc(hidden)]
pub use flow::{Direction, Dropouts, Flow};
#[doc(hidden)]
pub use meter::{Meter, SPECTRUM_LENGTH, noise_line_dbfs};
#[doc(hidden)]
pub use port::{CapturePort, DeviceSample, Layout, PlaybackPort, Start, ring};
#[doc(hidden)]
pub use recorder::{Recorder, names as recording_names};
#[doc(hidden)]
pub use resampler::Resampler;
#[doc(hidden)]
pub use settings::{
    BITRATES_KBPS, MAX_BITS, MAX_LEARNED_BITS, MIN_BITS, coarser, codec_at, finer, theory_snr_db, with_method,
};
#[doc(hidden)]
pub use silence::SilencedStderr;

/// Callbacks that allocate abort the tests.
#[cfg(all(test, debug_assertions))]
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;
