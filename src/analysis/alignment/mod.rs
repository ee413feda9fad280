//! Lays a test record over its reference: any offset, parts of a sample, clocks that differ or wander, lost and inserted
//! samples. One alignment holds for all channels together.
//!
//! ```text
//! x, y -> outlines -> coarse: runs -> tracking: local delays -> jumps -> fit: course -> refine -> path
//!                                                                                  path, x, y -> follow -> aligned blocks
//! ```
//!
//! Both are read from the start a few times, block by block; memory does not grow with their length.
//!
//! Source of the correlation: C. H. Knapp, G. C. Carter, "The generalized correlation method for estimation of time
//! delay", 1976.

mod channels;
mod coarse;
mod course;
mod fit;
mod follow;
mod gains;
mod interpolator;
mod jumps;
mod local;
mod outline;
mod path;
mod plain;
mod rate;
mod reader;
mod record;
mod refine;
mod seams;
mod tracking;

pub use channels::{ChannelMatch, matches};
pub use course::{Course, Spline};
pub use fit::Line;
pub use follow::follow;
pub use gains::{Gain, gain};
pub use interpolator::Interpolator;
pub use outline::Outline;
pub use path::{Gap, GapKind, HALF, Path, Piece};
pub use rate::Resampled;
pub use record::{Blocks, Record, Selected, Tape};

use crate::{Result, analysis::figure::Absent};

use coarse::Search;
use jumps::Group;
use local::LocalDelay;
use tracking::{Cut, Tracker};

/// Shortest record that is aligned.
const MIN_SAMPLES: u64 = 64;
/// Shortest record in which samples are interpolated.
const MIN_INTERPOLATED: u64 = 8 * HALF as u64;

/// Share of the energy that counts as explained: rounding to 16 bits of a quiet signal.
const LEAST_UNEXPLAINED: f64 = 1e-7;

/// A pair of records, and what was seen of them when they were read first.
pub struct Pair<'a> {
    /// The reference.
    pub x: &'a dyn Record,
    /// The test, of as many channels.
    pub y: &'a dyn Record,
    /// Samples per second of both.
    pub rate_hz: f64,
    /// Of the reference.
    pub x_outline: Outline,
    /// Of the test.
    pub y_outline: Outline,
}

impl std::fmt::Debug for Pair<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").field("rate_hz", &self.rate_hz).finish_non_exhaustive()
    }
}

impl<'a> Pair<'a> {
    /// Reads both once.
    ///
    /// # Errors
    /// Those of reading.
    pub fn read(x: &'a dyn Record, y: &'a dyn Record, rate_hz: f64) -> Result<Self> {
        Ok(Self { x, y, rate_hz, x_outline: Outline::of(x)?, y_outline: Outline::of(y)? })
    }

    /// The path of no alignment.
    pub fn as_is(&self) -> Path {
        Path::as_is(self.x_outline.n_frames, self.y_outline.n_frames)
    }

    /// Aligns the test with the reference.
    ///
    /// ```
    /// use sqnr::{Signal, analysis::alignment::Pair};
    ///
    /// let noise = |i: u32| f64::from(i.wrapping_mul(2_654_435_761) >> 8) / (1 << 23) as f64 - 1.0;
    /// let x = Signal::new(48_000, vec![(0..20_000).map(noise).collect()])?;
    /// let y = (0..20_000).map(|i| if i < 40 { 0.0 } else { 0.5 * noise(i - 40) }).collect();
    /// let y = Signal::new(48_000, vec![y])?;
    /// let path = Pair::read(&x, &y, 48_000.0)?.path()?.expect("they belong together");
    /// assert_eq!((path.course.delay_at(0.0), path.n_covered()), (40.0, 19_960));
    /// # Ok::<(), sqnr::Error>(())
    /// ```
    ///
    /// The inner result is why there is no alignment: silence, samples that are not finite, or nothing in common.
    ///
    /// # Errors
    /// Those of reading.
    pub fn path(&self) -> Result<std::result::Result<Path, Absent>> {
        if let Err(why) = self.check() {
            return Ok(Err(why));
        }
        let hop = self.x_outline.hop.max(self.y_outline.hop);
        let (x, y) = (self.x_outline.clone().at_hop(hop), self.y_outline.clone().at_hop(hop));
        let search = Search::new(&x.levels, &y.levels, hop);
        let mut runs = search.runs();
        if runs.is_empty() {
            runs.push(coarse::Run::unmoved(x.n_frames));
        }
        let cut = Cut::new(x.n_frames.min(y.n_frames), self.rate_hz, hop);
        let order = channels::order(self, &runs, cut)?;
        let y_in_order = Selected::new(self.y, order);
        let in_order = Pair { y: &y_in_order, x_outline: x.clone(), y_outline: y.clone(), ..*self };
        let tracker = Tracker::new((self.x, &y_in_order), y.n_frames, cut, &search, &runs)?;
        let delays = tracker.track(x.n_frames, x.mean_square())?;
        if delays.is_empty() {
            return Ok(Err(Absent::NoOverlap));
        }
        let found = in_order.fitted(&jumps::groups(&delays, cut.across()), cut)?;
        in_order.simplest(found, &search, cut).map(Ok)
    }

