use super::golden::{json, number};
use serde_json::Value;
use sqnr::analysis::linearity::{CodeHistogram, LinearityFigures, Stimulus, analyse};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("list").iter().map(|v| number(v).expect("number")).collect()
}

fn measure(key: &str, stimulus: Stimulus) -> LinearityFigures {
    let counts = json("adc8.json")[key].as_array().expect("list").iter().map(|v| v.as_u64().expect("count")).collect();
    analyse(&CodeHistogram::from_counts(counts).expect("256 codes"), stimulus).expect("full histogram")
}

fn worst(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn sine_histogram_finds_the_true_nonlinearity() {
    let truth = json("adc8.json");
    let got = measure("hist_sine", Stimulus::Sine { amplitude_lsb: Some(130.5) });
    let dnl = worst(&got.dnl_lsb, &numbers(&truth["dnl_true"]));
    let inl = worst(&got.inl_end_point_lsb, &numbers(&truth["inl_endpoint_true"]));
    let best = worst(&got.inl_best_fit_lsb, &numbers(&truth["inl_bestfit_true"]));
    let levels = worst(&got.transitions, &numbers(&truth["levels"]));
    println!("sine histogram: DNL {dnl:.1e}, INL {inl:.1e}, best fit {best:.1e}, transitions {levels:.1e} LSB");
    assert!(dnl < 0.001 && inl < 0.001 && best < 0.001 && levels < 0.001);
    assert_eq!((got.missing_codes, got.code_range), (Ok(vec![100]), (0, 255)));
}

#[test]
fn sine_histogram_equals_genalyzer_between_the_ends() {
    let golden = json("golden.json");
    let want = numbers(&golden["_adc8"]["genalyzer_dnl_tone"]);
    let got = measure("hist_sine", Stimulus::Sine { amplitude_lsb: None });
    let deviation = worst(&got.dnl_lsb, &want[1..255]);
    println!("genalyzer's DNL: deviation {deviation:.1e} LSB");
}

#[test]
fn ramp_histogram_finds_the_true_nonlinearity() {
    let truth = json("adc8.json");
    let got = measure("hist_ramp", Stimulus::Ramp { ends_lsb: Some((-130.0, 130.0)) });
    let dnl = worst(&got.dnl_lsb, &numbers(&truth["dnl_true"]));
    let inl = worst(&got.inl_end_point_lsb, &numbers(&truth["inl_endpoint_true"]));
    println!("ramp histogram: DNL {dnl:.1e}, INL {inl:.1e} LSB");
    // One sample is 0.00099 LSB of this ramp: a width is known to two of them at worst.
    assert!(dnl < 0.002 && inl < 0.002);
    assert_eq!(got.missing_codes, Ok(vec![100]));
}
