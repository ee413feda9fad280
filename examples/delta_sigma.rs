//! Peak SQNR and stable range of one-bit modulators, plain and with look-ahead: the table of docs/noise-shaping.md.
use sqnr::shaping::delta_sigma::{Ntf, NtfSpec, TrellisOptions, sweep_tone};

fn main() -> sqnr::Result<()> {
    println!("| order | gain | plain: peak SQNR | stable to | look-ahead: peak SQNR | stable to |");
    println!("|---|---|---|---|---|---|");
    for (order, h_inf) in [(2, 1.5), (3, 1.5), (4, 1.6), (5, 1.6), (6, 1.6), (7, 1.6)] {
        let ntf = Ntf::synthesize(&NtfSpec { order, h_inf, ..NtfSpec::default() })?;
        let plain = summary(&ntf, None)?;
        let ahead = summary(&ntf, Some(TrellisOptions { n_paths: 16, latency: 48 }))?;
        println!(
            "| {order} | {h_inf} | {:.1} dB | {:.1} dBFS | {:.1} dB | {:.1} dBFS |",
            plain.0, plain.1, ahead.0, ahead.1
        );
    }
    Ok(())
}

/// Peak SQNR and the highest level up to which the loop stayed stable, in steps of half a decibel, at 64 times.
fn summary(ntf: &Ntf, trellis: Option<TrellisOptions>) -> sqnr::Result<(f64, f64)> {
    let levels: Vec<f64> = (0..=20).map(|i| -10.0 + 0.5 * f64::from(i)).collect();
    let results = sweep_tone(ntf, 64.0, 2, trellis, &levels)?;
    let stable = results.iter().map_while(|r| r.sqnr_db.map(|sqnr| (sqnr, r.level_dbfs)));
    Ok(stable.fold((f64::NEG_INFINITY, f64::NEG_INFINITY), |best, (sqnr, level)| (best.0.max(sqnr), level)))
}