    /// The path without jumps from the delay that the beginnings tell, where it explains as much as what was found.
    fn simplest(&self, found: Path, search: &Search, cut: Cut) -> Result<Path> {
        let lag = plain::lag(self)?;
        if found.pieces.len() == 1 && (found.course.delay_at(0.0) - lag as f64).abs() <= 1.0 {
            return Ok(found);
        }
        let limit = 1.25 * gains::unexplained(self, &found)? + LEAST_UNEXPLAINED;
        let plain = plain::path(self, lag);
        if gains::unexplained(self, &plain)? <= limit {
            return Ok(plain);
        }
        let run = [coarse::Run { delay: lag as f64, ..coarse::Run::unmoved(self.x_outline.n_frames) }];
        let tracker = Tracker::new((self.x, self.y), self.y_outline.n_frames, cut, search, &run)?;
        let mut delays = tracker.track(self.x_outline.n_frames, self.x_outline.mean_square())?;
        delays.retain(|local| (local.delay - lag as f64).abs() <= 1.0 + coarse::MAX_DRIFT * local.at);
        if delays.is_empty() {
            return Ok(found);
        }
        let refined = self.fitted(&jumps::one_group(delays, cut.across()), cut)?;
        let is_as_good = gains::unexplained(self, &refined)? <= limit;
        Ok(if is_as_good { refined } else { found })
    }

    fn check(&self) -> std::result::Result<(), Absent> {
        for outline in [&self.x_outline, &self.y_outline] {
            if outline.n_not_finite > 0 {
                return Err(Absent::NotFinite { n_samples: outline.n_not_finite });
            }
            if outline.n_frames < MIN_SAMPLES {
                return Err(Absent::TooShort { n_samples: outline.n_frames as usize, needed: MIN_SAMPLES as usize });
            }
            if outline.is_silent() {
                return Err(Absent::Silence);
            }
        }
        Ok(())
    }

    /// The path through groups of local delays.
    fn fitted(&self, groups: &[Group], cut: Cut) -> Result<Path> {
        let points = smooth(groups);
        let mut course = fit::course(&points);
        let mut line = Line::through(&points);
        let is_long = self.x_outline.n_frames.min(self.y_outline.n_frames) >= MIN_INTERPOLATED;
        match course {
            Course::Whole(_) => {}
            _ if is_long => (course, line) = refine::refined(self, course, &points, cut.window)?,
            _ => course = Course::Whole(course.delay_at(0.0).round() as i64),
        }
        let mut path = Path { course, line, pieces: Vec::new(), gaps: Vec::new(), ..self.as_is() };
        seams::join(self, groups, &mut path)?;
        path.cut_to_test();
        Ok(path)
    }
}

/// The delays with the jumps taken out, those beside a jump left out.
fn smooth(groups: &[Group]) -> Vec<LocalDelay> {
    let n = groups.len();
    let of = |(i, group): (usize, &Group)| -> Vec<LocalDelay> {
        let inner = group.inner(i > 0, i + 1 < n);
        inner.iter().map(|d| LocalDelay { delay: d.delay - group.jump, jump: group.jump, ..*d }).collect()
    };
    groups.iter().enumerate().flat_map(of).collect()
}

#[cfg(test)]
mod tests;
