//! A silent start: playback runs in silence while the cushion is fitted to the reserve it leaves.
//!
//! Behind a sound server both ends move by one block or two at once, in an order that is chance: of a cushion that waits
//! when playback begins, a whole block or nothing may be left at the worst moment. So the worst moment is seen first. The
//! reserve that is left then is the cushion exactly, with no more latency than that, and it is what a stall can use up.

/// Length in seconds: some rounds of the blocks of a sound server and of a device against each other.
pub(super) const REHEARSAL_S: f64 = 0.5;

/// A rehearsal under way.
#[derive(Debug, Clone)]
pub(super) struct Rehearsal {
    left_frames: u64,
    owed_frames: u64,
}

impl Rehearsal {
    /// A rehearsal of `n_frames`.
    pub(super) fn new(n_frames: u64) -> Self {
        Self { left_frames: n_frames, owed_frames: 0 }
    }

    /// How many of the `n_ready` frames to take: fewer while the reserve has to grow.
    pub(super) fn take(&mut self, n_ready: usize) -> usize {
        let n_kept = self.owed_frames.min(n_ready as u64);
        self.owed_frames -= n_kept;
        n_ready - n_kept as usize
    }

    /// After a turn of `n_frames`; `least` frames were left in reserve at the worst moment so far, which is never more than
    /// the `cushion` that waited when playback began. True when it is over, and at such a moment the cushion is left.
    pub(super) fn end_turn(&mut self, n_frames: u64, least: u64, cushion: u64) -> bool {
        if self.left_frames > 0 {
            self.left_frames = self.left_frames.saturating_sub(n_frames);
            if self.left_frames > 0 {
                return false;
            }
            self.owed_frames = cushion.saturating_sub(least);
        }
        self.owed_frames == 0
    }
}
