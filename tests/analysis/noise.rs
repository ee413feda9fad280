use super::golden::{json, number, signal};
use sqnr::analysis::weighting::{AES17_BAND_HZ, Weighting, dynamic_range_db};

#[test]
fn weightings_equal_the_reference_curves() {
    let golden = &json("golden.json")["_weights"];
    let list = |key: &str| -> Vec<f64> {
        golden[key].as_array().expect("list").iter().map(|v| number(v).expect("number")).collect()
    };
    for (key, weighting) in [("A", Weighting::A), ("itu468", Weighting::Itu468)] {
        for (f, want) in list("f").into_iter().zip(list(key)) {
            assert!((weighting.gain_db(f) - want).abs() < 1e-9, "{key} at {f} Hz");
        }
    }
}

#[test]
fn dynamic_range_equals_the_reference() {
    let golden = &json("golden.json")["dnr_m60_q16_tpdf"]["dnr_db"];
    let (x, rate) = signal("dnr_m60_q16_tpdf");
    let mut worst = 0.0f64;
    for (name, weighting) in [("unweighted", Weighting::Flat), ("A", Weighting::A), ("itu468", Weighting::Itu468)] {
        for (key, band_hz) in [("bw20000", AES17_BAND_HZ), ("bw24000", 0.0..=24_000.0)] {
            let want = number(&golden[format!("{name}_{key}")]).expect("golden");
            let got = dynamic_range_db(&x, rate, weighting, band_hz).expect("a tone");
            assert!((got - want).abs() < 1e-6, "{name} {key}: {got} {want}");
            worst = worst.max((got - want).abs());
        }
    }
    println!("dynamic range: largest deviation {worst:.1e} dB");
}

#[test]
fn jitter_of_the_golden_record_is_found() {
    let (x, rate) = signal("jitter");
    let meta = &json("signals.json")["jitter"];
    let (f, sigma) = (number(&meta["f"]).expect("truth"), number(&meta["sigma_j"]).expect("truth"));
    let got = sqnr::analysis::jitter::estimate(&x, rate, f).expect("a tone");
    let found = got.jitter_s.expect("there");
    println!("jitter: {found:.3e} s, put in {sigma:.1e} s");
    // The standard deviation of 16384 samples is known to 0.6 %, its split by the slope to twice that.
    assert!((found / sigma - 1.0).abs() < 0.03);
}
