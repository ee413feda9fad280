//! Where channels stand, and what each counts in the loudness of all.
//!
//! ```text
//! loudness = -0.691 + 10 log10(sum over channels of weight * mean square)
//! weight   = 1.41 for |elevation| < 30 and 60 <= |azimuth| <= 120 degrees, else 1; low-frequency effects do not count
//! ```
//!
//! Source: ITU-R BS.1770-5, annex 1, tables 3 and 4; the bits of a mask: Microsoft, `WAVEFORMATEXTENSIBLE`.

use ebur128::Channel;

/// What a channel counts in the loudness of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelWeight {
    /// 1: in front, behind, above.
    One,
    /// 1.41, that is +1.5 dB: at the sides.
    Side,
    /// Nothing: low-frequency effects.
    LeftOut,
    /// 2: one channel that two loudspeakers play.
    Twice,
}

impl From<ChannelWeight> for Channel {
    fn from(weight: ChannelWeight) -> Self {
        match weight {
            ChannelWeight::One => Self::Left,
            ChannelWeight::Side => Self::LeftSurround,
            ChannelWeight::LeftOut => Self::Unused,
            ChannelWeight::Twice => Self::DualMono,
        }
    }
}

const LOW_FREQUENCY: u32 = 0x8;
const BACK: u32 = 0x10 | 0x20;
const SIDE: u32 = 0x200 | 0x400;
/// Positions that the mask of a file can name.
const KNOWN: u32 = (1 << 18) - 1;

/// The channels of a programme, in the order of the file.
///
/// ```
/// use sqnr::analysis::loudness::{ChannelWeight, Layout};
///
/// // 7.1 with a mask: left, right, centre, low frequencies, back left and right, side left and right.
/// let layout = Layout::of(8, Some(0x63F));
/// assert_eq!(layout.weights()[3], ChannelWeight::LeftOut);
/// assert_eq!(layout.weights()[6], ChannelWeight::Side);
/// assert!(layout.assumption().is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    weights: Vec<ChannelWeight>,
    assumption: Option<String>,
}

impl Layout {
    /// Of `n_channels` channels at the positions of a mask; without one those of the usual layout of as many channels.
    pub fn of(n_channels: usize, mask: Option<u32>) -> Self {
        match mask.filter(|&mask| mask != 0) {
            Some(mask) => Self::of_mask(n_channels, mask),
            None => Self::usual(n_channels),
        }
    }

    /// Of one channel that two loudspeakers play: it counts twice, +3.01 dB.
    pub fn dual_mono() -> Self {
        Self { weights: vec![ChannelWeight::Twice], assumption: None }
    }

    fn of_mask(n_channels: usize, mask: u32) -> Self {
        let positions = (0..32).map(|bit| 1 << bit).filter(|bit| mask & bit != 0);
        let mut weights: Vec<ChannelWeight> = positions.clone().take(n_channels).map(|p| weight(p, mask)).collect();
        let n_unknown = n_channels - positions.take(n_channels).filter(|p| p & KNOWN != 0).count();
        weights.resize(n_channels, ChannelWeight::One);
        let said =
            || format!("{n_unknown} of {n_channels} channels have no position; loudness counts them with weight 1");
        Self { weights, assumption: (n_unknown > 0).then(said) }
    }

    fn usual(n_channels: usize) -> Self {
        let usual = match n_channels {
            0 | 1 => return Self { weights: vec![ChannelWeight::One; n_channels], assumption: None },
            2 => return Self::of_mask(2, 0x3),
            3 => Some((0x7, "L R C")),
            4 => Some((0x33, "L R Ls Rs")),
            5 => Some((0x37, "L R C Ls Rs")),
            6 => Some((0x3F, "L R C LFE Ls Rs")),
            8 => Some((0x63F, "L R C LFE Lrs Rrs Lss Rss")),
            _ => None,
        };
        let unsaid = format!("the file does not say where its {n_channels} channels stand; loudness");
        match usual {
            Some((mask, names)) => {
                Self { assumption: Some(format!("{unsaid} takes them for {names}")), ..Self::of_mask(n_channels, mask) }
            }
            None => Self {
                weights: vec![ChannelWeight::One; n_channels],
                assumption: Some(format!("{unsaid} counts each with weight 1")),
            },
        }
    }

    /// What each channel counts.
    pub fn weights(&self) -> &[ChannelWeight] {
        &self.weights
    }

    /// What was assumed, where the file does not say it.
    pub fn assumption(&self) -> Option<&str> {
        self.assumption.as_deref()
    }
}

/// The channels at the back stand at the sides where no others do (110 degrees), else behind them (135 degrees).
fn weight(position: u32, mask: u32) -> ChannelWeight {
    let at_the_sides = if mask & SIDE != 0 { SIDE } else { BACK };
    match position {
        LOW_FREQUENCY => ChannelWeight::LeftOut,
        p if p & at_the_sides != 0 => ChannelWeight::Side,
        _ => ChannelWeight::One,
    }
}

#[cfg(test)]
mod tests {
    use super::{ChannelWeight::*, *};

    #[test]
    fn weights_follow_the_positions_of_the_mask() {
        let of = |n, mask| Layout::of(n, Some(mask)).weights().to_vec();
        assert_eq!(of(6, 0x3F), [One, One, One, LeftOut, Side, Side]);
        assert_eq!(of(6, 0x60F), [One, One, One, LeftOut, Side, Side]);
        assert_eq!(of(8, 0x63F), [One, One, One, LeftOut, One, One, Side, Side]);
        assert_eq!(of(4, 0x107), [One; 4], "a centre at the back is behind");
        assert_eq!(of(3, 0xB), [One, One, LeftOut]);
        // 5.1.4: heights count as those in front.
        assert_eq!(of(10, 0x2D60F)[6..], [One; 4]);
        assert_eq!(of(1, 0x8), [LeftOut]);
    }

    #[test]
    fn what_the_file_does_not_say_is_said() {
        assert_eq!((Layout::of(1, None).assumption(), Layout::of(2, None).assumption()), (None, None));
        let six = Layout::of(6, None);
        assert_eq!(six.weights(), [One, One, One, LeftOut, Side, Side]);
        assert!(six.assumption().expect("said").contains("L R C LFE Ls Rs"));
        assert!(Layout::of(7, None).assumption().expect("said").contains("weight 1"));
        assert!(Layout::of(4, Some(0x3)).assumption().expect("said").contains("2 of 4 channels"));
        assert!(Layout::of(2, Some(0x8000_0000)).assumption().expect("said").contains("2 of 2 channels"));
        // More bits than channels: the first ones hold.
        assert_eq!(Layout::of(2, Some(0x3F)), Layout::of(2, None));
    }
}
