//! The pairs of `gen_pairs.py`, generated again from its recipe.

use super::golden::{json, number};
use sha2::{Digest, Sha256};
use sqnr::analysis::pair::compare;
use std::f64::consts::PI;

const N: usize = 192_000;

/// splitmix64, advanced before use.
struct Rng(u64);

impl Rng {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-53)
    }

    fn gauss(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

fn to_16(x: f64) -> i16 {
    (x * 32_768.0 + 0.5).floor().clamp(-32_768.0, 32_767.0) as i16
}

fn floats(codes: &[i16]) -> Vec<f64> {
    codes.iter().map(|&c| f64::from(c) / 32_768.0).collect()
}

fn reference() -> Vec<i16> {
    let mut rng = Rng(7001);
    let note = |k: f64, i: usize| {
        let t = i as f64 / 48_000.0;
        let f0 = 220.0 * 2f64.powf(k / 12.0);
        (1..=12).map(f64::from).fold(0.0, |s, h| s + 0.2 / h * (-(3.0 + h) * t).exp() * (2.0 * PI * h * f0 * t).sin())
    };
    let notes = [0.0, 4.0, 7.0, 12.0, 16.0, 19.0, 7.0, 0.0];
    let clean = notes.iter().flat_map(|&k| (0..24_000).map(move |i| note(k, i)));
    clean.map(|x| to_16(x + 0.002 * rng.gauss())).collect()
}

/// G.711 mu-law of 16-bit samples and back, by the recipe's arithmetic.
fn mu_law(code: i16) -> i16 {
    let m = i32::from(code).abs().min(32_635) + 132;
    let e = m.ilog2() as i32 - 7;
    let v = (((((m >> (e + 3)) & 15) << 3) + 132) << e) - 132;
    if code < 0 { -v as i16 } else { v as i16 }
}

/// G.711 A-law of 16-bit samples and back, by the recipe's arithmetic.
fn a_law(code: i16) -> i16 {
    let p = i32::from(code) >> 3;
    let m = if p < 0 { -p - 1 } else { p };
    let e = if m >= 32 { m.ilog2() as i32 - 4 } else { 0 };
    let q = if e == 0 { m >> 1 } else { (m >> e) & 15 };
    let v = if e == 0 { (q << 4) + 8 } else { ((q << 4) + 0x108) << (e - 1).max(0) };
    if p < 0 { -v as i16 } else { v as i16 }
}

/// 63 taps of a sinc at 4 kHz under a Hamming window, without delay.
fn low_passed(x: &[f64]) -> Vec<f64> {
    let tap = |n: i32| {
        let t = 2.0 * 4_000.0 / 48_000.0 * f64::from(n);
        let sinc = if n == 0 { 1.0 } else { (PI * t).sin() / (PI * t) };
        sinc * (2.0 * 4_000.0 / 48_000.0) * (0.54 + 0.46 * (2.0 * PI * f64::from(n) / 62.0).cos())
    };
    let taps: Vec<f64> = (-31..=31).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    let padded = [vec![0.0; 31], x.to_vec(), vec![0.0; 31]].concat();
    padded.windows(63).map(|w| w.iter().zip(&taps).map(|(x, t)| x * (t / sum)).sum()).collect()
}

/// The degraded versions.
fn degraded(r: &[i16]) -> Vec<(&'static str, Vec<i16>)> {
    let x = floats(r);
    let quantized = |bits: i32, dither: &mut dyn FnMut() -> f64| -> Vec<i16> {
        let s = 2f64.powi(bits - 1);
        x.iter().map(|x| to_16(((x + dither() / s) * s + 0.5).floor().clamp(-s, s - 1.0) / s)).collect()
    };
    let mut tpdf = Rng(7002);
    let mut gauss = Rng(7003);
    let g: Vec<f64> = (0..N).map(|_| gauss.gauss()).collect();
    let power = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>() / N as f64;
    let scale = (power(&x) / power(&g)).sqrt() * 0.1;
    vec![
        ("q6", quantized(6, &mut || 0.0)),
        ("q8", quantized(8, &mut || 0.0)),
        ("q10", quantized(10, &mut || 0.0)),
        ("q12", quantized(12, &mut || 0.0)),
        ("q8_tpdf", quantized(8, &mut || tpdf.uniform() - tpdf.uniform())),
        ("noise20", x.iter().zip(&g).map(|(x, g)| to_16(x + g * scale)).collect()),
        ("gain", x.iter().map(|x| to_16(0.5 * x)).collect()),
        ("ulaw", r.iter().map(|&code| mu_law(code)).collect()),
        ("alaw", r.iter().map(|&code| a_law(code)).collect()),
        ("lp4k", low_passed(&x).into_iter().map(to_16).collect()),
        ("clip", x.iter().map(|x| to_16(x.clamp(-0.15, 0.15))).collect()),
    ]
}

#[test]
fn pair_measures_equal_their_formulas() {
    let golden = json("golden_pairs.json");
    let hashes = json("pairs_sha256.json");
    let sha = |codes: &[i16]| -> String {
        let bytes: Vec<u8> = codes.iter().flat_map(|c| c.to_le_bytes()).collect();
        Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect()
    };
    let r = reference();
    assert_eq!(sha(&r), hashes["ref"].as_str().expect("hash"), "the recipe gives the golden reference");
    let x = floats(&r);
    let mut worst = 0.0f64;
    for (name, codes) in degraded(&r) {
        assert_eq!(sha(&codes), hashes[name].as_str().expect("hash"), "{name}");
        let got = compare(&x, &floats(&codes), 48_000.0).expect("legal");
        let want = &golden[name]["formula"];
        for (key, figure) in [
            ("snr_db", got.snr_db),
            ("si_sdr_db_nomean", got.si_sdr_with_dc_db),
            ("si_sdr_db_zeromean", got.si_sdr_db),
            ("psnr_db_peak1", got.psnr_db),
            ("segsnr_20ms_noclamp_db", got.segsnr_db),
            ("segsnr_20ms_clamp_-10_35_db", got.segsnr_clamped_db),
            ("lsd_2048_512_hann_db", got.lsd_db),
            ("max_abs_err", got.max_error),
        ] {
            let want = number(&want[key]).expect("golden");
            let got = figure.expect("differs");
            assert!((got - want).abs() < 1e-9, "{name} {key}: {got} {want}");
            worst = worst.max((got - want).abs());
        }
    }
    println!("pair measures: largest deviation {worst:.1e}");
}
