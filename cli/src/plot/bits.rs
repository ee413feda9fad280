//! Kind `bits`: where the bits of an `.sqn` file went.

use std::{
    fs::File,
    io::{self, BufReader, Read},
};

use sqnr::{
    Error,
    audio_file::Info,
    codec::{Allocation, PcmSource},
    report::plot::{Chart, bits::Bits},
};

use super::super::{exit::Failure, inputs::Input, pcm::Pcm, source};

/// Columns in time: a wide picture's pixels.
const N_COLUMNS: usize = 1_000;
/// Share of the time in the longest blocks under which a column counts as one of short blocks.
const MOSTLY: f64 = 0.5;

/// True for a file that `encode` wrote, by its name.
pub fn is_coded(input: &Input) -> bool {
    input.path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("sqn"))
}

/// Bits per band over time and the bit rate; with the original also how far the noise lies above what is masked.
pub fn chart(input: &Input, original: Option<Pcm>) -> Result<Chart, Failure> {
    let allocation = allocation(input, original)?;
    let n_bands = allocation.bands_hz.len();
    let cells = || allocation.columns.iter().flat_map(|column| &column.bands);
    let bits: Vec<f32> = cells().map(|cell| cell.bits_per_coefficient() as f32).collect();
    let known = cells().any(|cell| cell.nmr_db().is_some());
    let nmr: Vec<f32> = cells().map(|cell| cell.nmr_db().map_or(f32::NAN, |db| db as f32)).collect();
    let header = &allocation.header;
    let superframe_s = header.superframe_samples() as f64 / f64::from(header.sample_rate_hz);
    // As if the last column were as long as the others: the picture shows rates.
    let whole = |bits: f64, superframes: u64| bits * allocation.column_s / (superframes.max(1) as f64 * superframe_s);
    let packet_bits: Vec<f64> = allocation.columns.iter().map(|c| whole(c.bits(), c.superframes)).collect();
    let switched: Vec<usize> = (0..allocation.columns.len())
        .filter(|&i| allocation.columns[i].block_shares.first().is_some_and(|&longest| longest < MOSTLY))
        .collect();
    let mut edges: Vec<f64> = allocation.bands_hz.iter().map(|band| band.0).collect();
    edges.extend(allocation.bands_hz.last().map(|band| band.1));
    debug_assert_eq!(bits.len(), n_bands * allocation.columns.len());
    let channels = if header.channels == 1 { "1 channel".into() } else { format!("{} channels", header.channels) };
    Ok(Bits {
        conditions: format!("{} · {} Hz · {channels}", input.display(), header.sample_rate_hz),
        packet_s: allocation.column_s,
        band_edges_hz: &edges,
        bits_per_coefficient: &bits,
        packet_bits: &packet_bits,
        switched_packets: &switched,
        noise_to_mask_db: if known { &nmr } else { &[] },
    }
    .chart())
}

/// Measures it; an original of another rate or number of channels is none.
fn allocation(input: &Input, mut original: Option<Pcm>) -> Result<Allocation, Failure> {
    let coded: Box<dyn Read> = match input.is_stdin() {
        true => Box::new(io::stdin().lock()),
        false => {
            let file = File::open(&input.path).map_err(|error| source::unreadable(input, Error::stream(error)))?;
            Box::new(BufReader::new(file))
        }
    };
    let form = |info: &Info| (info.spec.sample_rate_hz, info.spec.channels);
    if let (Some(opened), false) = (&original, input.is_stdin())
        && form(&opened.info) != form(source::open(input)?.info())
    {
        original = None;
    }
    let pcm = original.as_mut().map(|original| original as &mut dyn PcmSource);
    Allocation::measure(coded, pcm, N_COLUMNS).map_err(|error| Failure::input(&input.path, error))
}
