//! DejaVu Sans, inside the crate: its metrics for layout, its bytes for the PNG.

use std::sync::Once;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

/// The family by which plotters and resvg know the font.
pub(super) const FAMILY: &str = "DejaVu Sans";

/// What the SVG asks for: elsewhere Verdana has the same widths to a few per cent.
pub(super) const FAMILY_STACK: &str = "DejaVu Sans, Verdana, sans-serif";

/// Units per em, and ascender minus descender in those units: tables `head` and `hhea` of both faces.
const UNITS_PER_EM: f64 = 2048.0;
const LINE_HEIGHT_UNITS: f64 = 2384.0;

/// plotters writes a font of size s as s / 1.24 pixels per em.
const PLOTTERS_SIZE_PER_EM: f64 = 1.24;

/// Height of capitals and figures, in em.
pub(super) const CAP_HEIGHT_EM: f64 = 0.729;
/// How far p and q reach below the baseline, in em.
pub(super) const DESCENT_EM: f64 = 0.236;

/// Regular or bold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

impl Weight {
    fn style(self) -> FontStyle {
        match self {
            Self::Regular => FontStyle::Normal,
            Self::Bold => FontStyle::Bold,
        }
    }
}

/// plotters' font of `size_px` pixels per em.
fn font(size_px: f64, weight: Weight) -> FontDesc<'static> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        for (style, bytes) in [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())] {
            register_font(FAMILY, style, bytes).ok().expect("the embedded font is a font");
        }
    });
    FontDesc::new(FontFamily::Name(FAMILY), size_px * PLOTTERS_SIZE_PER_EM, weight.style())
}

/// Width of `text` in pixels, set at `size_px` pixels per em.
pub(super) fn width_px(text: &str, size_px: f64, weight: Weight) -> f64 {
    // plotters scales the line height, not the em, to the size it is given: at this size a pixel is a font unit.
    let probe = font(LINE_HEIGHT_UNITS / PLOTTERS_SIZE_PER_EM, weight);
    let (units, _) = probe.box_size(text).expect("the embedded font has been registered");
    f64::from(units) / UNITS_PER_EM * size_px
}
