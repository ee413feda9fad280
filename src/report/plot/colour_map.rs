//! One colour map for everything that shows values as colours.
//!
//! A path through OKLab from near black by violet and orange to pale yellow, walked at equal speed: equal steps of
//! value look equally far apart, lightness rises all the way (so a grey print keeps the order), and nothing hinges on
//! telling red from green.
//!
//! ```text
//! t in [0, 1] -> lightness L = 0.14 + 0.83 u, hue = 280 deg + 187 deg u, chroma = 0.02 + 0.155 sin(pi u)^0.8
//! ```
//!
//! u is t after the path's length has been made even. Source of OKLab: B. Ottosson, A perceptual color space for image
//! processing, 2020.

use std::f64::consts::PI;

/// Number of colours.
pub(in crate::report) const N_COLOURS: usize = 256;
/// Steps by which the path's length is summed.
const N_STEPS: usize = 4096;

/// The colours from the least value to the greatest, sRGB.
pub(in crate::report) fn colours() -> [[u8; 3]; N_COLOURS] {
    let path: Vec<[f64; 3]> = (0..=N_STEPS).map(|i| oklab(i as f64 / N_STEPS as f64)).collect();
    let mut length = vec![0.0];
    for pair in path.windows(2) {
        length.push(length[length.len() - 1] + distance(pair[0], pair[1]));
    }
    let total = length[N_STEPS];
    std::array::from_fn(|i| {
        let wanted = total * i as f64 / (N_COLOURS - 1) as f64;
        let step = length.partition_point(|&l| l < wanted).min(N_STEPS);
        srgb(path[step])
    })
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

fn oklab(u: f64) -> [f64; 3] {
    let hue = (280.0 + 187.0 * u) * PI / 180.0;
    let chroma = 0.02 + 0.155 * (PI * u).sin().max(0.0).powf(0.8);
    [0.14 + 0.83 * u, chroma * hue.cos(), chroma * hue.sin()]
}

/// OKLab to linear sRGB: Ottosson's matrices.
fn linear_rgb([l, a, b]: [f64; 3]) -> [f64; 3] {
    let l_ = (l + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m_ = (l - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s_ = (l - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * l_ - 3.307_711_591_3 * m_ + 0.230_969_929_2 * s_,
        -1.268_438_004_6 * l_ + 2.609_757_401_1 * m_ - 0.341_319_396_5 * s_,
        -0.004_196_086_3 * l_ - 0.703_418_614_7 * m_ + 1.707_614_701_0 * s_,
    ]
}

/// sRGB transfer function: IEC 61966-2-1.
fn srgb(lab: [f64; 3]) -> [u8; 3] {
    linear_rgb(lab).map(|c| {
        let c = c.clamp(0.0, 1.0);
        let coded = if c <= 0.003_130_8 { 12.92 * c } else { 1.055 * c.powf(1.0 / 2.4) - 0.055 };
        (coded * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_of_the_path_exists_on_a_screen() {
        for i in 0..=1000 {
            let rgb = linear_rgb(oklab(f64::from(i) / 1000.0));
            assert!(rgb.iter().all(|c| (-0.002..=1.002).contains(c)), "{i}: {rgb:?}");
        }
    }

    #[test]
    fn equal_steps_look_equal_and_grow_lighter() {
        let decode = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        // Back from sRGB by the inverse matrices (same source).
        let lab = |rgb: [u8; 3]| {
            let [r, g, b] = rgb.map(decode);
            let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
            let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
            let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
            [
                0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
                1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
                0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
            ]
        };
        let colours = colours().map(lab);
        // Over 15 steps, so that rounding to 8 bits does not dominate.
        let strides: Vec<f64> = colours.windows(16).map(|w| distance(w[0], w[15])).collect();
        let mean = strides.iter().sum::<f64>() / strides.len() as f64;
        assert!(strides.iter().all(|s| (s / mean - 1.0).abs() < 0.1), "{strides:?}");
        assert!(colours.windows(2).all(|w| w[1][0] > w[0][0] - 0.003));
        assert!(colours[0][0] < 0.2 && colours[N_COLOURS - 1][0] > 0.95);
    }
}
