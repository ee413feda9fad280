//! Where the bits of an `.sqn` file went, band by band: as a table, and for machines.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use sqnr::codec::{Allocation, BitTable, Column};

/// `-12.3`, or a dash.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |v| format!("{v:.1}"))
}

/// Bits, step, signal, noise and mask of each band, in dB re full scale (powers per coefficient).
pub fn table(allocation: &Allocation) -> String {
    let total = allocation.total();
    let seconds = allocation.duration_s().max(f64::MIN_POSITIVE);
    let mut text = String::from(
        "\nbands of the encoded file (step, signal, noise, mask: dB re full scale)\n         Hz         kbit/s  bits/coef    step  signal   noise    mask     NMR     SNR  empty\n",
    );
    for ((low, high), band) in allocation.bands_hz.iter().zip(&total.bands) {
        let _ = writeln!(
            text,
            "{low:7.0} - {high:7.0} {:8.2} {:9.3} {:>8}{:>8}{:>8}{:>8}{:>8}{:>8} {:4.0} %",
            band.bits / seconds / 1e3,
            band.bits_per_coefficient(),
            number(band.step_db()),
            number(band.signal_db()),
            number(band.noise_db()),
            number(band.mask_db()),
            number(band.nmr_db()),
            number(band.snr_db()),
            100.0 * band.empty_share(),
        );
    }
    let _ = writeln!(
        text,
        "all bands         {:8.2}  blocks, flags {:.2}",
        total.bits() / seconds / 1e3,
        total.common_bits / seconds / 1e3
    );
    let _ = writeln!(text, "noise-to-mask ratio by the encoder's model  {} dB", number(total.nmr_db()));
    let _ = writeln!(text, "blocks            {}", blocks(allocation, &total));
    text
}

/// `4096 samples 81 %, 2048 11 %, 128 8 %`.
fn blocks(allocation: &Allocation, total: &Column) -> String {
    let n = allocation.header.superframe_samples();
    let used = total.block_shares.iter().enumerate().filter(|(_, share)| **share > 0.0005);
    let shares: Vec<String> = used.map(|(depth, share)| format!("{}: {:.1} %", n >> depth, 100.0 * share)).collect();
    format!("{} samples, of the time", shares.join(", "))
}

/// What `--bits-per-band` asked for and what came of it.
pub fn asked_and_spent(allocation: &Allocation, asked: &BitTable) -> String {
    let total = allocation.total();
    let mut text = String::from("         Hz         asked    spent   SNR dB   predicted   6.02 B\n");
    for ((low, high), band) in allocation.bands_hz.iter().zip(&total.bands) {
        let bits = f64::from(asked.bits_at((low + high) / 2.0));
        let _ = writeln!(
            text,
            "{low:7.0} - {high:7.0} {bits:7.2} {:8.2} {:>8} {:>11} {:8.1}",
            band.bits_per_coefficient(),
            number(band.snr_db()),
            number(band.predicted_snr_db()),
            20.0 * 2.0_f64.log10() * bits,
        );
    }
    text
}

/// All figures by band, and the shares of block sizes.
pub fn json(allocation: &Allocation) -> Map<String, Value> {
    let total = allocation.total();
    let seconds = allocation.duration_s().max(f64::MIN_POSITIVE);
    let bands: Vec<Value> = allocation
        .bands_hz
        .iter()
        .zip(&total.bands)
        .map(|((low, high), band)| {
            json!({
                "low_hz": low,
                "high_hz": high,
                "bitrate_kbps": band.bits / seconds / 1e3,
                "bits_per_coefficient": band.bits_per_coefficient(),
                "step_db": band.step_db(),
                "signal_db": band.signal_db(),
                "noise_db": band.noise_db(),
                "mask_db": band.mask_db(),
                "nmr_db": band.nmr_db(),
                "snr_db": band.snr_db(),
                "predicted_snr_db": band.predicted_snr_db(),
                "empty_share": band.empty_share(),
            })
        })
        .collect();
    Map::from_iter([
        ("codec_bands".to_owned(), bands.into()),
        ("codec_nmr_db".to_owned(), json!(total.nmr_db())),
        ("codec_common_kbps".to_owned(), json!(total.common_bits / seconds / 1e3)),
        ("codec_block_shares".to_owned(), json!(total.block_shares)),
    ])
}
