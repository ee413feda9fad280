//! Streaming against all at once, odd members, and files of every kind.

use std::io::Cursor;

use super::*;
use crate::number_format::tensor_file::{Dtype, Tensor, TensorFile};

fn values(n: usize) -> Vec<f64> {
    let mut state = 3u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    (0..n).map(|_| (next() + next() + next()).powi(3)).collect()
}

fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

fn quantized(bytes: &[u8], kind: TensorFileKind, format: &str) -> (Vec<u8>, QuantizedTensors) {
    let mut output = Cursor::new(Vec::new());
    let done = quantize_tensors(Cursor::new(bytes), &mut output, kind, &format_of(format)).expect("legal");
    (output.into_inner(), done)
}

fn format_of(words: &str) -> NumberFormat {
    let recipe: crate::recipe::Recipe = words.parse().expect("a recipe");
    let crate::recipe::Method::Format(named) = recipe.method else { panic!("{words}: no format") };
    named.format
}

const FORMATS: [&str; 12] = [
    "bf16",
    "q1.14",
    "mxfp4",
    "mxint8",
    "q4_1",
    "tq2_0",
    "int8",
    "int8 granularity=channel",
    "int4 granularity=group:7",
    "uint8 calibration=percentile:99 granularity=channel",
    "int8 calibration=mse rule=pytorch symmetry=symmetric",
    "int8 calibration=histogram",
];

/// Blocks of the file cut the rows anywhere: the values, the bits and the figures are those of the tensor at once.
#[test]
fn in_blocks_and_at_once_agree() {
    let x = values(3 * 50_021);
    let data: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
    let bytes = npy("<f8", "False", "(3, 50021)", &data);
    for format in FORMATS {
        let (written, done) = quantized(&bytes, TensorFileKind::Npy, format);
        let y =
            TensorFile::from_bytes(&written, TensorFileKind::Npy).expect("legal").tensors[0].values().expect("floats");
        let whole = format_of(format).quantize(&x, &[3, 50_021]).expect("legal");
        assert_eq!(y, whole.values, "{format}");
        assert!((done.total.tally.n_bits - whole.n_bits).abs() < 1e-6, "{format}");
        let error: f64 = x.iter().zip(&y).map(|(x, y)| (y - x).powi(2)).sum();
        assert!((done.total.mse().expect("a figure") * x.len() as f64 / error - 1.0).abs() < 1e-12, "{format}");
    }
}

/// Big-endian bytes and the first index fastest stay so; blocks lie along the last index all the same.
#[test]
fn byte_order_and_layout_stay() {
    let x = values(6 * 40);
    let c: Vec<u8> = x.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect();
    let fortran: Vec<u8> = (0..40)
        .flat_map(|j| (0..6).map(move |i| (i, j)))
        .flat_map(|(i, j)| (x[i * 40 + j] as f32).to_be_bytes())
        .collect();
    for format in FORMATS {
        let (plain, _) = quantized(&npy("<f4", "False", "(6, 40)", &c), TensorFileKind::Npy, format);
        let (other, _) = quantized(&npy(">f4", "True", "(6, 40)", &fortran), TensorFileKind::Npy, format);
        assert!(other.windows(30).any(|w| w.starts_with(b"'>f4', 'fortran_order': True")), "{format}");
        let read = |bytes: &[u8]| {
            TensorFile::from_bytes(bytes, TensorFileKind::Npy).expect("legal").tensors[0].values().expect("floats")
        };
        assert_eq!(read(&plain), read(&other), "{format}");
    }
}

#[test]
fn not_finite_values_count_as_in_the_tensor() {
    let x = [f32::NAN, 3.0, f32::INFINITY, -4.0, f32::NEG_INFINITY];
    let data: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
    let (written, done) = quantized(&npy("<f4", "False", "(5,)", &data), TensorFileKind::Npy, "bf16");
    let y = TensorFile::from_bytes(&written, TensorFileKind::Npy).expect("legal").tensors[0].values().expect("floats");
    assert_eq!((y, done.total.n_not_finite), (vec![0.0, 3.0, 4.0, -4.0, -4.0], 3));
    assert_eq!(done.total.snr_db(), Err(Absent::NoError));
}

