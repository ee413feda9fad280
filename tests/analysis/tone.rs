use super::golden::{json, number, signal};
use sqnr::analysis::{
    Absent, Figure,
    tone::{Settings, ToneFigures, analyse},
};

const COHERENT: [&str; 23] = [
    "coh_q4",
    "coh_q6",
    "coh_q8",
    "coh_q10",
    "coh_q12",
    "coh_q14",
    "coh_q16",
    "coh_q20",
    "coh_q24",
    "coh_q8_m1",
    "coh_q8_m6",
    "coh_q8_m20",
    "coh_q8_m40",
    "coh_q16_m1",
    "coh_q16_m6",
    "coh_q16_m20",
    "coh_q16_m40",
    "coh_q16_m60",
    "coh_q16_m80",
    "hd_noise",
    "hd_noise_alias",
    "jitter",
    "clip",
];

fn measure(name: &str, method: &str) -> ToneFigures {
    let (x, rate) = signal(name);
    let settings = Settings { method: method.parse().expect("known"), ..Settings::default() };
    analyse(&x, rate, &settings).expect("legal settings").figures
}

fn value(figure: Figure) -> f64 {
    figure.expect("there is a tone")
}

#[test]
fn genalyzer_mode_equals_genalyzer() {
    let golden = json("golden.json");
    let mut worst = 0.0f64;
    let mut n_checked = 0;
    for name in COHERENT {
        for window in ["rect", "hann", "bh4"] {
            let want = &golden[name]["genalyzer"][window];
            let got = measure(name, &format!("genalyzer:{window}"));
            for (key, got) in
                [("snr", got.snr_db), ("sinad", got.sinad_db), ("thd", got.thd_db), ("sfdr", got.sfdr_dbc)]
            {
                let Some(want) = number(&want[key]) else { continue };
                // Odd symmetry leaves even harmonics at the rounding error of each FFT.
                if want < -250.0 {
                    continue;
                }
                let deviation = (value(got) - want).abs();
                assert!(deviation < 1e-6, "{name} {window} {key}: {deviation:e}");
                worst = worst.max(deviation);
                n_checked += 1;
            }
        }
    }
    println!("genalyzer mode: {n_checked} figures, largest deviation {worst:.1e} dB");
    assert!(n_checked > 250, "{n_checked}");
}

/// The figure with the residual's energy over all N samples, as the golden ones have it, instead of N less the parameters.
fn of_all_samples(name: &str, n_parameters: usize, figure_db: f64) -> f64 {
    let n = signal(name).0.len() as f64;
    figure_db + 10.0 * (n / (n - n_parameters as f64)).log10()
}

const NON_COHERENT: [&str; 5] = ["ncoh_q16", "ncoh_q16_tpdf", "dnr_m60_q16_tpdf", "hd_noise_ncoh", "sinefit"];

/// Largest deviation of `got` from `want` in dB over some signals; fails above `tolerance`.
fn compare(what: &str, tolerance: f64, pairs: impl Iterator<Item = (String, f64, f64)>) {
    let mut worst = 0.0f64;
    for (name, got, want) in pairs {
        let deviation = (got - want).abs();
        assert!(deviation < tolerance, "{what} of {name}: {got} dB, want {want} dB");
        worst = worst.max(deviation);
    }
    println!("{what}: largest deviation {worst:.1e} dB");
}

#[test]
fn default_sinad_equals_the_four_parameter_fit() {
    let golden = json("golden.json");
    let names = COHERENT.into_iter().chain(NON_COHERENT);
    let pairs = names.map(|name| {
        let want = number(&golden[name]["sinefit4_ieee1057"]["sinad"]).expect("golden");
        (name.to_owned(), of_all_samples(name, 4, value(measure(name, "fit").sinad_db)), want)
    });
    // The joint fit of harmonics moves the frequency of a short record: 0.001 dB at most here.
    compare("SINAD by default against the four-parameter fit", 0.002, pairs);
}

#[test]
fn default_finds_low_bit_and_clipped_sines_exactly() {
    let golden = json("golden.json");
    let rect = |name: &str, key: &str| number(&golden[name]["ref_zero"]["rect"][key]).expect("golden");
    let low_bit = ["coh_q4", "coh_q6", "coh_q8", "coh_q8_m1", "coh_q8_m6", "coh_q8_m20", "coh_q8_m40"];
    let names = || low_bit.into_iter().chain(["clip"]).map(str::to_owned);
    compare(
        "SNR, 4 to 8 bits and clipped",
        0.001,
        // DC, the tone and five harmonics have 14 parameters.
        names().map(|n| (n.clone(), of_all_samples(&n, 14, value(measure(&n, "fit").snr_db)), rect(&n, "snr"))),
    );
    compare(
        "SINAD, 4 to 8 bits and clipped",
        0.001,
        names().map(|n| (n.clone(), of_all_samples(&n, 4, value(measure(&n, "fit").sinad_db)), rect(&n, "sinad"))),
    );
    compare(
        "THD, 4 to 8 bits and clipped",
        0.002,
        names().map(|n| (n.clone(), value(measure(&n, "fit").thd_db), rect(&n, "thd"))),
    );
}

