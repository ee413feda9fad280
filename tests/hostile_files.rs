//! Files that lie: arrays, tensors and one-bit audio whose headers promise what is not there, made by hand and by thousands of
//! mutations. Each is a typed error or a sound result, in no more memory than the file can hold.
#![cfg(feature = "tensor")]

#[path = "hostile_files/archive.rs"]
mod archive;
#[path = "hostile_files/by_hand.rs"]
mod by_hand;
#[path = "hostile_files/kept_inputs.rs"]
mod kept_inputs;
#[path = "hostile_files/mutations.rs"]
mod mutations;

use std::sync::{Mutex, MutexGuard, PoisonError};

use peak_alloc::PeakAlloc;

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

/// Memory is counted for the whole process: one test at a time, each from its beginning.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What `work` gives, and the most that was allocated at once during it; only [`alone`].
fn with_peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = PEAK.current_usage();
    PEAK.reset_peak_usage();
    let result = work();
    (result, PEAK.peak_usage().saturating_sub(before))
}
