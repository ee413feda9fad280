//! Measures a pair as it comes, in constant memory.

use crate::{
    Error, Result,
    analysis::figure::{Absent, Figure, ratio_db},
};

use super::{
    PairFigures, Sums,
    frames::{LogDistance, Spectra},
    product,
    segments::Segments,
    whiteness::{Autocorrelation, LaggedSums},
};

/// Samples beyond this magnitude count as not finite.
const MAX_MAGNITUDE: f64 = 1e100;
/// What is left of equal signals is rounding, this share of the energy.
const ROUNDING: f64 = 1e-28;

/// Gathers what the figures of a pair are made of. Meters of several channels merge: the figures are then over all of
/// them, and measures that are means over frames are means over the frames of all.
///
/// ```
/// use sqnr::analysis::pair::Meter;
///
/// let mut meter = Meter::new(48_000.0, 1.0)?;
/// (0..10).for_each(|_| meter.push(&[0.5; 4_800], &[0.55; 4_800]));
/// assert!((meter.figures().snr_db.unwrap() - 20.0).abs() < 1e-9);
/// # Ok::<(), sqnr::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Meter {
    n: usize,
    n_not_finite: u64,
    xx: f64,
    yy: f64,
    xy: f64,
    ee: f64,
    x: f64,
    y: f64,
    max_error: f64,
    /// About the gain of the test signal: what it leaves is summed sample by sample.
    gain: f64,
    /// With r = y - gain x: sums of r, r^2, x r.
    r: f64,
    rr: f64,
    xr: f64,
    segments: Segments,
    distance: LogDistance,
    lagged: LaggedSums,
    e_block: Vec<f64>,
}

