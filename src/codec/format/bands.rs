//! Scale factor bands: groups of coefficients of one block that share a step size.
//!
//! A band is about 1.5 ERB wide, ERB number `z(f) = 21.4 log10(1 + 0.00437 f)`. In `g = 1 + 0.00437 f` a distance of
//! d ERB is a factor `10^(d/21.4)`, so the edges need only products, which every machine rounds alike: the bands decide
//! how a file is parsed. What outlives a block (levels, flags) lives on a grid of half-ERB cells that blocks of all
//! sizes share.
//!
//! Source: Glasberg and Moore, *Derivation of auditory filter shapes from notched-noise data*, 1990.

/// `10^(1.5/21.4)`, `10^(1.1/21.4)`, `10^(0.5/21.4)`: the factors of g for 1.5, 1.1 and 0.5 ERB.
const G_BAND: f64 = 1.175_150_414_070_388_6;
const G_BAND_LEAST: f64 = 1.125_646_095_230_953_3;
const G_CELL: f64 = 1.055_272_172_560_863_1;

/// Bands are at least this wide.
const LEAST_BINS: usize = 4;
const LEAST_HZ: f64 = 40.0;

/// Block sizes of a superframe: N, N/2, ... N/64.
pub(crate) const N_DEPTHS: usize = 7;

/// One band of one block size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// First coefficient.
    pub start: usize,
    /// One past the last coefficient.
    pub end: usize,
    /// First half-ERB cell.
    pub first_cell: usize,
    /// One past the last half-ERB cell; at least one cell.
    pub end_cell: usize,
    /// Half-ERB cell of the middle, `floor(2 z)`, at most the last of its cells.
    pub cell: usize,
}

impl Band {
    /// Number of coefficients.
    pub fn width(&self) -> usize {
        self.end - self.start
    }
}

/// The bands of all block sizes at one sample rate.
#[derive(Debug, Clone)]
pub struct BandTables {
    tables: [Vec<Band>; N_DEPTHS],
    n_cells: usize,
}

impl BandTables {
    /// Bands for superframes of `superframe_samples` at `sample_rate_hz`.
    pub fn new(sample_rate_hz: u32, superframe_samples: usize) -> Self {
        let tables = std::array::from_fn(|depth| bands(sample_rate_hz, superframe_samples >> depth));
        let n_cells = tables.iter().flatten().map(|b| b.end_cell).max().unwrap_or(1);
        Self { tables, n_cells }
    }

    /// Bands of the blocks of N >> `depth` samples, ascending, without gaps.
    pub fn at(&self, depth: usize) -> &[Band] {
        &self.tables[depth]
    }

    /// Number of half-ERB cells that any band reaches.
    pub fn n_cells(&self) -> usize {
        self.n_cells
    }

    /// The largest number of bands that the blocks of one superframe can have together.
    pub fn most_bands(&self) -> usize {
        (0..N_DEPTHS).map(|depth| self.tables[depth].len() << depth).max().unwrap_or(0)
    }
}

fn bands(sample_rate_hz: u32, n: usize) -> Vec<Band> {
    let hz_per_bin = f64::from(sample_rate_hz) / (2.0 * n as f64);
    let g_of_bin = |bin: f64| 1.0 + 0.00437 * (bin * hz_per_bin);
    let least = LEAST_BINS.max((LEAST_HZ / hz_per_bin).ceil() as usize);
    let mut edges = vec![0];
    let mut g_target = 1.0_f64;
    let mut last = 0;
    while last < n {
        g_target = (g_target * G_BAND).max(g_of_bin(last as f64) * G_BAND_LEAST);
        let bin = ((g_target - 1.0) / 0.00437 / hz_per_bin + 0.5) as usize;
        last = bin.max(last + least).min(n);
        edges.push(last);
    }
    merge_narrow_end(&mut edges);
    let band = |edge: &[usize]| {
        let (start, end) = (edge[0], edge[1]);
        let first_cell = cell_of_g(g_of_bin(start as f64));
        let end_cell = cell_of_g(g_of_bin(end as f64)).max(first_cell + 1);
        let cell = cell_of_g(g_of_bin((start + end) as f64 / 2.0)).min(end_cell - 1);
        Band { start, end, first_cell, end_cell, cell }
    };
    edges.windows(2).map(band).collect()
}

/// Drops the edge before the last when the last band has less than half the width of its neighbour.
fn merge_narrow_end(edges: &mut Vec<usize>) {
    if let [.., a, b, c] = edges[..]
        && 2 * (c - b) < b - a
    {
        edges.remove(edges.len() - 2);
    }
}

/// `floor(2 z)`: how many factors of half an ERB fit into g.
fn cell_of_g(g: f64) -> usize {
    let mut edge = G_CELL;
    let mut cell = 0;
    while edge <= g {
        edge *= G_CELL;
        cell += 1;
    }
    cell
}

/// ERB number of a frequency. For the encoder alone: a logarithm may round differently elsewhere.
pub(crate) fn erb_number(f_hz: f32) -> f32 {
    21.4 * (1.0 + 0.00437 * f_hz).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coefficient_lies_in_exactly_one_band() {
        for rate in [1, 8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000, 768_000] {
            for superframe in [256, 512, 2048, 4096, 16_384] {
                let tables = BandTables::new(rate, superframe);
                for depth in 0..N_DEPTHS {
                    let bands = tables.at(depth);
                    assert_eq!(bands[0].start, 0);
                    assert!(bands.windows(2).all(|w| w[0].end == w[1].start));
                    assert_eq!(bands.last().map(|b| b.end), Some(superframe >> depth));
                    assert!(bands.iter().all(|b| b.width() >= 1 && b.end_cell > b.first_cell));
                    assert!(bands.iter().all(|b| b.cell < tables.n_cells()));
                }
            }
        }
    }

    #[test]
    fn wide_bands_are_about_one_and_a_half_erb() {
        let tables = BandTables::new(48_000, 4096);
        for band in tables.at(0).iter().filter(|b| b.width() > 12 && b.end < 4096) {
            let z = |bin: usize| erb_number(bin as f32 * 48_000.0 / 8192.0);
            let width = z(band.end) - z(band.start);
            assert!((1.2..1.9).contains(&width), "{band:?}: {width} ERB");
        }
    }

    #[test]
    fn factors_are_powers_of_ten() {
        for (g, erb) in [(G_BAND, 1.5), (G_BAND_LEAST, 1.1), (G_CELL, 0.5)] {
            assert!((10.0_f64.powf(erb / 21.4) / g - 1.0).abs() < 1e-12, "{erb}: {}", 10.0_f64.powf(erb / 21.4));
        }
    }
}
