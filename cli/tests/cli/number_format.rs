//! `quantize --format` on arrays and audio, and the filters that `design` finds.

use super::support::Folder;

/// A `.npy` file of f32 in one dimension.
fn npy(values: &[f32]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}", values.len());
    header.extend(std::iter::repeat_n(' ', 117 - header.len()));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

fn values(bytes: &[u8]) -> Vec<f32> {
    bytes[128..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes"))).collect()
}

#[test]
fn an_array_becomes_bfloat16_in_its_own_type() {
    let folder = Folder::new();
    folder.write("a.npy", &npy(&[1.0, 1.003, -5.003, f32::NAN, 0.0]));
    let json = folder.json("quantize --format bf16 a.npy");
    assert_eq!((json["bits_per_value"].as_f64(), json["not_finite"].as_u64()), (Some(16.0), Some(1)));
    assert_eq!(values(&folder.bytes("a.bf16.npy")), [1.0, 1.0, -5.0, 0.0, 0.0]);
}

#[test]
fn least_squares_is_no_worse_than_the_whole_range() {
    let folder = Folder::new();
    let x: Vec<f32> = (0..3000).map(|i| ((i * 7919 % 3001) as f32 / 3001.0 - 0.5).powi(3)).collect();
    folder.write("a.npy", &npy(&x));
    let snr = |line: &str| folder.json(line)["snr_db"].as_f64().expect("a figure");
    let range = snr("quantize --format int4 a.npy -o range.npy");
    let best = snr("quantize --format int4 --calibration mse a.npy -o best.npy");
    let groups = snr("quantize --format int4 --granularity group:32 a.npy -o groups.npy");
    assert!(best > range + 0.1 && groups > range, "{range} {best} {groups}");
}

#[test]
fn audio_takes_number_formats_too() {
    let folder = Folder::new();
    folder.song("song.wav");
    let json = folder.json("quantize --format mxfp4 song.wav");
    assert_eq!(json["bits_per_value"].as_f64(), Some(4.25));
    let original = folder.read("song.wav").1;
    let quantized = folder.read_f32("song.mxfp4.wav");
    let (mut signal, mut error) = (0.0, 0.0);
    for (&x, &y) in original.iter().zip(&quantized) {
        let x = f64::from(x) / 32_768.0;
        signal += x * x;
        error += (f64::from(y) - x).powi(2);
    }
    let snr = 10.0 * (signal / error).log10();
    assert!((json["snr_db"].as_f64().expect("a figure") - snr).abs() < 1e-6, "{snr}");
}

#[test]
fn wrong_formats_and_damaged_arrays_say_what_is_wrong() {
    let folder = Folder::new();
    folder.write("cut.npy", &npy(&[1.0; 10])[..140]);
    folder.write("text.safetensors", b"no tensors here");
    folder.song("song.wav");
    folder.run("quantize --format bf17 song.wav").fails(2, "bf17");
    folder.run("quantize --format bf16 -b 8 song.wav").fails(2, "--bits");
    folder.run("quantize --format bf16 cut.npy").fails(3, "40 bytes");
    folder.run("quantize --format bf16 text.safetensors").fails(3, "safetensors");
    folder.run("quantize --format bf16 song.wav cut.npy").fails(2, "apart");
    assert_eq!(folder.names(), ["cut.npy", "song.wav", "text.safetensors"]);
}

#[test]
fn a_designed_shaper_shapes() {
    let folder = Folder::new();
    folder.song("song.wav");
    let design = folder.json("design shaper --rate 8000 --order 9 --max-total-noise 12");
    assert!(design["total_gain_db"].as_f64().expect("a figure") <= 12.0);
    assert_eq!(design["feedback"].as_array().expect("an array").len(), 9);
    let mse = |line: &str| folder.json(line)["mse"].as_f64().expect("a figure");
    let plain = mse("quantize -b 8 song.wav -o plain.wav");
    let shaped = mse("quantize -b 8 -s shaper.json song.wav -o shaped.wav");
    let gain = 10.0 * (shaped / plain).log10();
    assert!((gain - design["total_gain_db"].as_f64().expect("a figure")).abs() < 0.3, "{gain}");
    assert!(mse("quantize -b 8 -s auto song.wav -o auto.wav") > plain);
    folder.run("quantize -b 8 -s nothing.json song.wav").fails(2, "no such file");
    folder.run("design shaper --order 0 -f").fails(2, "1 to 64");
}

#[test]
fn modulators_and_predictors_are_designed() {
    let folder = Folder::new();
    folder.song("song.wav");
    let modulator = folder.json("design modulator --order 3");
    assert!(modulator["peak_snr_db"].as_f64().expect("a figure") > 85.0);
    let predictor = folder.json("design predictor song.wav --order 2");
    assert!(predictor["gain_db"].as_f64().expect("a figure") > 20.0);
    folder.run("design predictor song.wav").fails(4, "exists");
    folder.run("design modulator --order 9 -o m.json").fails(2, "1 to 8");
}
