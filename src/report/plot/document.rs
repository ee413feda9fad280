//! The drawing as a document: SVG, and PNG rendered from it with the embedded font.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use resvg::tiny_skia::{Color, FilterQuality, IntSize, Pixmap, PixmapPaint, Transform};
use resvg::usvg::fontdb::{Database, Source};
use resvg::usvg::{Options, Tree};

use super::draw::Drawing;
use super::font;
use super::heat::Image;
use super::style::Ink;
#[cfg(feature = "json")]
use super::style::Theme;
use super::svg::{self, Inks, UNITS};
use crate::report::escape::escaped;
use crate::{Error, Result};

impl Drawing {
    /// The picture as an SVG document. In a browser without DejaVu Sans it falls back to Verdana or sans-serif.
    pub fn svg(&self) -> String {
        let [r, g, b] = Ink::Background.rgb(self.style.theme);
        let mut svg = self.root();
        writeln!(svg, "<rect width=\"100%\" height=\"100%\" fill=\"#{r:02X}{g:02X}{b:02X}\"/>").expect(IN_MEMORY);
        for image in &self.images {
            svg.push_str(&image_element(image));
        }
        svg + &self.elements(Inks::Colours(self.style.theme))
    }

    /// The picture for a page that has the stylesheet of [`stylesheet`]: as wide as its container, in the page's theme.
    #[cfg(feature = "json")]
    pub(in crate::report) fn inline_svg(&self) -> String {
        let root = self.root();
        let (width, height) = (self.style.size.width(), self.style.size.height());
        let mut svg = root.replace(&format!(" width=\"{width}\" height=\"{height}\""), "");
        svg.push_str("<rect width=\"100%\" height=\"100%\" class=\"f-background\"/>\n");
        self.images.iter().for_each(|image| svg.push_str(&image_element(image)));
        svg + &self.elements(Inks::Classes)
    }

    /// The picture as a PNG file.
    ///
    /// # Errors
    /// `LimitExceeded` when there is no memory for the pixels.
    pub fn png(&self) -> Result<Vec<u8>> {
        let size = self.style.size;
        let too_large = || Error::LimitExceeded {
            what: "picture, pixels",
            value: u64::from(size.width()) * u64::from(size.height()),
            limit: 1 << 26,
        };
        let mut pixmap = Pixmap::new(size.width(), size.height()).ok_or_else(too_large)?;
        let [r, g, b] = Ink::Background.rgb(self.style.theme);
        pixmap.fill(Color::from_rgba8(r, g, b, 255));
        for image in &self.images {
            paint(&mut pixmap, image, size.zoom());
        }
        let document = self.root() + &self.elements(Inks::Colours(self.style.theme));
        let tree = Tree::from_str(&document, options()).expect("the writer's SVG is well-formed");
        resvg::render(&tree, Transform::identity(), &mut pixmap.as_mut());
        pixmap.encode_png().map_err(|_| too_large())
    }

    /// The root element's start, sizes in pixels. Corners are round: a mitre on noise would draw spikes.
    fn root(&self) -> String {
        let size = self.style.size;
        let zoom = size.zoom();
        let units = |px: u32| (f64::from(px) / zoom * UNITS).round();
        let (width, height) = (size.width(), size.height());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
             font-family=\"{}\" stroke-linejoin=\"round\" stroke-linecap=\"round\" role=\"img\" aria-label=\"{}\">\n",
            units(width),
            units(height),
            font::FAMILY_STACK,
            escaped(&self.label),
        )
    }

    /// The shapes and the closing tag.
    fn elements(&self, inks: Inks) -> String {
        svg::elements(&self.shapes, inks) + "</svg>\n"
    }
}

/// The inks as CSS variables, light or dark as the reader's system asks, and the classes of inline pictures.
#[cfg(feature = "json")]
pub(in crate::report) fn stylesheet() -> String {
    let variables = |theme: Theme| -> String {
        let variable = |ink: Ink| {
            let [r, g, b] = ink.rgb(theme);
            format!("--{}:#{r:02x}{g:02x}{b:02x};", ink.name())
        };
        Ink::ALL.map(variable).concat()
    };
    let classes = Ink::ALL.map(|ink| {
        let name = ink.name();
        format!(".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}")
    });
    format!(
        ":root{{{}}}@media(prefers-color-scheme:dark){{:root{{{}}}}}{}",
        variables(Theme::Light),
        variables(Theme::Dark),
        classes.concat()
    )
}

const IN_MEMORY: &str = "writing to a string cannot fail";

/// Options with the embedded font and no other, read once.
pub(super) fn options() -> &'static Options<'static> {
    static OPTIONS: OnceLock<Options<'static>> = OnceLock::new();
    OPTIONS.get_or_init(|| {
        let mut database = Database::new();
        for face in [dejavu::sans::regular(), dejavu::sans::bold()] {
            database.load_font_source(Source::Binary(Arc::new(face)));
        }
        database.set_sans_serif_family(font::FAMILY);
        Options { fontdb: Arc::new(database), font_family: font::FAMILY.into(), ..Options::default() }
    })
}

fn bitmap(image: &Image) -> Option<Pixmap> {
    let size = IntSize::from_wh(u32::try_from(image.width).ok()?, u32::try_from(image.height).ok()?)?;
    // Alpha is 0 or 255, with colour 0 where it is 0: as it is, the bitmap is premultiplied.
    Pixmap::from_vec(image.rgba.clone(), size)
}

fn paint(pixmap: &mut Pixmap, image: &Image, zoom: f64) {
    let Some(source) = bitmap(image) else { return };
    let scale_x = image.rect.width() * zoom / image.width as f64;
    let scale_y = image.rect.height() * zoom / image.height as f64;
    let place = Transform::from_row(
        scale_x as f32,
        0.0,
        0.0,
        scale_y as f32,
        (image.rect.left * zoom) as f32,
        (image.rect.top * zoom) as f32,
    );
    let paint = PixmapPaint { quality: FilterQuality::Nearest, ..PixmapPaint::default() };
    pixmap.draw_pixmap(0, 0, source.as_ref(), &paint, place, None);
}

fn image_element(image: &Image) -> String {
    let Some(png) = bitmap(image).and_then(|b| b.encode_png().ok()) else { return String::new() };
    let units = |px: f64| (px * UNITS).round();
    let rect = image.rect;
    format!(
        "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
         href=\"data:image/png;base64,{}\"/>\n",
        units(rect.left),
        units(rect.top),
        units(rect.width()),
        units(rect.height()),
        base64(&png)
    )
}

/// RFC 4648, section 4: the standard alphabet, padded.
pub(in crate::report) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_rfcs_own_examples() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
