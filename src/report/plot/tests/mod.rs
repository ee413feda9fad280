//! Every kind drawn: boxes of texts, golden pictures, time.

pub(super) mod samples;

use std::path::PathBuf;

use resvg::tiny_skia::Pixmap;

use super::*;

fn style(width: u32, height: u32, theme: Theme) -> Style {
    Style { theme, size: Size::new(width, height).expect("legal") }
}

/// Sizes from the smallest to a poster, among them narrow and flat ones.
const SIZES: [(u32, u32); 8] =
    [(160, 160), (200, 500), (320, 200), (480, 300), (960, 600), (1920, 1200), (2400, 400), (700, 2000)];

#[test]
fn texts_neither_overlap_nor_leave_the_picture() {
    for (name, chart) in samples::all() {
        for (width, height) in SIZES {
            let style = style(width, height, Theme::Light);
            let zoom = style.size.zoom();
            let drawing = chart.draw(style);
            let boxes = drawing.text_boxes();
            for (i, a) in boxes.iter().enumerate() {
                let (right, bottom) = (f64::from(width) / zoom, f64::from(height) / zoom);
                let inside = a.left >= 0.0 && a.top >= 0.0 && a.right <= right && a.bottom <= bottom;
                assert!(inside, "{name} {width}x{height}: {a:?} leaves the picture");
                for b in &boxes[..i] {
                    let apart = a.left >= b.right || b.left >= a.right || a.top >= b.bottom || b.top >= a.bottom;
                    assert!(apart, "{name} {width}x{height}: {a:?} over {b:?}");
                }
            }
        }
    }
}

#[test]
fn every_axis_keeps_ticks_where_there_is_room() {
    for (name, chart) in samples::all() {
        let drawing = chart.draw(style(960, 600, Theme::Light));
        let n_numbers =
            drawing.text_boxes().iter().filter(|b| b.text.starts_with(|c: char| c.is_ascii_digit() || c == '−'));
        assert!(n_numbers.count() >= 6, "{name}");
    }
}

/// Mean over all pixels and channels of the difference, and the share of pixels that differ by more than 64 of 255.
fn difference(a: &Pixmap, b: &Pixmap) -> (f64, f64) {
    let apart: Vec<u8> = a.data().iter().zip(b.data()).map(|(a, b)| a.abs_diff(*b)).collect();
    let mean = apart.iter().map(|&d| f64::from(d)).sum::<f64>() / apart.len() as f64;
    let far = apart.chunks(4).filter(|p| p.iter().any(|&d| d > 64)).count();
    (mean, far as f64 / (apart.len() / 4) as f64)
}

fn write_large(name: &str, chart: &Chart) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/plots");
    std::fs::create_dir_all(&folder).expect("folder");
    for (suffix, theme) in [("", Theme::Light), (".dark", Theme::Dark)] {
        let drawing = chart.draw(style(960, 600, theme));
        std::fs::write(folder.join(format!("{name}{suffix}.svg")), drawing.svg()).expect("written");
        std::fs::write(folder.join(format!("{name}{suffix}.png")), drawing.png().expect("drawn")).expect("written");
    }
}

/// `SQNR_BLESS=1 cargo test plot` writes the golden pictures anew, and large ones into target/plots to look at before
/// these are committed.
#[test]
fn pictures_equal_their_golden_ones() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/golden/plot");
    for (name, chart) in samples::all() {
        let theme = if name.len() % 2 == 0 { Theme::Light } else { Theme::Dark };
        let png = chart.draw(style(480, 320, theme)).png().expect("drawn");
        let path = folder.join(format!("{name}.png"));
        if std::env::var_os("SQNR_BLESS").is_some() {
            std::fs::create_dir_all(&folder).expect("folder");
            std::fs::write(&path, &png).expect("written");
            write_large(name, &chart);
        }
        let golden = Pixmap::load_png(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let drawn = Pixmap::decode_png(&png).expect("a PNG");
        assert_eq!((drawn.width(), drawn.height()), (golden.width(), golden.height()), "{name}");
        let (mean, far) = difference(&drawn, &golden);
        // Rounding of the FFT and of curves may differ between machines by a shade on edges, not in shape.
        assert!(mean < 0.25 && far < 0.002, "{name}: mean {mean:.3}, far {far:.4}");
    }
}

