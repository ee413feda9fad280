use super::golden::{json, number, signal};
use sqnr::analysis::{Figure, imd};

fn check(what: &str, figure: Figure, want: f64) {
    let deviation = (figure.expect("two tones") - want).abs();
    println!("{what}: deviation {deviation:.1e} dB");
    assert!(deviation < 1e-6, "{what}: {figure:?}, want {want}");
}

#[test]
fn products_of_a_polynomial_equal_theory() {
    let golden = &json("golden.json")["imd_poly"];
    let (x, rate) = signal("imd_poly");
    let got = imd::analyse(&x, rate, None).expect("legal");
    check("tone level", got.levels_dbfs[0], number(&golden["truth_dbfs"]["fund"]).expect("golden"));
    check("IMD3", got.imd3_dbc, number(&golden["truth_imd3_dbc"]).expect("golden"));
    check("intercept", got.toi_dbfs, number(&golden["truth_toi_dbfs"]).expect("golden"));
    for (m, n, key) in [
        (1, 1, "imd2"),
        (1, -1, "imd2"),
        (2, 0, "hd2"),
        (0, 2, "hd2"),
        (2, -1, "imd3"),
        (1, -2, "imd3"),
        (2, 1, "imd3"),
        (1, 2, "imd3"),
        (3, 0, "hd3"),
        (0, 3, "hd3"),
    ] {
        let product = got.products.iter().find(|p| (p.m, p.n) == (m, n)).expect("listed");
        let level = 20.0 * product.amplitude.expect("apart").log10();
        check(&format!("{m} f1 {n:+} f2"), Ok(level), number(&golden["truth_dbfs"][key]).expect("golden"));
    }
}

#[test]
fn smpte_and_ccif_equal_theory() {
    let golden = json("golden.json");
    let (x, rate) = signal("imd_smpte");
    let got = imd::analyse(&x, rate, None).expect("legal");
    let want = |name: &str, key: &str| number(&golden[name][key]).expect("golden");
    check("SMPTE, squares", got.smpte_db, want("imd_smpte", "smpte_imd_db_rss"));
    check("SMPTE, sum", got.smpte_sum_db, want("imd_smpte", "smpte_imd_db_linear_sum"));
    let (x, rate) = signal("imd_ccif");
    let got = imd::analyse(&x, rate, None).expect("legal");
    check("CCIF d2", got.ccif_d2_db, want("imd_ccif", "ccif_d2_db_vs_sum"));
    check("CCIF d3", got.ccif_d3_db, want("imd_ccif", "ccif_d3_db_vs_sum"));
}
