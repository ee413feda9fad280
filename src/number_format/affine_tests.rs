//! Scales, zero points and codes against ONNX Runtime, PyTorch and the twin without vectors.

use super::super::affine::{Division, middle};
use super::super::golden_input::{bits, gauss, gauss_f64, rows, sha256};
use super::*;

fn codes_hash(x: &[f32], scale: f32, zero_point: i32, kind: IntegerType) -> String {
    let affine = Affine::new(scale, zero_point, kind.range()).expect("legal");
    if kind.bits() == 16 {
        let mut codes = vec![0; x.len()];
        affine.encode_words(x, &mut codes).expect("fits");
        return sha256(&codes.iter().flat_map(|c| c.to_le_bytes()).collect::<Vec<u8>>());
    }
    let mut codes = vec![0; x.len()];
    affine.encode_bytes(x, &mut codes).expect("fits");
    sha256(&codes)
}

fn onnx_row(operation: &str, parameters: &str) -> Vec<String> {
    let found = rows("onnxruntime.csv").into_iter().find(|r| r[0] == operation && r[1].starts_with(parameters));
    found.expect("in the table")
}

#[test]
fn codes_equal_quantize_linear() {
    let x = gauss();
    let cases = [
        ("QuantizeLinear int8", 0.0625, 0, IntegerType::Int8),
        ("QuantizeLinear uint8", 0.0625, 128, IntegerType::UInt8),
        ("QuantizeLinear int16", 0.0003, 0, IntegerType::Int16),
        ("QuantizeLinear uint16", 0.0003, 32768, IntegerType::UInt16),
    ];
    for (name, scale, zero_point, kind) in cases {
        assert_eq!(codes_hash(&x, scale, zero_point, kind), onnx_row(name, "")[2], "{name}");
    }
    let ties: Vec<f32> = (-600..600).map(|i| i as f32 / 2.0).collect();
    let hash = codes_hash(&ties, 1.0, 3, IntegerType::Int8);
    assert_eq!(hash, onnx_row("QuantizeLinear int8 ties", "")[2]);
    let torch = rows("torch_observers.csv");
    let row = torch.iter().find(|r| r[1].starts_with("qint8 ties")).expect("in the table");
    assert_eq!(hash, row[3]);
}

#[test]
fn channels_equal_onnx_runtime() {
    let options = AffineOptions {
        symmetry: Symmetry::Symmetric,
        granularity: Granularity::Channel { axis: 0 },
        ..AffineOptions::new(IntegerType::Int8)
    };
    let tensor = AffineTensor::encode(&gauss_f64(), &[8, 512], &options).expect("legal");
    let row = onnx_row("QuantizeLinear int8 per axis 0 of (8,512)", "");
    let scales: Vec<String> = tensor.parameters.iter().map(|a| f64::from(a.scale()).to_string()).collect();
    assert_eq!(format!("scale=max|row|/127: {}", scales.join(" ")), row[1]);
    assert_eq!(sha256(&tensor.codes.iter().map(|&c| c as u8).collect::<Vec<_>>()), row[2]);
}

#[test]
fn dynamic_quantize_linear_is_min_max() {
    let x = gauss_f64();
    let tensor = AffineTensor::encode(&x, &[4096], &AffineOptions::new(IntegerType::UInt8)).expect("legal");
    let (row, affine) = (onnx_row("DynamicQuantizeLinear", ""), tensor.parameters[0]);
    assert_eq!(format!("scale={} zp={}", f64::from(affine.scale()), affine.zero_point()), row[1]);
    assert_eq!(sha256(&tensor.codes.iter().map(|&c| c as u8).collect::<Vec<_>>()), row[2]);
}

