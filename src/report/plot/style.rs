//! Colours and sizes.

use crate::{Error, Result};

/// How a chart is drawn.
///
/// ```
/// use sqnr::report::plot::{Style, Theme};
///
/// let style = Style { theme: Theme::Dark, size: "1280x720".parse()? };
/// assert_eq!((style.size.width(), style.size.height()), (1280, 720));
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Light or dark.
    pub theme: Theme,
    /// Width and height.
    pub size: Size,
}

/// The set of colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// On white, for paper.
    #[default]
    Light,
    /// On near black, for screens.
    Dark,
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    width: u32,
    height: u32,
}

/// Least width and height: the frame of a plot with its labels.
const MIN_PX: u32 = 160;
/// Greatest width and height; a PNG of that size takes 256 MiB while it is drawn.
const MAX_PX: u32 = 8192;

impl Default for Size {
    /// 960 x 600: the width of a page of text on a screen.
    fn default() -> Self {
        Self { width: 960, height: 600 }
    }
}

impl Size {
    /// `width` x `height` pixels, each from 160 to 8192.
    ///
    /// # Errors
    /// `InvalidParameter` outside that range.
    pub fn new(width: u32, height: u32) -> Result<Self> {
        let range = MIN_PX..=MAX_PX;
        if range.contains(&width) && range.contains(&height) {
            return Ok(Self { width, height });
        }
        let allowed = format!("{MIN_PX} to {MAX_PX} pixels each way, such as 960x600");
        Err(Error::invalid("size", format!("{width}x{height}"), allowed))
    }

    /// Pixels from left to right.
    pub fn width(self) -> u32 {
        self.width
    }

    /// Pixels from top to bottom.
    pub fn height(self) -> u32 {
        self.height
    }

    /// Text grows with pictures beyond the default size, so that a large one is the default one with finer data; in
    /// smaller ones it keeps its size and there is less of it.
    pub(super) fn zoom(self) -> f64 {
        let default = Self::default();
        let x = f64::from(self.width) / f64::from(default.width);
        let y = f64::from(self.height) / f64::from(default.height);
        x.min(y).max(1.0)
    }
}

impl std::str::FromStr for Size {
    type Err = Error;

    /// "960x600".
    fn from_str(text: &str) -> Result<Self> {
        let parsed = text.split_once(['x', 'X', '×']).and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
        let (width, height) =
            parsed.ok_or_else(|| Error::invalid("size", text, "WIDTHxHEIGHT in pixels, such as 960x600"))?;
        Self::new(width, height)
    }
}

/// What a colour is for. Series differ from one another for every eye (colour blindness simulated) and in grey, and stand
/// out from the background; tests hold both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Behind everything.
    Background,
    /// Titles, values.
    Text,
    /// Conditions, tick labels.
    Muted,
    /// Spines and ticks.
    Axis,
    /// Grid lines at labelled ticks.
    Grid,
    /// Grid lines between them.
    FineGrid,
    /// Theory, ideals, limits.
    Theory,
    /// The signal, the input, the first series.
    Signal,
    /// The quantization error, the second series.
    Error,
    /// A third series.
    Third,
    /// A fourth series.
    Fourth,
    /// A fifth series.
    Fifth,
    /// A sixth series.
    Sixth,
}

/// The inks of series, in the order in which further series take them.
pub(super) const SERIES_INKS: [Ink; 6] = [Ink::Signal, Ink::Error, Ink::Third, Ink::Fourth, Ink::Fifth, Ink::Sixth];

impl Ink {
    /// Every ink.
    pub const ALL: [Ink; 13] = [
        Self::Background,
        Self::Text,
        Self::Muted,
        Self::Axis,
        Self::Grid,
        Self::FineGrid,
        Self::Theory,
        Self::Signal,
        Self::Error,
        Self::Third,
        Self::Fourth,
        Self::Fifth,
        Self::Sixth,
    ];

