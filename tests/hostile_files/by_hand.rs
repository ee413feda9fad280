//! Every lie that was thought of, with the words that name it.

use sqnr::Error;
use sqnr::number_format::tensor_file::{Tensor, TensorFile, TensorFileKind};

use crate::archive::{Entry, npy, safetensors, zeros, zip};
use crate::{alone, with_peak};

/// Reads in at most 16 times the memory of the file and a little; the error, whose words must hold `part`.
#[track_caller]
fn refused(bytes: &[u8], kind: TensorFileKind, part: &str) -> Error {
    let (result, peak) = with_peak(|| TensorFile::from_bytes(bytes, kind));
    let error = result.map(|file| file.tensors.len()).expect_err(part);
    assert!(error.to_string().contains(part), "wanted {part:?}: {error}");
    assert!(peak <= 16 * bytes.len() + (256 << 10), "{part}: {peak} bytes for a file of {}", bytes.len());
    error
}

#[test]
fn arrays_that_lie() {
    let _alone = alone();
    let header = |descr: &str, order: &str, shape: &str| {
        npy(&format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"), 64)
    };
    for (bytes, part) in [
        (zeros("(17,)", 16), "68 bytes, 64 are there"),
        (zeros("(4294967296, 4294967296)", 16), "bytes of an array"),
        (zeros("(9223372036854775807, 4)", 16), "the limit is"),
        (zeros("(2, 18446744073709551616)", 16), "not an axis length"),
        (zeros("(-1,)", 16), "an axis length expected"),
        (zeros("(1.5,)", 16), "')' expected"),
        (zeros(&format!("({})", "1,".repeat(65)), 16), "64 axes"),
        (header("'<f4'", "True", "(100, 100, 100)"), "4000000 bytes"),
        (header("'>f8'", "False", "(9,)"), "72 bytes, 64 are there"),
        (header("'<f3'", "False", "(1,)"), "f2, f4, f8"),
        (header("'<c8'", "False", "(1,)"), "array type '<c8'"),
        (header("'|O'", "False", "(1,)"), "array type '|O'"),
        (header("'<U7'", "False", "(1,)"), "array type '<U7'"),
        (header("[('a', '<f4')]", "False", "(1,)"), "structured"),
        (header("'<f4'", "1", "(1,)"), "fortran_order is 1"),
        (npy("{'descr': '<f4', 'shape': (1,), }", 4), "lacks 'fortran_order'"),
        (npy("{'descr': '<f4'", 4), "expected"),
        (b"\x93NUMPY\x09\x00\x10\x00".to_vec(), "version 9"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "length of a .npy header"),
        (b"\x93NUMPY\x01\x00\xff\xff{".to_vec(), "cut"),
        (b"PK\x03\x04".to_vec(), "\\x93NUMPY"),
        (Vec::new(), "\\x93NUMPY"),
    ] {
        refused(&bytes, TensorFileKind::Npy, part);
    }
}

/// An axis of length 0 leaves nothing to hold, however long the others are.
#[test]
fn empty_arrays_quantize_to_empty_ones() {
    let _alone = alone();
    use sqnr::number_format::NumberFormat;
    use sqnr::number_format::{AffineOptions, Granularity, IntegerType};
    for shape in ["(0,)", "(0, 4294967296, 4294967296)", "(9223372036854775807, 9223372036854775807, 0)"] {
        let file = TensorFile::from_bytes(&zeros(shape, 0), TensorFileKind::Npy).expect("empty");
        let tensor = &file.tensors[0];
        for granularity in [Granularity::Tensor, Granularity::Channel { axis: 0 }, Granularity::Group { len: 7 }] {
            let format = NumberFormat::Affine(AffineOptions { granularity, ..AffineOptions::new(IntegerType::Int8) });
            let y = format.quantize(&tensor.values().expect("floats"), tensor.shape()).expect("nothing to refuse");
            assert!(y.values.is_empty(), "{shape}");
        }
    }
}

fn array(name: &str) -> Entry {
    Entry::stored(name, &zeros("(4,)", 4))
}

#[test]
fn archives_that_lie() {
    let _alone = alone();
    let npz = |bytes: &[u8], part: &str| refused(bytes, TensorFileKind::Npz, part);
    let one = |change: &dyn Fn(&mut Entry)| {
        let mut entry = array("a.npy");
        change(&mut entry);
        zip(&[entry], |_| ())
    };
    assert_eq!(TensorFile::from_bytes(&one(&|_| ()), TensorFileKind::Npz).expect("sound").tensors.len(), 1);
    npz(b"", "cut");
    npz(b"PK\x05\x06", "cut");
    npz(&[0; 5000], "no end of the directory");
    npz(&one(&|e| e.unpacked = 1 << 30), "no more than");
    npz(&one(&|e| e.packed = u32::MAX - 1), "no more than");
    npz(&one(&|e| (e.packed, e.unpacked) = (1 << 30, 1 << 30)), "beyond the directory");
    npz(&one(&|e| e.checksum ^= 1), "checksum");
    npz(&one(&|e| e.place = Some(0x7fff_ffff)), "beyond the directory");
    npz(&one(&|e| e.place = Some(3)), "an entry expected");
    npz(&one(&|e| e.flags = 1), "encrypted");
    npz(&one(&|e| e.method = 12), "method 12; stored and deflated are read");
    npz(&one(&|e| e.method = 8), "a.npy");
    npz(&one(&|e| e.name = "a.txt".into()), "not a .npy array");
    npz(&one(&|e| (e.packed, e.unpacked) = (u32::MAX, u32::MAX)), "64-bit sizes are missing");
    npz(&zip(&[array("a.npy"), array("a.npy")], |_| ()), "two entries are called 'a.npy'");
    npz(&zip(&[array("a.npy")], |end| end.n_entries = 60_000), "60000 entries do not fit");
    npz(&zip(&[array("a.npy")], |end| end.start = 1 << 30), "does not end before");
    npz(&zip(&[array("a.npy")], |end| end.size = 0x7fff_ffff), "does not end before");
    npz(&zip(&[array("a.npy")], |end| end.n_entries = 0xffff), "place of the 64-bit record");
    // Forty names for one array: the heart of a bomb without nesting.
    let shared: Vec<Entry> = (0..40).map(|i| Entry { place: Some(0), ..array(&format!("{i}.npy")) }).collect();
    npz(&zip(&shared, |_| ()), "share their bytes");
    let many = Entry::stored("a.npy", &zeros("(5,)", 4));
    npz(&zip(&[many], |_| ()), "the header stands for");
}

/// The 64-bit records name numbers near 2^64, and places in and beyond the file.
#[test]
fn sixty_four_bit_archives_that_lie() {
    let _alone = alone();
    let numbers = [0, 1, 46, 1 << 20, 1 << 36, i64::MAX as u64, u64::MAX - 40, u64::MAX];
    for (n_entries, size, start) in
        numbers.iter().flat_map(|&a| numbers.iter().flat_map(move |&b| numbers.map(move |c| (a, b, c))))
    {
        let mut bytes = zip(&[array("a.npy")], |end| end.n_entries = 0xffff);
        let tail = bytes.split_off(bytes.len() - 22);
        let place = bytes.len() as u64;
        bytes.extend(b"PK\x06\x06");
        bytes.extend(44u64.to_le_bytes());
        bytes.extend([0; 12]);
        [n_entries, n_entries, size, start].iter().for_each(|n| bytes.extend(n.to_le_bytes()));
        bytes.extend(b"PK\x06\x07\0\0\0\0");
        bytes.extend(place.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(tail);
        if n_entries > 0 {
            refused(&bytes, TensorFileKind::Npz, "ZIP: ");
        }
    }
}

/// Ten thousand forged ends: a program that tries them all takes time that grows with their square.
#[test]
fn forged_ends_cost_no_time() {
    let _alone = alone();
    let mut bytes = vec![b'A'; 100];
    let end: Vec<u8> = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0\x2e"[..], &[0; 9]].concat();
    for _ in 0..400_000 {
        bytes.extend(&end);
    }
    let started = std::time::Instant::now();
    refused(&bytes, TensorFileKind::Npz, "a directory entry expected");
    assert!(started.elapsed().as_secs() < 5);
}

/// A hundred megabytes of zeros deflate to a tenth of a percent; a header that does not name them stops the unpacking.
#[test]
fn a_bomb_is_not_unpacked() {
    let _alone = alone();
    use std::io::Write;
    let packed = |data: &[u8]| {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        writer.start_file("a.npy", options).expect("a name");
        writer.write_all(data).expect("memory");
        writer.finish().expect("memory").into_inner()
    };
    let bytes = packed(&zeros("(4,)", 5 << 20));
    assert!(bytes.len() < 32 << 10);
    refused(&bytes, TensorFileKind::Npz, "the header stands for");
    // Its directory promises little: what is too much is never unpacked.
    let mut modest = packed(&zeros("(4,)", 4));
    let true_len = zeros("(4,)", 4).len() as u32;
    let at = modest.windows(4).rposition(|w| w == true_len.to_le_bytes()).expect("the directory names it");
    modest[at..at + 4].copy_from_slice(&(true_len - 4).to_le_bytes());
    refused(&modest, TensorFileKind::Npz, "the header stands for");
}

#[test]
fn safetensors_that_lie() {
    let _alone = alone();
    let f32s = |shape: &str, offsets: &str| format!(r#"{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}"#);
    let one = |shape: &str, offsets: &str| safetensors(&format!(r#"{{"a":{}}}"#, f32s(shape, offsets)), 16);
    let two = |a: &str, b: &str| safetensors(&format!(r#"{{"a":{},"b":{}}}"#, f32s("[2]", a), f32s("[2]", b)), 16);
    let sound = TensorFile::from_bytes(&two("[0,8]", "[8,16]"), TensorFileKind::Safetensors).expect("sound");
    assert_eq!(sound.tensors.iter().map(Tensor::len).sum::<usize>(), 4);
    for bytes in [
        Vec::new(),
        b"no tensors".to_vec(),
        u64::MAX.to_le_bytes().to_vec(),
        [&(1u64 << 40).to_le_bytes()[..], b"{}"].concat(),
        safetensors("{", 0),
        safetensors(&"[".repeat(60_000), 0),
        one("[4]", "[0,12]"),
        one("[4]", "[8,24]"),
        one("[4]", "[16,0]"),
        one("[4]", "[0,18446744073709551615]"),
        one("[4294967296,4294967296,4294967296]", "[0,16]"),
        one("[18446744073709551616]", "[0,16]"),
        one("[-4]", "[0,16]"),
        two("[0,8]", "[0,8]"),
        two("[0,8]", "[4,12]"),
        two("[0,4]", "[8,16]"),
        safetensors(r#"{"a":{"dtype":"F7","shape":[4],"data_offsets":[0,16]}}"#, 16),
        one("[4]", "[0,16]")[..70].to_vec(),
    ] {
        refused(&bytes, TensorFileKind::Safetensors, "safetensors: ");
    }
}
