//! Rectangles, and the map from values to places in them.

use super::chart::Scale;

/// A rectangle in pixels, y downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub(super) fn width(self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(self) -> f64 {
        self.bottom - self.top
    }

    /// True when the two share more than an edge.
    pub(super) fn overlaps(self, other: Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    /// True when `other` lies within.
    pub(super) fn holds(self, other: Self) -> bool {
        self.left <= other.left && other.right <= self.right && self.top <= other.top && other.bottom <= self.bottom
    }

    /// Grown by `margin` on every side.
    pub(super) fn grown(self, margin: f64) -> Self {
        Self {
            left: self.left - margin,
            top: self.top - margin,
            right: self.right + margin,
            bottom: self.bottom + margin,
        }
    }

    /// The part of the segment from `a` to `b` within the rectangle (Liang and Barsky, 1984).
    pub(super) fn clip(self, a: (f64, f64), b: (f64, f64)) -> Option<((f64, f64), (f64, f64))> {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let sides = [(-dx, a.0 - self.left), (dx, self.right - a.0), (-dy, a.1 - self.top), (dy, self.bottom - a.1)];
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for (towards, distance) in sides {
            if towards == 0.0 && distance < 0.0 {
                return None;
            }
            if towards < 0.0 {
                enter = enter.max(distance / towards);
            } else if towards > 0.0 {
                leave = leave.min(distance / towards);
            }
        }
        let at = |t: f64| (a.0 + t * dx, a.1 + t * dy);
        (enter <= leave).then(|| (at(enter), at(leave)))
    }
}

/// A stretch of values laid along a stretch of pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ruler {
    pub scale: Scale,
    /// Values at the ends, low < high; both above 0 on a logarithmic scale.
    pub low: f64,
    pub high: f64,
    /// Pixels at `low` and at `high`.
    pub from_px: f64,
    pub to_px: f64,
}

impl Ruler {
    /// Place of `value`, beyond the ends too; NaN for what a logarithm does not have.
    pub(super) fn px(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log if value > 0.0 => (value / self.low).ln() / (self.high / self.low).ln(),
            Scale::Log => f64::NAN,
        };
        self.from_px + share * (self.to_px - self.from_px)
    }

    /// The value at `px`.
    pub(super) fn value(&self, px: f64) -> f64 {
        let share = (px - self.from_px) / (self.to_px - self.from_px);
        match self.scale {
            Scale::Linear => self.low + share * (self.high - self.low),
            Scale::Log => self.low * (self.high / self.low).powf(share),
        }
    }

    /// `px`, held within `margin` pixels of the ends: infinities become finite.
    pub(super) fn held_px(&self, value: f64, margin: f64) -> f64 {
        let (least, most) = (self.from_px.min(self.to_px), self.from_px.max(self.to_px));
        self.px(value).clamp(least - margin, most + margin)
    }

    /// Length in pixels.
    pub(super) fn length_px(&self) -> f64 {
        (self.to_px - self.from_px).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_keeps_the_part_inside() {
        let rect = Rect { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 };
        assert_eq!(rect.clip((-5.0, 5.0), (5.0, 5.0)), Some(((0.0, 5.0), (5.0, 5.0))));
        assert_eq!(rect.clip((5.0, -10.0), (5.0, 20.0)), Some(((5.0, 0.0), (5.0, 10.0))));
        assert_eq!(rect.clip((-5.0, -1.0), (5.0, -1.0)), None);
        assert_eq!(rect.clip((-5.0, 8.0), (2.0, 15.0)), None);
    }

    #[test]
    fn a_ruler_inverts() {
        for scale in [Scale::Linear, Scale::Log] {
            let ruler = Ruler { scale, low: 20.0, high: 20_000.0, from_px: 50.0, to_px: 850.0 };
            for value in [20.0, 440.0, 20_000.0, 25_000.0] {
                assert!((ruler.value(ruler.px(value)) / value - 1.0).abs() < 1e-12);
            }
        }
    }
}
