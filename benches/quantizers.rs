//! Quantizers against a copy of their input: `cargo bench --bench quantizers`.
//!
//! Every loop runs once a round, each beside its copy, so that what else the machine does hits all alike. Printed are, over
//! the rounds, the least time, its ratio to the least time of the copy, and the median of the ratios within a round.
//!
//! The chains in f64 run over a shorter signal, more often: what takes longer than the scheduler's slice is never timed
//! without interruption on a busy machine.

use std::{hint::black_box, sync::Arc, time::Instant};

use sqnr::quantizer::g711::{Convention, G711, Law};
use sqnr::quantizer::{Codebook, Companding, Compressor, Grid, Quantizer, Uniform};
use sqnr::shaping::{Dither, ErrorFilter, Requantizer, RequantizerOptions};

const N: usize = 10_000_000;
const ROUNDS: usize = 15;
/// Samples and rounds of the chains.
const N_CHAIN: usize = 65_536;
const CHAIN_ROUNDS: usize = 300;

type Loop = Box<dyn FnMut()>;

struct Entry {
    name: &'static str,
    run: Loop,
}

/// A sum of two sines, peak 0.9.
fn signal() -> Vec<f64> {
    (0..N).map(|i| 0.5 * (i as f64 * 0.031).sin() + 0.4 * (i as f64 * 0.000_71).sin()).collect()
}

fn g711(x: &Arc<Vec<i16>>, law: Law, convention: Convention) -> Loop {
    let g711 = G711::new(law, convention);
    let (x, mut codes) = (x.clone(), vec![0; N]);
    Box::new(move || {
        g711.encode_slice(black_box(&x), &mut codes);
        black_box(&codes);
    })
}

fn g711_decode(x: &Arc<Vec<i16>>, law: Law) -> Loop {
    let g711 = G711::new(law, Convention::Itu);
    let (mut codes, mut decoded) = (vec![0; N], vec![0; N]);
    g711.encode_slice(x, &mut codes);
    Box::new(move || {
        g711.decode_slice(black_box(&codes), &mut decoded);
        black_box(&decoded);
    })
}

fn chain(x: &[f64], dither: Dither, order: usize) -> Loop {
    let feedback: Vec<f64> = (0..order).map(|k| 1.2 * (-0.6f64).powi(k as i32)).collect();
    let shaper = (order > 0).then(|| ErrorFilter::from_feedback(&feedback).expect("legal").into());
    let quantizer = Arc::new(Uniform::mid_tread(16).expect("legal"));
    let options = RequantizerOptions { dither, shaper, seed: 1 };
    let mut chain = Requantizer::new(quantizer, options).expect("uniform");
    let x = x[..N_CHAIN].to_vec();
    let (mut indices, mut y) = (vec![0; N_CHAIN], vec![0.0; N_CHAIN]);
    Box::new(move || {
        chain.process(0, 0, black_box(&x), &mut indices, &mut y);
        black_box((&indices, &y));
    })
}

fn copy<T: Copy + Default + 'static>(x: &Arc<Vec<T>>) -> Loop {
    let (x, mut to) = (x.clone(), vec![T::default(); N]);
    Box::new(move || {
        to.copy_from_slice(black_box(&x));
        black_box(&to);
    })
}

fn entries(x16: &Arc<Vec<i16>>) -> Vec<Entry> {
    let entry = |name, run| Entry { name, run };
    vec![
        entry("i16 to G.711 mu-law, itu", g711(x16, Law::Mu, Convention::Itu)),
        entry("i16 to G.711 A-law, itu", g711(x16, Law::A, Convention::Itu)),
        entry("i16 to G.711 mu-law, nearest", g711(x16, Law::Mu, Convention::Nearest)),
        entry("i16 to G.711 A-law, nearest", g711(x16, Law::A, Convention::Nearest)),
        entry("G.711 mu-law to i16", g711_decode(x16, Law::Mu)),
    ]
}

/// Any quantizer in f64, index and reconstruction.
fn plain(x: &[f64], quantizer: Arc<dyn Quantizer>) -> Loop {
    let x = x[..N_CHAIN].to_vec();
    let (mut indices, mut y) = (vec![0; N_CHAIN], vec![0.0; N_CHAIN]);
    Box::new(move || {
        quantizer.index_slice(black_box(&x), &mut indices);
        quantizer.reconstruct_slice(&indices, &mut y);
        black_box((&indices, &y));
    })
}

fn chains(x: &[f64]) -> [(&'static str, Loop); 8] {
    let mu_law = Companding::new(Compressor::MU_LAW, Grid::MidRise, 256).expect("legal");
    let table = Codebook::tabulate(&mu_law).expect("256 levels");
    let fine = Companding::new(Compressor::MU_LAW, Grid::MidRise, 1 << 20).expect("legal");
    [
        ("f64 companding, 8 bits", plain(x, Arc::new(mu_law))),
        ("f64 codebook, 256 levels", plain(x, Arc::new(table))),
        ("f64 companding, 20 bits", plain(x, Arc::new(fine))),
        ("f64 chain, 16 bits", chain(x, Dither::None, 0)),
        ("f64 chain, TPDF", chain(x, Dither::Triangular, 0)),
        ("f64 chain, TPDF, order 5", chain(x, Dither::Triangular, 5)),
        ("f64 chain, TPDF, order 20", chain(x, Dither::Triangular, 20)),
        ("f64 chain, TPDF, order 64", chain(x, Dither::Triangular, 64)),
    ]
}

fn seconds(run: &mut Loop) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

/// Least and median.
fn least_and_median(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[0], values[values.len() / 2])
}

fn main() {
    // cargo test --all-targets also runs benches, without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let x64 = Arc::new(signal());
    let x16: Arc<Vec<i16>> = Arc::new(x64.iter().map(|&x| (x * 32_768.0) as i16).collect());
    let mut copy = copy(&x16);
    let mut entries = entries(&x16);
    let mut times = vec![Vec::new(); entries.len()];
    let mut copy_times = times.clone();
    for round in 0..=ROUNDS {
        for (i, entry) in entries.iter_mut().enumerate() {
            let copied = seconds(&mut copy);
            let taken = seconds(&mut entry.run);
            // The first round only touches the memory.
            if round > 0 {
                times[i].push(taken);
                copy_times[i].push(copied);
            }
        }
    }
    println!("{N} samples, one thread, {ROUNDS} rounds");
    println!("{:<32} {:>12} {:>16} {:>16}", "", "Msample/s", "x memcpy, least", "x memcpy, median");
    for ((entry, times), copies) in entries.iter().zip(times).zip(copy_times) {
        let ratios = times.iter().zip(&copies).map(|(taken, copied)| taken / copied).collect();
        let ((least, _), (least_copy, _)) = (least_and_median(times), least_and_median(copies));
        let (_, median) = least_and_median(ratios);
        println!("{:<32} {:>12.0} {:>16.2} {:>16.2}", entry.name, N as f64 / least / 1e6, least / least_copy, median);
    }
    println!("{N_CHAIN} samples, one thread, {CHAIN_ROUNDS} rounds");
    for (name, mut run) in chains(&x64) {
        let (least, median) = least_and_median((0..CHAIN_ROUNDS).map(|_| seconds(&mut run)).collect());
        let rate = |time: f64| N_CHAIN as f64 / time / 1e6;
        println!("{name:<32} {:>12.0} Msample/s at best, {:.0} median", rate(least), rate(median));
    }
}
