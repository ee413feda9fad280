//! Number formats, IMA ADPCM and noise shaping against a copy of their input: `cargo bench --bench formats`.
//!
//! `benches/format_rivals.py` runs this program beside its rivals: `formats rival FILE` loads a file of f32, answers each
//! line that names a kernel with the seconds of one run, and ends with its input. Every kernel is timed beside a copy
//! of the same f32 (the copy of a kernel on i16 too), all in turns.

use std::{hint::black_box, io::BufRead, sync::Arc, time::Instant};

use sqnr::number_format::affine::{ScaleRule, Symmetry};
use sqnr::number_format::{FloatOverflow, IntegerType, SmallFloat, small_float};
use sqnr::predictive::{ImaDecoding, ImaState, decode_ima, encode_ima};
use sqnr::quantizer::Uniform;
use sqnr::shaping::{Dither, ErrorFilter, Requantizer, RequantizerOptions};

const N: usize = 10_000_000;
const ROUNDS: usize = 15;
/// Samples of one run of what waits for its own last output: more than a scheduler's slice is never timed undisturbed.
const N_RECURSIVE: usize = 1 << 18;

type Loop = Box<dyn FnMut()>;

struct Kernel {
    name: &'static str,
    /// Samples of one run.
    n: usize,
    run: Loop,
}

fn floats(x: &Arc<Vec<f32>>, format: SmallFloat) -> Loop {
    let x = x.clone();
    if format.bits() > 8 {
        let mut codes = vec![0u16; x.len()];
        return Box::new(move || {
            format.encode_words(black_box(&x), FloatOverflow::Ieee, &mut codes).expect("equal lengths");
            black_box(&codes);
        });
    }
    let mut codes = vec![0u8; x.len()];
    Box::new(move || {
        format.encode_bytes(black_box(&x), FloatOverflow::Ieee, &mut codes).expect("equal lengths");
        black_box(&codes);
    })
}

fn affine(x: &Arc<Vec<f32>>, kind: IntegerType) -> Loop {
    let affine = ScaleRule::OnnxRuntime.affine(-1.0, 1.0, kind, Symmetry::Asymmetric).expect("a range");
    let x = x.clone();
    if kind.bits() > 8 {
        let mut codes = vec![0; x.len()];
        return Box::new(move || {
            affine.encode_words(black_box(&x), &mut codes).expect("16 bits");
            black_box(&codes);
        });
    }
    let mut codes = vec![0; x.len()];
    Box::new(move || {
        affine.encode_bytes(black_box(&x), &mut codes).expect("8 bits");
        black_box(&codes);
    })
}

fn ima(x: &[f32]) -> (Loop, Loop) {
    let x: Vec<i16> = x.iter().map(|&x| (x * 32_767.0) as i16).collect();
    let nibbles = encode_ima(&x, &mut ImaState::default());
    let encode = move || {
        black_box(encode_ima(black_box(&x), &mut ImaState::default()));
    };
    let decode = move || {
        black_box(decode_ima(black_box(&nibbles), &mut ImaState::default(), ImaDecoding::Multiplicative));
    };
    (Box::new(encode), Box::new(decode))
}

fn shaping(x: &[f32], order: usize, dither: Dither) -> Loop {
    let feedback: Vec<f64> = (0..order).map(|k| 1.2 * (-0.6f64).powi(k as i32)).collect();
    let shaper = Some(ErrorFilter::from_feedback(&feedback).expect("legal").into());
    let quantizer = Arc::new(Uniform::mid_tread(16).expect("legal"));
    let mut chain = Requantizer::new(quantizer, RequantizerOptions { dither, shaper, seed: 1 }).expect("uniform");
    let x: Vec<f64> = x.iter().map(|&x| x.into()).collect();
    let (mut indices, mut y) = (vec![0; x.len()], vec![0.0; x.len()]);
    Box::new(move || {
        chain.process(0, 0, black_box(&x), &mut indices, &mut y);
        black_box((&indices, &y));
    })
}

fn copy(x: &Arc<Vec<f32>>) -> Loop {
    let (x, mut to) = (x.clone(), vec![0.0; x.len()]);
    Box::new(move || {
        to.copy_from_slice(black_box(&x));
        black_box(&to);
    })
}

fn kernels(x: &Arc<Vec<f32>>) -> Vec<Kernel> {
    let recursive = &x[..x.len().min(N_RECURSIVE)];
    let all = |name, run| Kernel { name, n: x.len(), run };
    let few = |name, run| Kernel { name, n: recursive.len(), run };
    let (ima_encode, ima_decode) = ima(recursive);
    vec![
        all("copy", copy(x)),
        all("f16", floats(x, small_float::BINARY16)),
        all("bf16", floats(x, small_float::BFLOAT16)),
        all("fp8-e4m3", floats(x, small_float::FP8_E4M3)),
        all("fp8-e5m2", floats(x, small_float::FP8_E5M2)),
        all("fp6-e3m2", floats(x, small_float::FP6_E3M2)),
        all("fp6-e2m3", floats(x, small_float::FP6_E2M3)),
        all("fp4", floats(x, small_float::FP4_E2M1)),
        all("int8", affine(x, IntegerType::Int8)),
        all("int16", affine(x, IntegerType::Int16)),
        few("ima-encode", ima_encode),
        few("ima-decode", ima_decode),
        few("shape-9", shaping(recursive, 9, Dither::Triangular)),
        few("shape-20", shaping(recursive, 20, Dither::Triangular)),
        few("shape-20-undithered", shaping(recursive, 20, Dither::None)),
    ]
}

fn seconds(run: &mut Loop) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

/// A Gaussian mixture's worth of magnitudes from a 32-bit LCG: sums of four, scaled.
fn signal(n: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut uniform = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..n).map(|_| 0.25 * (uniform() + uniform() + uniform() + uniform())).collect()
}

/// Answers lines that name kernels.
fn rival(file: &str) {
    let bytes = std::fs::read(file).expect("a file");
    let x: Vec<f32> = bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    let mut kernels = kernels(&Arc::new(x));
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("text");
        let kernel = kernels.iter_mut().find(|kernel| kernel.name == line).expect("a kernel's name");
        println!("{} {:e}", kernel.n, seconds(&mut kernel.run));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, file] = &arguments[..]
        && word == "rival"
    {
        return rival(file);
    }
    // cargo test --all-targets also runs benches, without this argument.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let x = Arc::new(signal(N));
    let mut kernels = kernels(&x);
    let mut least = vec![f64::INFINITY; kernels.len()];
    for _ in 0..=ROUNDS {
        for (least, kernel) in least.iter_mut().zip(&mut kernels) {
            *least = seconds(&mut kernel.run).min(*least);
        }
    }
    println!("least of {ROUNDS} rounds in turns, one thread\n{:<24} {:>12} {:>10}", "", "Msample/s", "x memcpy");
    let of_copy = least[0] / kernels[0].n as f64;
    for (kernel, least) in kernels.iter().zip(least) {
        let each = least / kernel.n as f64;
        println!("{:<24} {:>12.0} {:>10.2}", kernel.name, 1e-6 / each, each / of_copy);
    }
}
