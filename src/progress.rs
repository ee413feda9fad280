//! How far a long computation is: told to whoever waits for it.

/// Receives how far a computation over audio is. `()` ignores it.
///
/// ```
/// use sqnr::{Progress, generate, task};
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// struct Last(AtomicU64);
/// impl Progress for Last {
///     fn at(&self, n_frames: u64, _: Option<u64>, _: u32) {
///         self.0.store(n_frames, Ordering::Relaxed);
///     }
/// }
/// let (tone, last) = (generate::signal(Default::default())?, Last(AtomicU64::new(0)));
/// task::quantize_audio(&tone, &"uniform bits=8".parse()?, &last)?;
/// assert_eq!(last.0.into_inner(), 48_000);
/// # Ok::<(), sqnr::Error>(())
/// ```
pub trait Progress: Sync {
    /// `done` of `total` frames (samples per channel) at `sample_rate_hz` are done; `total` is `None` when the length is
    /// not known before the end.
    fn at(&self, done: u64, total: Option<u64>, sample_rate_hz: u32);
}

impl Progress for () {
    fn at(&self, _: u64, _: Option<u64>, _: u32) {}
}
