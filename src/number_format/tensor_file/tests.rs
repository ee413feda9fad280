//! Files of numpy itself, round trips, and files that lie.

use super::*;

/// `numpy.save` of `numpy.array([[1, 2.5, -3]], '>f4')`.
fn big_endian() -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00\x46\x00{'descr': '>f4', 'fortran_order': False, 'shape': (1, 3), }".to_vec();
    bytes.resize(79, b' ');
    bytes.push(b'\n');
    bytes.extend([1.0f32, 2.5, -3.0].iter().flat_map(|x| x.to_be_bytes()));
    bytes
}

fn npy(header: &str, n_bytes: usize) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend((0..n_bytes).map(|i| i as u8));
    bytes
}

#[test]
fn big_endian_and_fortran_arrays_become_little_endian_c() {
    let file = TensorFile::from_bytes(&big_endian(), TensorFileKind::Npy).expect("legal");
    assert_eq!(file.tensors[0].values().expect("floats"), [1.0, 2.5, -3.0]);
    assert_eq!(file.tensors[0].shape(), [1, 3]);
    let fortran = npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", 6);
    let file = TensorFile::from_bytes(&fortran, TensorFileKind::Npy).expect("legal");
    assert_eq!(file.tensors[0].bytes(), [0, 2, 4, 1, 3, 5]);
}

#[test]
fn written_npy_is_what_numpy_writes() {
    let tensor = Tensor::from_f32("", vec![3], &[0.0, 1.0, -2.0]).expect("three values");
    let file = TensorFile { kind: TensorFileKind::Npy, tensors: vec![tensor], metadata: BTreeMap::new() };
    let bytes = file.to_bytes().expect("legal");
    let head = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
    assert!(bytes.starts_with(head) && bytes[127] == b'\n' && bytes.len() == 128 + 12);
    assert_eq!(TensorFile::from_bytes(&bytes, TensorFileKind::Npy).expect("own file"), file);
}

#[test]
fn scalars_and_empty_arrays_are_arrays() {
    let scalar = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", 8);
    let file = TensorFile::from_bytes(&scalar, TensorFileKind::Npy).expect("legal");
    assert_eq!((file.tensors[0].len(), file.tensors[0].shape().len()), (1, 0));
    let empty = npy("{'descr': '<f2', 'fortran_order': True, 'shape': (0, 5), }", 0);
    assert!(TensorFile::from_bytes(&empty, TensorFileKind::Npy).expect("legal").tensors[0].is_empty());
}

#[test]
fn every_float_type_is_read_and_written_back() {
    for dtype in [Dtype::F16, Dtype::Bf16, Dtype::F32, Dtype::F64] {
        let mut tensor = Tensor::new("t", dtype, vec![3], vec![0; 3 * dtype.size()]).expect("three values");
        tensor.set_values(&[1.5, -0.25, 96.0]).expect("floats");
        assert_eq!(tensor.values().expect("floats"), [1.5, -0.25, 96.0], "{dtype:?}");
        assert!(tensor.set_values(&[1.0]).is_err());
    }
    let mut integers = Tensor::new("t", Dtype::I8, vec![1], vec![7]).expect("one value");
    assert!(integers.values().is_err() && integers.set_values(&[1.0]).is_err());
}

#[test]
fn lying_headers_are_errors() {
    let cases = [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", 15),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 0),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296), }", 0),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1073741824,), }", 8),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 8),
        ("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }", 8),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 8),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': ((1,), }", 8),
        ("{'descr': '<f4', 'fortran_order': False, }", 8),
        ("{'descr': '<f4", 8),
        ("{'é': 1", 8),
        ("", 0),
    ];
    for (header, n_bytes) in cases {
        assert!(TensorFile::from_bytes(&npy(header, n_bytes), TensorFileKind::Npy).is_err(), "{header}");
    }
    let mut deep = b"\x93NUMPY\x02\x00\xff\xff\x00\x00".to_vec();
    deep.resize(12 + 65_535, b'(');
    assert!(TensorFile::from_bytes(&deep, TensorFileKind::Npy).is_err());
    let mut huge = deep;
    huge[8..12].fill(0xff);
    assert!(matches!(TensorFile::from_bytes(&huge, TensorFileKind::Npy), Err(Error::LimitExceeded { .. })));
}

#[test]
fn every_cut_of_a_file_is_an_error() {
    let whole = big_endian();
    for len in 0..whole.len() {
        assert!(TensorFile::from_bytes(&whole[..len], TensorFileKind::Npy).is_err(), "{len}");
    }
}

#[cfg(feature = "tensor")]
mod packed {
    use super::*;

    fn model(kind: TensorFileKind) -> TensorFile {
        let weights: Vec<f32> = (0..600).map(|i| (i as f32 * 0.37).sin()).collect();
        let tensors = vec![
            Tensor::from_f32("layer.weight", vec![20, 30], &weights).expect("600 values"),
            Tensor::new("ids", Dtype::I64, vec![2], vec![1; 16]).expect("two values"),
        ];
        TensorFile { kind, tensors, metadata: BTreeMap::new() }
    }

    #[test]
    fn npz_and_safetensors_give_back_their_tensors() {
        for kind in [TensorFileKind::Npz, TensorFileKind::NpzCompressed, TensorFileKind::Safetensors] {
            let mut file = model(kind);
            if kind == TensorFileKind::Safetensors {
                file.metadata.insert("format".into(), "pt".into());
            }
            let bytes = file.to_bytes().expect("legal");
            assert_eq!(bytes, file.to_bytes().expect("legal"), "the same bytes each time");
            let mut back = TensorFile::from_bytes(&bytes, kind).expect("own file");
            back.tensors.sort_by_key(|t| std::cmp::Reverse(t.name().to_string()));
            assert_eq!(back, file, "{kind:?}");
        }
    }

    #[test]
    fn cut_and_altered_files_never_panic() {
        for kind in [TensorFileKind::NpzCompressed, TensorFileKind::Safetensors] {
            let whole = model(kind).to_bytes().expect("legal");
            for len in (0..whole.len()).step_by(7) {
                assert!(TensorFile::from_bytes(&whole[..len], kind).is_err(), "{kind:?} {len}");
            }
            for at in 0..whole.len().min(400) {
                for flip in [1, 0x80, 0xff] {
                    let mut altered = whole.clone();
                    altered[at] ^= flip;
                    // Any answer will do: names and values may change, sizes may not lie.
                    let _ = TensorFile::from_bytes(&altered, kind);
                }
            }
        }
    }

    #[test]
    fn one_name_cannot_stand_twice() {
        for kind in [TensorFileKind::Npz, TensorFileKind::Safetensors] {
            let mut file = model(kind);
            file.tensors.push(file.tensors[0].clone());
            assert!(matches!(file.to_bytes(), Err(Error::InvalidParameter { .. })), "{kind:?}");
        }
    }
}