#[test]
fn channels_equal_py_torch() {
    let torch = rows("torch_observers.csv");
    let kinds = [
        ("qint8 symmetric", IntegerType::Int8, Symmetry::Symmetric),
        ("quint8 affine", IntegerType::UInt8, Symmetry::Asymmetric),
    ];
    for (name, kind, symmetry) in kinds {
        let mut options = AffineOptions::new(kind);
        (options.symmetry, options.rule) = (symmetry, ScaleRule::PyTorch);
        options.granularity = Granularity::Channel { axis: 0 };
        let tensor = AffineTensor::encode(&gauss_f64(), &[8, 512], &options).expect("legal");
        let is_it = |r: &&Vec<String>| r[0] == "PerChannelMinMaxObserver" && r[1].starts_with(name);
        let row = torch.iter().find(is_it).expect("in the table");
        let scales: Vec<String> = tensor.parameters.iter().map(|a| f64::from(a.scale()).to_string()).collect();
        let zeros: Vec<String> = tensor.parameters.iter().map(|a| a.zero_point().to_string()).collect();
        assert_eq!((scales.join(" "), zeros.join(" ")), (row[2].clone(), row[3].clone()), "{name}");
    }
}

/// Worked by hand from `ChooseQuantizationParams` and `SymmetricQuantizeFloats` of TensorFlow Lite.
#[test]
fn tensor_flow_lite_takes_the_better_end() {
    let rule = ScaleRule::TensorFlowLite;
    // scale = 3 / 255; from min -128 + 85 = -43, |errors| 128 + 85 < 127 + 170.
    let affine = rule.affine(-1.0, 2.0, IntegerType::Int8, Symmetry::Asymmetric).expect("legal");
    assert_eq!((affine.scale(), affine.zero_point()), ((3.0f64 / 255.0) as f32, -43));
    // Zero at 63.5 codes: ties go away from zero, ONNX Runtime's to even. 127.5 / 255 = 0.5 exactly.
    let tie = rule.affine(-31.75, 95.75, IntegerType::UInt8, Symmetry::Asymmetric).expect("legal");
    assert_eq!((tie.scale(), tie.zero_point()), (0.5, 64));
    let tie = rule.affine(-32.25, 95.25, IntegerType::UInt8, Symmetry::Asymmetric).expect("legal");
    let even = ScaleRule::OnnxRuntime.affine(-32.25, 95.25, IntegerType::UInt8, Symmetry::Asymmetric).expect("legal");
    assert_eq!((tie.zero_point(), even.zero_point()), (65, 64));
    let weights = rule.affine(-1.0, 2.54, IntegerType::Int8, Symmetry::Symmetric).expect("legal");
    assert_eq!((weights.scale(), weights.zero_point(), weights.range()), (2.54f32 / 127.0, 0, (-127, 127)));
}

#[test]
fn fast_and_obvious_encoders_agree() {
    let x = bits();
    for kind in [IntegerType::Int8, IntegerType::UInt8, IntegerType::Int4] {
        let affine = Affine::new(0.037, middle(kind), kind.range()).expect("legal");
        let mut codes = vec![0; x.len()];
        affine.encode_bytes(&x, &mut codes).expect("fits");
        assert!(x.iter().zip(&codes).all(|(&x, &c)| affine.encode(x.into()) as u8 == c), "{kind:?}");
    }
    let affine = Affine::new(1e-3, -3, IntegerType::Int16.range()).expect("legal");
    let mut codes = vec![0; x.len()];
    affine.encode_words(&x, &mut codes).expect("fits");
    assert!(x.iter().zip(&codes).all(|(&x, &c)| affine.encode(x.into()) as u16 == c));
    assert!(affine.encode_bytes(&x[..1], &mut [0]).is_err());
}