#[test]
fn the_picture_of_reduced_data_is_the_picture_of_all_data() {
    let n = 40_000;
    let y: Vec<f64> = (0..n).map(|i| samples::noise(i) * (i as f64 / n as f64)).collect();
    let chart = samples::line(Positions::Uniform { start: 0.0, step: 1.0 }, y.clone());
    let reduced = chart.draw(style(480, 300, Theme::Light)).png().expect("drawn");
    // Cut into stretches so short that none is reduced.
    let series = (0..n - 1).step_by(500).map(|from| {
        let y = y[from..(from + 501).min(n)].to_vec();
        let x = Positions::Uniform { start: from as f64, step: 1.0 };
        Series::new("A line", "", Ink::Signal, Mark::Line { x, y, reduce: Reduce::Extremes })
    });
    let mut full = chart.clone();
    full.panels[0].series = series.collect();
    let full = full.draw(style(480, 300, Theme::Light)).png().expect("drawn");
    let [reduced, full] = [reduced, full].map(|png| Pixmap::decode_png(&png).expect("a PNG"));
    let (mean, far) = difference(&reduced, &full);
    // Only anti-aliased edges differ: how many strokes lie over one another changes their shade.
    assert!(mean < 1.0 && far < 0.01, "mean {mean}, far {far}");
}

#[test]
fn widths_of_text_agree_with_the_renderer() {
    use resvg::usvg;
    for (text, weight) in
        [("Signal and quantization noise", font::Weight::Bold), ("−100 dBFS/Hz, AVATAR 20 k", font::Weight::Regular)]
    {
        let mut canvas = canvas::Canvas::default();
        let set = shape::Type { size_px: 20.0, weight, ink: Ink::Text, anchor: shape::Anchor::Start };
        canvas.text(text, (10.0, 40.0), set);
        let boxes = canvas.text_boxes;
        let elements = svg::elements(&canvas.shapes, svg::Inks::Colours(Theme::Light));
        let root = format!("<svg xmlns=\"http://www.w3.org/2000/svg\" font-family=\"{}\"", font::FAMILY);
        let body = format!("{root} width=\"6000\" height=\"600\">\n{elements}</svg>");
        let tree = usvg::Tree::from_str(&body, document::options()).expect("SVG");
        let drawn = tree.root().abs_bounding_box();
        let scale = svg::UNITS as f32;
        let (left, right) = (drawn.left() / scale, drawn.right() / scale);
        assert!((f64::from(right) - boxes[0].right).abs() < 2.0, "{right} {:?}", boxes[0]);
        assert!((f64::from(left) - boxes[0].left).abs() < 2.0, "{left} {:?}", boxes[0]);
        assert!(f64::from(drawn.top() / scale) >= boxes[0].top - 4.0);
        assert!(f64::from(drawn.bottom() / scale) <= boxes[0].bottom + 4.0);
    }
}

#[test]
fn any_text_gives_a_well_formed_document() {
    let mut chart = samples::line(Positions::Uniform { start: 0.0, step: 1.0 }, vec![0.0, 1.0]);
    let hostile = "<script>alert(1)</script> \"&amp;' \u{0}\u{1b}[2J\u{ffff} 😀 日本 e\u{301}";
    chart.title = hostile.into();
    chart.subtitle = hostile.into();
    chart.x.label = hostile.into();
    chart.panels[0].series[0].name = hostile.into();
    chart.panels[0].callouts = vec![Callout { x: 0.5, y: 0.5, text: hostile.into() }];
    let drawing = chart.draw(Style::default());
    assert!(!drawing.svg().contains("<script"));
    resvg::usvg::Tree::from_str(&drawing.svg(), document::options()).expect("well-formed");
    drawing.png().expect("drawn");
}

#[test]
fn any_numbers_can_be_drawn() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1e308, 1e308, 1e-320, 5.0];
    let positions = Positions::Explicit(vec![0.0, 1.0, 1.0, 2.0, 1e3, 1e6, 1e300, f64::INFINITY]);
    for scale in [Scale::Linear, Scale::Log] {
        for reduce in [Reduce::Extremes, Reduce::PowerMean] {
            for n in 0..odd.len() {
                let mark = Mark::Line { x: positions.clone(), y: odd[..n].to_vec(), reduce };
                let mut chart = samples::line(positions.clone(), Vec::new());
                chart.panels[0].series = vec![Series::new("odd", "odd", Ink::Signal, mark)];
                chart.x.scale = scale;
                chart.panels[0].y.scale = scale;
                chart.draw(style(160, 160, Theme::Dark)).png().expect("drawn");
            }
        }
    }
    Chart::default().draw(Style::default()).png().expect("an empty picture");
}

#[test]
fn ten_million_samples_draw_in_bounded_work() {
    let y: Vec<f64> = (0..10_000_000_u32).map(|i| f64::from(i % 1013) / 1013.0).collect();
    let chart = samples::line(Positions::Uniform { start: 0.0, step: 1.0 }, y);
    let svg = chart.draw(Style::default()).svg();
    assert!(svg.len() < 200_000, "{} bytes", svg.len());
}
