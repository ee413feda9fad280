//! Any bytes as each kind of tensor file: an error, or tensors that the bytes can hold, which quantize to finite numbers
//! and can be written and read again.

use sqnr::number_format::NumberFormat;
use sqnr::number_format::tensor_file::{Tensor, TensorFile, TensorFileKind};
use sqnr::number_format::{AffineOptions, Granularity, IntegerType};

pub fn run(bytes: &[u8]) {
    for kind in [TensorFileKind::Npy, TensorFileKind::Npz, TensorFileKind::Safetensors] {
        if let Ok(file) = TensorFile::from_bytes(bytes, kind) {
            let n_bytes: usize = file.tensors.iter().map(|tensor| tensor.bytes().len()).sum();
            // Deflate makes 1032 bytes of one at most.
            let most = if file.kind == TensorFileKind::NpzCompressed { 1032 * bytes.len() } else { bytes.len() };
            assert!(n_bytes <= most, "{n_bytes} bytes of {}", bytes.len());
            file.tensors.iter().for_each(quantizes);
            comes_back(file);
        }
        streams(bytes, kind);
    }
}

/// Quantized from reader to writer: an error, or a file that is read again.
fn streams(bytes: &[u8], kind: TensorFileKind) {
    let format = NumberFormat::parse("mxfp4").expect("a name");
    let mut output = std::io::Cursor::new(Vec::new());
    let done = sqnr::task::quantize_tensors(std::io::Cursor::new(bytes), &mut output, kind, &format);
    if let Ok(done) = done.as_ref().map(|done| done.tensors.len() + done.kept.len()) {
        let again = sqnr::task::quantize_tensors(output, std::io::Cursor::new(Vec::new()), kind, &format);
        let again = again.expect("what was written can be read");
        assert_eq!(again.tensors.len() + again.kept.len(), done);
    }
}

fn quantizes(tensor: &Tensor) {
    let Ok(x) = tensor.values() else { return };
    if x.len() > 10_000 {
        return;
    }
    let affine = |granularity| AffineOptions { granularity, ..AffineOptions::new(IntegerType::Int8) };
    let formats = [Granularity::Tensor, Granularity::Group { len: 7 }].map(|g| NumberFormat::Affine(affine(g)));
    for format in formats.into_iter().chain([NumberFormat::parse("mxfp4").expect("a name")]) {
        let y = format.quantize(&x, tensor.shape()).expect("the shape holds the values");
        assert!(y.values.len() == x.len() && y.values.iter().all(|y| y.is_finite()));
    }
}

fn comes_back(mut file: TensorFile) {
    // Safetensors sorts by alignment.
    let by_name = |file: &mut TensorFile| file.tensors.sort_by(|a, b| a.name().cmp(b.name()));
    let written = file.to_bytes().expect("what was read can be written");
    let mut again = TensorFile::from_bytes(&written, file.kind).expect("what was written can be read");
    by_name(&mut file);
    by_name(&mut again);
    assert!(again.tensors == file.tensors && again.metadata == file.metadata);
}
