//! Thousands of changed files of each kind: sizes overwritten, bytes flipped, parts cut, doubled and moved.

use sqnr::dsf;
use sqnr::number_format::tensor_file::{Dtype, Tensor, TensorFile, TensorFileKind};

use crate::kept_inputs::{one_bit, tensors};
use crate::{alone, with_peak};

/// A 64-bit linear congruence, its upper half.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as usize % n.max(1)
    }
}

/// Numbers that sizes are overwritten with, as many bytes of them as fit.
const NUMBERS: [u64; 10] =
    [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x1_0000_0000, i64::MAX as u64, u64::MAX];

fn mutated(original: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=random.below(4) {
        // Headers lie at the ends.
        let near = random.below(bytes.len().min(200));
        let at = if random.below(2) == 0 { near } else { bytes.len().saturating_sub(near + 1) };
        let len = 1 << random.below(4);
        let end = bytes.len().min(at + len);
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.below(256) as u8,
            2 => bytes[at..end].copy_from_slice(&NUMBERS[random.below(10)].to_le_bytes()[..end - at]),
            3 => bytes.truncate(at),
            4 => drop(bytes.splice(at..at, original[..original.len().min(len)].iter().copied())),
            _ => drop(bytes.drain(at..end)),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// Runs the mutations of a file; none may take more memory than 64 times the file and 4 MiB.
fn run_all(original: &[u8], n: usize, run: fn(&[u8])) {
    let mut random = Random(original.len() as u64);
    for i in 0..n {
        let bytes = mutated(original, &mut random);
        let ((), peak) = with_peak(|| run(&bytes));
        assert!(peak <= 64 * bytes.len() + (4 << 20), "mutation {i}: {peak} bytes of {}", bytes.len());
    }
}

fn model(kind: TensorFileKind) -> Vec<u8> {
    let weights: Vec<f32> = (0..60).map(|i| (i as f32 * 0.37).sin()).collect();
    let mut tensors = vec![Tensor::from_f32("weight", vec![5, 12], &weights).expect("60 values")];
    if kind != TensorFileKind::Npy {
        tensors.push(Tensor::new("ids", Dtype::I64, vec![2], vec![1; 16]).expect("two values"));
        tensors.push(Tensor::from_f32("bias", vec![3], &[0.5, -1.0, 2.0]).expect("three values"));
    }
    TensorFile { kind, tensors, metadata: Default::default() }.to_bytes().expect("legal")
}

#[test]
fn arrays() {
    let _alone = alone();
    run_all(&model(TensorFileKind::Npy), 20_000, tensors::run);
}

#[test]
fn archives() {
    let _alone = alone();
    run_all(&model(TensorFileKind::Npz), 20_000, tensors::run);
    run_all(&model(TensorFileKind::NpzCompressed), 20_000, tensors::run);
}

#[test]
fn safetensors() {
    let _alone = alone();
    run_all(&model(TensorFileKind::Safetensors), 20_000, tensors::run);
}

#[test]
fn one_bit_audio() {
    let _alone = alone();
    let spec = dsf::Spec { sample_rate_hz: 2_822_400, n_channels: 2 };
    let mut writer = dsf::Writer::new(std::io::Cursor::new(Vec::new()), spec).expect("legal");
    writer.write(&[vec![1.0; 100], vec![-1.0; 100]]).expect("memory");
    let file = writer.finish().expect("memory").into_inner();
    run_all(&file, 10_000, one_bit::run);
}
