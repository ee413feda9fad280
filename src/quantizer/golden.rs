//! Golden values: signal-to-noise ratios by exact integrals over each cell.

use super::g711::{self, Law};
use super::{Codebook, Companding, Compressor, Grid, Quantizer, Uniform};

/// Densities of which the partial moments have closed forms.
#[derive(Clone, Copy)]
enum Source {
    /// Sine of the given amplitude, all phases equally likely.
    Sine(f64),
    /// Normal, the given standard deviation.
    Gauss(f64),
    /// Two-sided exponential, the given standard deviation.
    Laplace(f64),
}

impl Source {
    fn power(self) -> f64 {
        match self {
            Self::Sine(amplitude) => amplitude * amplitude / 2.0,
            Self::Gauss(sigma) | Self::Laplace(sigma) => sigma * sigma,
        }
    }

    /// Integrals of p, x p and x^2 p from minus infinity to `x`.
    fn moments_below(self, x: f64) -> [f64; 3] {
        match self {
            Self::Sine(a) => {
                let phase = (x / a).clamp(-1.0, 1.0).asin();
                let pi = std::f64::consts::PI;
                [phase / pi, -a * phase.cos() / pi, a * a * (phase / 2.0 - (2.0 * phase).sin() / 4.0) / pi]
            }
            Self::Gauss(sigma) => {
                let t = x / sigma;
                let density = (-t * t / 2.0).exp() / std::f64::consts::TAU.sqrt();
                let below = 0.5 * libm::erfc(-t / std::f64::consts::SQRT_2);
                let last = if t.is_infinite() { 0.0 } else { t * density };
                [below, -sigma * density, sigma * sigma * (below - last)]
            }
            Self::Laplace(sigma) => {
                let b = sigma / std::f64::consts::SQRT_2;
                let t = x.abs().min(800.0 * b) / b;
                // Of the half beyond |x|: integrals of p, |x| p, x^2 p.
                let tail = 0.5 * (-t).exp();
                let (zeroth, first, second) = (tail, b * tail * (t + 1.0), b * b * tail * (t * t + 2.0 * t + 2.0));
                if x < 0.0 { [zeroth, -first, second] } else { [1.0 - zeroth, -first, 2.0 * b * b - second] }
            }
        }
    }
}

fn snr_db(quantizer: &dyn Quantizer, source: Source) -> f64 {
    let (first, last) = quantizer.indices().into_inner();
    let mut below = source.moments_below(f64::NEG_INFINITY);
    let mut mse = 0.0;
    for index in first..=last {
        let end = if index == last { f64::INFINITY } else { quantizer.threshold(index) };
        let upto = source.moments_below(end);
        let y = quantizer.reconstruct(index);
        mse += (upto[2] - below[2]) - 2.0 * y * (upto[1] - below[1]) + y * y * (upto[0] - below[0]);
        below = upto;
    }
    10.0 * (source.power() / mse).log10()
}

fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().skip(1).map(|line| line.split(',').collect())
}

fn number(field: &str) -> f64 {
    field.parse().expect("a number")
}

#[test]
fn full_scale_sine() {
    for row in rows(include_str!("../../testdata/golden/quantizers/sine_fullscale.csv")) {
        let bits = row[0].parse().expect("bits");
        let rise = snr_db(&Uniform::mid_rise(bits).expect("legal"), Source::Sine(1.0));
        let tread = snr_db(&Uniform::mid_tread(bits).expect("legal"), Source::Sine(1.0));
        assert!((rise - number(row[2])).abs() < 1e-4, "{bits} bits mid-rise: {rise}");
        assert!((tread - number(row[3])).abs() < 1e-4, "{bits} bits mid-tread: {tread}");
    }
}

fn nearest_g711(law: Law) -> Codebook {
    let mut levels: Vec<i16> = (0..=255).map(|code| g711::decode(law, code)).collect();
    levels.sort_unstable();
    levels.dedup();
    Codebook::from_levels(levels.into_iter().map(|level| f64::from(level) / 32_768.0).collect()).expect("ascending")
}

#[test]
fn companding_curves() {
    // The continuous curve's full scale is mu-law's virtual decision value 8159, in units of 4 of 32768.
    let continuous_scale = 32_768.0 / (4.0 * 8_159.0);
    let quantizers: [(Box<dyn Quantizer>, f64); 7] = [
        (Box::new(nearest_g711(Law::Mu)), 1.0),
        (Box::new(nearest_g711(Law::A)), 1.0),
        (Box::new(Companding::new(Compressor::MU_LAW, Grid::MidRise, 256).expect("legal")), continuous_scale),
        (Box::new(Uniform::mid_rise(8).expect("legal")), 1.0),
        (Box::new(Uniform::mid_rise(12).expect("legal")), 1.0),
        (Box::new(Uniform::mid_rise(13).expect("legal")), 1.0),
        (Box::new(Uniform::mid_rise(14).expect("legal")), 1.0),
    ];
    for row in rows(include_str!("../../testdata/golden/quantizers/companding_snr.csv")) {
        let gain = 10f64.powf(number(row[0]) / 20.0);
        for (column, (quantizer, scale)) in (2..).zip(&quantizers) {
            let source = match row[1].split(' ').next() {
                Some("sine") => Source::Sine(32_124.0 / 32_768.0 * gain * scale),
                Some("gauss") => Source::Gauss(gain * scale),
                _ => Source::Laplace(gain * scale),
            };
            // The one value in which the golden quadrature ends on a threshold (the 14-bit cell at the sine's peak).
            if column == 8 && row[0] == "0" && matches!(source, Source::Sine(_)) {
                continue;
            }
            let snr = snr_db(&**quantizer, source);
            assert!((snr - number(row[column])).abs() < 0.001, "{} dB {}, column {column}: {snr}", row[0], row[1]);
        }
    }
}