impl Meter {
    /// - `gain`: about the gain of the test signal, for measures that do not depend on it; the nearer, the deeper they
    ///   reach
    ///
    /// # Errors
    /// `InvalidParameter` for a rate not above zero or a gain that is not finite.
    pub fn new(sample_rate_hz: f64, gain: f64) -> Result<Self> {
        if !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
            return Err(Error::invalid("sample rate", sample_rate_hz, "above 0 Hz"));
        }
        if !gain.is_finite() {
            return Err(Error::invalid("gain", gain, "finite"));
        }
        Ok(Self {
            n: 0,
            n_not_finite: 0,
            xx: 0.0,
            yy: 0.0,
            xy: 0.0,
            ee: 0.0,
            x: 0.0,
            y: 0.0,
            max_error: 0.0,
            gain,
            r: 0.0,
            rr: 0.0,
            xr: 0.0,
            segments: Segments::new(sample_rate_hz),
            distance: LogDistance::default(),
            lagged: LaggedSums::default(),
            e_block: Vec::new(),
        })
    }

    /// Takes in as many samples of the reference as of the test signal; those beyond the shorter are ignored.
    pub fn push(&mut self, x: &[f64], y: &[f64]) {
        let n = x.len().min(y.len());
        let (x, y) = (&x[..n], &y[..n]);
        let bad = |v: &f64| v.is_nan() || v.abs() > MAX_MAGNITUDE;
        self.n += n;
        self.n_not_finite += x.iter().zip(y).filter(|(x, y)| bad(x) || bad(y)).count() as u64;
        let mut e = std::mem::take(&mut self.e_block);
        e.clear();
        e.extend(x.iter().zip(y).map(|(x, y)| y - x));
        self.xx += product(x, x);
        self.yy += product(y, y);
        self.xy += product(x, y);
        self.ee += product(&e, &e);
        self.x += x.iter().sum::<f64>();
        self.y += y.iter().sum::<f64>();
        self.max_error = e.iter().fold(self.max_error, |most, e| most.max(e.abs()));
        self.add_rest(x, y);
        self.segments.push(x, &e);
        self.lagged.push(&e);
        self.e_block = e;
    }

    fn add_rest(&mut self, x: &[f64], y: &[f64]) {
        let (mut r_sum, mut rr, mut xr) = (0.0, 0.0, 0.0);
        for (x, y) in x.iter().zip(y) {
            let r = y - self.gain * x;
            r_sum += r;
            rr += r * r;
            xr += x * r;
        }
        self.r += r_sum;
        self.rr += rr;
        self.xr += xr;
    }

    /// Takes in the spectra of a frame: see [`Frames`](super::Frames).
    pub fn push_spectra(&mut self, spectra: &Spectra) {
        self.distance.push(spectra);
    }

    /// The next samples do not continue those that came.
    pub fn interrupt(&mut self) {
        self.segments.end_frame();
        self.lagged.forget();
    }

    /// Takes in what another channel's meter of the same rate and gain gathered.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.n_not_finite += other.n_not_finite;
        let sums = [
            (&mut self.xx, other.xx),
            (&mut self.yy, other.yy),
            (&mut self.xy, other.xy),
            (&mut self.ee, other.ee),
            (&mut self.x, other.x),
            (&mut self.y, other.y),
            (&mut self.r, other.r),
            (&mut self.rr, other.rr),
            (&mut self.xr, other.xr),
        ];
        sums.into_iter().for_each(|(sum, other)| *sum += other);
        self.max_error = self.max_error.max(other.max_error);
        self.segments.merge(&other.segments);
        self.distance.merge(&other.distance);
        self.lagged.merge(&other.lagged);
    }

    /// What the samples so far say.
    pub fn figures(&self) -> PairFigures {
        if self.n == 0 {
            return PairFigures::missing(0, Absent::TooShort { n_samples: 0, needed: 1 });
        }
        if self.n_not_finite > 0 {
            return PairFigures::missing(self.n, Absent::NotFinite { n_samples: self.n_not_finite });
        }
        self.measured()
    }

    fn measured(&self) -> PairFigures {
        let n = self.n as f64;
        let &Self { xx, xy, ee, .. } = self;
        let silent = if xx > 0.0 { Ok(()) } else { Err(Absent::Silence) };
        let segments = silent.and(self.segments.means(self.n));
        let autocorrelation = Autocorrelation::of(&self.lagged, self.n, ee);
        let (centred, scale) = self.scale_invariant(n);
        PairFigures {
            n_samples: self.n,
            snr_db: ratio_db(xx, ee, Absent::NoError),
            segsnr_db: segments.map(|(mean, _)| mean),
            segsnr_clamped_db: segments.map(|(_, clamped)| clamped),
            si_sdr_db: centred,
            si_sdr_with_dc_db: self.scale_invariant(f64::INFINITY).0,
            psnr_db: ratio_db(1.0, ee / n, Absent::NoError),
            lsd_db: silent.and_then(|()| self.distance.figure(self.n)),
            max_error: Ok(self.max_error),
            gain_db: silent.and_then(|()| ratio_db((xy / xx).powi(2), 1.0, Absent::NoOverlap)).map_err(no_overlap),
            polarity: if xy == 0.0 { Err(Absent::NoOverlap) } else { Ok(xy.signum()) },
            error_autocorrelation: autocorrelation.map(|a| a.largest),
            whiteness_p: autocorrelation.map(|a| a.p_white),
            sums: Sums {
                xx,
                xy,
                scale,
                ee,
                segment: self.segments.length,
                n_segments: self.segments.n,
                n_spectra: self.distance.n,
                lag: autocorrelation.map_or(0, |a| a.lag),
                q: autocorrelation.map_or(0.0, |a| a.q),
            },
        }
    }

    /// Of the scaled reference a x with a = xy / xx: `10 log10(sum (a x)^2 / sum (y - a x)^2)`, and a. Means are taken
    /// away with n samples, left in with infinitely many.
    ///
    /// `sum (y - a x)^2 = sum r^2 - (sum x r)^2 / sum x^2`: the difference of the sums of y and x would cancel.
    ///
    /// Source: J. Le Roux et al., "SDR - half-baked or well done?", 2019.
    fn scale_invariant(&self, n: f64) -> (Figure, f64) {
        let (xx, yy) = (self.xx - self.x * self.x / n, self.yy - self.y * self.y / n);
        let (rr, xr) = (self.rr - self.r * self.r / n, self.xr - self.x * self.r / n);
        // Means that are all there is leave rounding.
        if xx <= 1e-13 * self.xx || yy <= 1e-13 * self.yy {
            return (Err(Absent::Silence), f64::NAN);
        }
        let scale = self.gain + xr / xx;
        let rest = rr - xr * xr / xx;
        let rest = if rest < ROUNDING * yy || rest <= 0.0 { 0.0 } else { rest };
        let figure = match ratio_db(scale * scale * xx, rest, Absent::NoError) {
            Err(Absent::Silence) => Err(Absent::NoOverlap),
            figure => figure,
        };
        (figure, scale)
    }
}

fn no_overlap(why: Absent) -> Absent {
    if why == Absent::Silence { Absent::NoOverlap } else { why }
}