/// Types that are no floats here keep their bytes, and are named.
#[cfg(feature = "tensor")]
#[test]
fn odd_tensors_of_safetensors_stay_as_they_are() {
    let weights: Vec<f32> = values(64).iter().map(|&x| x as f32).collect();
    let odd =
        [Dtype::F8E8M0, Dtype::Fp4E2M1, Dtype::Fp6E2M3, Dtype::Fp6E3M2, Dtype::C64, Dtype::Fp8E4M3Fnuz, Dtype::Bool];
    let mut tensors = vec![Tensor::from_f32("weights", vec![64], &weights).expect("64 values")];
    for (i, dtype) in odd.into_iter().enumerate() {
        let bytes = (0..8 * dtype.bits()).map(|b| (b * 37 + i) as u8).take(8 * dtype.bits() / 8).collect();
        tensors.push(Tensor::new(dtype.name(), dtype, vec![8], bytes).expect("eight values"));
    }
    let metadata = [("format".to_owned(), "pt".to_owned())].into();
    let file = TensorFile { kind: TensorFileKind::Safetensors, tensors, metadata };
    let (written, done) = quantized(&file.to_bytes().expect("legal"), TensorFileKind::Safetensors, "int8");
    let back = TensorFile::from_bytes(&written, TensorFileKind::Safetensors).expect("legal");
    assert_eq!((done.tensors.len(), done.kept.len(), &back.metadata), (1, odd.len(), &file.metadata));
    for dtype in odd {
        let of = |file: &TensorFile| file.tensors.iter().find(|t| t.name() == dtype.name()).expect("there").clone();
        assert_eq!(of(&back), of(&file));
        assert!(done.kept.iter().any(|kept| kept.why == format!("of type {}", dtype.name())), "{dtype:?}");
    }
    assert_ne!(back.tensors.iter().find(|t| t.name() == "weights").map(Tensor::bytes), Some(file.tensors[0].bytes()));
}

/// Values by hand: 2^(code - 127); FNUZ has exponents one lower than OCP's, and NaN in place of the negative zero.
#[test]
fn narrow_floats_are_read() {
    let read = |dtype: Dtype, bytes: &[u8]| {
        let n = 8 * bytes.len() / dtype.bits();
        Tensor::new("t", dtype, vec![n], bytes.to_vec()).expect("whole").values().expect("floats")
    };
    assert_eq!(read(Dtype::F8E8M0, &[127, 130]), [1.0, 8.0]);
    assert_eq!(read(Dtype::Fp4E2M1, &[0x2f, 0x90]), [-6.0, 1.0, 0.0, -0.5]);
    assert_eq!(read(Dtype::Fp8E4M3, &[0x38, 0x7e]), [1.0, 448.0]);
    assert_eq!(read(Dtype::Fp8E4M3Fnuz, &[0x40, 0x7f]), [1.0, 240.0]);
    assert_eq!(read(Dtype::Fp8E5M2Fnuz, &[0x40, 0x7f]), [1.0, 57_344.0]);
    assert!(read(Dtype::Fp8E4M3Fnuz, &[0x80])[0].is_nan());
}

/// A text, a record and a file that is no array beside floats.
#[cfg(feature = "tensor")]
#[test]
fn odd_members_of_npz_stay_as_they_are() {
    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};
    let floats = npy("<f4", "False", "(4,)", &[0.1f32, 0.2, 0.3, 0.4].map(f32::to_le_bytes).concat());
    let members = [
        ("a.npy", floats),
        ("names.npy", npy("<U3", "False", "(2,)", &[7; 24])),
        ("record.npy", npy("|O", "False", "()", &[1, 2, 3])),
        ("notes.txt", b"hello".to_vec()),
    ];
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        for (name, bytes) in &members {
            writer.start_file(*name, options).expect("a name");
            writer.write_all(bytes).expect("memory");
        }
        let bytes = writer.finish().expect("memory").into_inner();
        let (written, done) = quantized(&bytes, TensorFileKind::Npz, "bf16");
        assert_eq!((done.tensors.len(), done.kept.len()), (1, 3));
        let mut archive = zip::ZipArchive::new(Cursor::new(written)).expect("a ZIP");
        for (name, bytes) in &members[1..] {
            let mut entry = archive.by_name(name).expect("there");
            assert_eq!(entry.compression(), method);
            let mut read = Vec::new();
            entry.read_to_end(&mut read).expect("sound");
            assert_eq!(&read, bytes, "{name}");
        }
    }
}