    /// Its name in a stylesheet.
    #[cfg(feature = "json")]
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Text => "text",
            Self::Muted => "muted",
            Self::Axis => "axis",
            Self::Grid => "grid",
            Self::FineGrid => "fine-grid",
            Self::Theory => "theory",
            Self::Signal => "signal",
            Self::Error => "error",
            Self::Third => "third",
            Self::Fourth => "fourth",
            Self::Fifth => "fifth",
            Self::Sixth => "sixth",
        }
    }

    /// The `i`-th of several series; after the sixth they repeat.
    pub fn of_series(i: usize) -> Self {
        SERIES_INKS[i % SERIES_INKS.len()]
    }

    /// Red, green, blue (sRGB). No two inks of a theme share a colour, so a colour names its ink.
    pub fn rgb(self, theme: Theme) -> [u8; 3] {
        let [light, dark] = match self {
            Self::Background => [[255, 255, 255], [16, 20, 27]],
            Self::Text => [[24, 28, 36], [232, 236, 242]],
            Self::Muted => [[84, 92, 104], [160, 170, 184]],
            Self::Axis => [[96, 104, 116], [128, 138, 152]],
            Self::Grid => [[212, 216, 222], [50, 57, 68]],
            Self::FineGrid => [[234, 237, 241], [33, 39, 48]],
            Self::Theory => [[60, 66, 76], [200, 206, 216]],
            Self::Signal => [[0, 55, 196], [50, 176, 255]],
            Self::Error => [[235, 106, 15], [255, 164, 63]],
            Self::Third => [[67, 155, 122], [14, 123, 102]],
            Self::Fourth => [[153, 0, 135], [252, 21, 167]],
            Self::Fifth => [[134, 95, 5], [239, 251, 69]],
            Self::Sixth => [[159, 34, 255], [180, 7, 247]],
        };
        match theme {
            Theme::Light => light,
            Theme::Dark => dark,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_checked() {
        let size: Size = "1200x700".parse().expect("legal");
        assert_eq!((size.width(), size.height()), (1200, 700));
        for bad in ["", "x", "1200", "1200x", "0x0", "-5x100", "100x100", "9000x600", "1e3x500"] {
            assert!(matches!(bad.parse::<Size>(), Err(Error::InvalidParameter { .. })), "{bad}");
        }
    }

    fn linear(rgb: [u8; 3]) -> [f64; 3] {
        rgb.map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// Relative luminance and contrast ratio: W3C, Web Content Accessibility Guidelines 2.1.
    fn luminance(rgb: [u8; 3]) -> f64 {
        let linear = linear(rgb);
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    #[test]
    fn text_and_series_stand_out_from_the_background() {
        for theme in [Theme::Light, Theme::Dark] {
            let ground = luminance(Ink::Background.rgb(theme));
            let contrast = |ink: Ink| {
                let l = luminance(ink.rgb(theme));
                (l.max(ground) + 0.05) / (l.min(ground) + 0.05)
            };
            assert!(contrast(Ink::Text) >= 7.0 && contrast(Ink::Muted) >= 4.5);
            for ink in SERIES_INKS {
                assert!(contrast(ink) >= 3.0, "{ink:?} on {theme:?}: {:.2}", contrast(ink));
            }
        }
    }

    /// Colour blindness at its full severity as linear maps of linear sRGB: G. M. Machado, M. M. Oliveira, L. A. F.
    /// Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009, table 1.
    const VISIONS: [(&str, [[f64; 3]; 3]); 4] = [
        ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "protanopia",
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
        ),
        (
            "deuteranopia",
            [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
        ),
        (
            "tritanopia",
            [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        ),
    ];

    /// Linear sRGB to OKLab (Ottosson, 2020).
    fn oklab([r, g, b]: [f64; 3]) -> [f64; 3] {
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
        [
            0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
            1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
            0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
        ]
    }

    fn seen(rgb: [u8; 3], vision: &[[f64; 3]; 3]) -> [f64; 3] {
        let linear = linear(rgb);
        let mapped = vision.map(|row| row.iter().zip(linear).map(|(a, b)| a * b).sum::<f64>());
        oklab(mapped.map(|c| c.clamp(0.0, 1.0)))
    }

    /// A tenth of OKLab's unit: five times what side by side can just be told apart.
    #[test]
    fn series_differ_for_every_eye_and_in_grey() {
        for theme in [Theme::Light, Theme::Dark] {
            let inks: Vec<Ink> = SERIES_INKS.into_iter().chain([Ink::Theory]).collect();
            for (i, &a) in inks.iter().enumerate() {
                for &b in &inks[..i] {
                    for (name, vision) in &VISIONS {
                        let (a_seen, b_seen) = (seen(a.rgb(theme), vision), seen(b.rgb(theme), vision));
                        let apart = (0..3).map(|k| (a_seen[k] - b_seen[k]).powi(2)).sum::<f64>().sqrt();
                        assert!(apart > 0.1, "{a:?} and {b:?} in {theme:?}, {name}: {apart:.3}");
                    }
                    let lightness = |ink: Ink| seen(ink.rgb(theme), &VISIONS[0].1)[0];
                    // Theory is dashed where series are not.
                    let apart = (lightness(a) - lightness(b)).abs();
                    assert!(a == Ink::Theory || apart > 0.04, "{a:?} and {b:?} in {theme:?}, grey: {apart:.3}");
                }
            }
        }
    }

    #[test]
    fn a_colour_names_its_ink() {
        for theme in [Theme::Light, Theme::Dark] {
            for (i, a) in Ink::ALL.iter().enumerate() {
                assert!(Ink::ALL[..i].iter().all(|b| a.rgb(theme) != b.rgb(theme)), "{a:?} in {theme:?}");
            }
        }
    }
}
