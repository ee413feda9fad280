//! How far a long computation is: told to whoever waits for it.

/// Receives how far a computation over audio is. `()` ignores it.
pub trait Progress: Sync {
    /// `done` of `total` frames (samples per channel) at `sample_rate_hz` are done; `total` is `None` when the length is
    /// not known before the end.
    fn at(&self, done: u64, total: Option<u64>, sample_rate_hz: u32);
}

impl Progress for () {
    fn at(&self, _: u64, _: Option<u64>, _: u32) {}
}