#[test]
fn groups_follow_rows() {
    let x: Vec<f64> = (0..10).map(f64::from).collect();
    let mut options = AffineOptions::new(IntegerType::UInt8);
    options.granularity = Granularity::Group { len: 3 };
    let tensor = AffineTensor::encode(&x, &[2, 5], &options).expect("legal");
    let tops: Vec<f32> = tensor.parameters.iter().map(|a| (a.scale() * 255.0).round()).collect();
    assert_eq!(tops, [2.0, 4.0, 7.0, 9.0]);
    let worst = x.iter().zip(tensor.decode()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
    assert!(worst <= 0.5 * 9.0 / 255.0 + 1e-6, "{worst}");
}

#[test]
fn hostile_tensors_give_codes_or_errors() {
    let options = AffineOptions::new(IntegerType::Int8);
    let values = [f64::NAN, f64::INFINITY, 1.0, -1.0, f64::NEG_INFINITY];
    let tensor = AffineTensor::encode(&values, &[5], &options).expect("legal");
    assert_eq!(tensor.codes[..2], [tensor.parameters[0].zero_point(), 127]);
    assert!(tensor.decode().iter().all(|y| y.is_finite()));
    let nothing = AffineTensor::encode(&[f64::NAN], &[1], &options).expect("legal");
    assert_eq!(nothing.decode(), [0.0]);
    for rule in [ScaleRule::OnnxRuntime, ScaleRule::PyTorch, ScaleRule::TensorFlowLite] {
        for symmetry in [Symmetry::Asymmetric, Symmetry::Symmetric] {
            for end in [f64::from(f32::MAX), f64::MAX] {
                let huge = rule.affine(-end, end, IntegerType::Int8, symmetry).expect("legal");
                assert!(huge.decode(127).is_finite() && huge.scale().is_finite(), "{rule:?}");
            }
            assert!(rule.affine(0.0, 0.0, IntegerType::UInt4, symmetry).is_ok());
            assert!(rule.affine(1e-45, 1e-45, IntegerType::UInt4, symmetry).is_ok());
            assert!(rule.affine(1.0, 0.0, IntegerType::Int8, symmetry).is_err());
            assert!(rule.affine(f64::NAN, 0.0, IntegerType::Int8, symmetry).is_err());
        }
    }
    assert!(AffineTensor::encode(&[1.0], &[2], &options).is_err());
    assert!(AffineTensor::encode(&[], &[0], &options).expect("empty").codes.is_empty());
    let axis = AffineOptions { granularity: Granularity::Channel { axis: 1 }, ..options };
    assert!(AffineTensor::encode(&[1.0], &[1], &axis).is_err());
    let group = AffineOptions { granularity: Granularity::Group { len: 0 }, ..options };
    assert!(AffineTensor::encode(&[1.0], &[1], &group).is_err());
}

/// Largest magnitude, code of its negative, its own code.
const PYTORCH_EXTREMES: [(f64, i32, i32); 4] = [
    (5.201723098754883, -128, 127),
    (8.009500503540039, -128, 127),
    (3.8953518867492676, -127, 127),
    (0.5827013254165649, -127, 127),
];

/// PyTorch multiplies by the reciprocal: with symmetric codes the extreme values fall a code apart from what division gives.
/// Golden codes of PyTorch 2.15's `quantize_per_tensor`.
#[test]
fn pytorch_multiplies_by_the_reciprocal() {
    for (peak, low, high) in PYTORCH_EXTREMES {
        let affine = ScaleRule::PyTorch.affine(-peak, peak, IntegerType::Int8, Symmetry::Symmetric).expect("legal");
        assert_eq!((affine.encode(-peak), affine.encode(peak)), (low, high), "{peak}");
    }
}

/// TensorFlow Lite rounds ties away from zero, ONNX Runtime to even.
#[test]
fn ties_fall_as_the_tool_lets_them() {
    let code =
        |division: Division, x: f64| Affine::new(0.5, 0, (-128, 127)).expect("legal").with_division(division).encode(x);
    let ties = [-1.25, -0.75, -0.25, 0.25, 0.75, 1.25];
    assert_eq!(ties.map(|x| code(Division::TiesToEven, x)), [-2, -2, 0, 0, 2, 2]);
    assert_eq!(ties.map(|x| code(Division::TiesAway, x)), [-3, -2, -1, 1, 2, 3]);
    // No number of f32 lies between: in double precision this is no tie.
    assert_eq!(code(Division::TiesToEven, 0.25 + 1e-12), 1);
}