#[test]
fn clipped_harmonics_equal_the_analytic_series() {
    let golden = json("golden.json");
    let truth = &golden["clip"]["truth"];
    let got = measure("clip", "fit");
    let level = |order: u32| {
        let h = got.harmonics.iter().find(|h| h.order == order).expect("measured");
        value(got.harmonic_dbc(h))
    };
    let pairs = [3, 5].map(|k| (format!("H{k}"), level(k), number(&truth["harm_dbc"][k.to_string()]).expect("golden")));
    compare("clipping, H3 and H5", 1e-6, pairs.into_iter());
    let (x, rate) = signal("clip");
    let settings = Settings { highest_harmonic: 199, ..Settings::default() };
    let all = value(analyse(&x, rate, &settings).expect("legal").figures.thd_db);
    let want = number(&truth["thd_all_db"]).expect("golden");
    compare("clipping, all harmonics", 1e-4, std::iter::once(("clip".to_owned(), all, want)));
}

#[test]
fn default_finds_the_noise_under_harmonics_that_fold() {
    let signals = json("signals.json");
    let names = ["hd_noise", "hd_noise_alias", "hd_noise_ncoh"];
    let truth = |name: &str, key: &str| number(&signals[name]["truth"][key]).expect("truth");
    let of = |name: &str| measure(name, "fit");
    // The truth counts the noise in the harmonics' lines as noise, a fit cannot: 11 of 16384 degrees of freedom.
    compare(
        "SNR under harmonics",
        0.01,
        names.map(|n| (n.to_owned(), value(of(n).snr_db), truth(n, "snr_db"))).into_iter(),
    );
    compare(
        "THD under noise",
        0.02,
        names.map(|n| (n.to_owned(), value(of(n).thd_db), truth(n, "thd_db"))).into_iter(),
    );
    compare(
        "SINAD of both",
        0.001,
        names.map(|n| (n.to_owned(), value(of(n).sinad_db), truth(n, "sinad_db"))).into_iter(),
    );
}

#[test]
fn sfdr_of_coherent_spurs_is_that_of_their_lines() {
    let golden = json("golden.json");
    let rect = |name: &str| number(&golden[name]["ref_zero"]["rect"]["sfdr_bin"]).expect("golden");
    let names = ["coh_q4", "coh_q6", "coh_q8", "coh_q8_m20", "coh_q8_m40", "hd_noise", "hd_noise_alias", "clip"];
    compare(
        "SFDR by default",
        0.005,
        names.map(|n| (n.to_owned(), value(measure(n, "fit").sfdr_dbc), rect(n))).into_iter(),
    );
}

#[test]
fn matlab_mode_equals_the_port_of_matlab() {
    let golden = json("golden.json");
    let want = |name: &str, key: &str| number(&golden[name]["pysnr_matlab_algo"][key]).expect("golden");
    let names = || COHERENT.into_iter().chain(NON_COHERENT).map(str::to_owned);
    let snr = names().map(|n| (n.clone(), value(measure(&n, "matlab").snr_db), want(&n, "snr_aliased")));
    // Where harmonics lie in the noise the two find their lobes one line apart.
    compare("MATLAB's SNR", 0.015, snr);
    let sinad = names().map(|n| (n.clone(), value(measure(&n, "matlab").sinad_db), want(&n, "sinad")));
    compare("MATLAB's SINAD", 0.015, sinad);
    let strong = ["hd_noise", "hd_noise_alias", "hd_noise_ncoh", "clip"].map(str::to_owned);
    let thd = strong.iter().map(|n| (n.clone(), value(measure(n, "matlab").thd_db), want(n, "thd_aliased")));
    compare("MATLAB's THD of strong harmonics", 0.002, thd);
    let sfdr = strong.iter().map(|n| (n.clone(), value(measure(n, "matlab").sfdr_dbc), want(n, "sfdr")));
    compare("MATLAB's SFDR of strong harmonics", 0.002, sfdr);
}

#[test]
fn records_without_a_tone_say_so() {
    let why = |name| measure(name, "fit").snr_db.expect_err("no single tone");
    assert!(matches!(why("noise_only"), Absent::NoTone { .. }));
    assert!(matches!(why("imd_poly"), Absent::SeveralTones { .. }));
    assert!(matches!(why("imd_ccif"), Absent::SeveralTones { .. }));
    assert_eq!(why("dc"), Absent::DcOnly);
    assert_eq!(why("silence"), Absent::Silence);
    assert_eq!(why("pure"), Absent::NothingThere);
    assert!(measure("impulse", "fit").snr_db.is_err());
}
