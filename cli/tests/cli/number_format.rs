//! `quantize --format` on arrays and audio, and the filters that `design` finds.

use super::support::Folder;

/// A `.npy` file of f32 in one dimension.
fn npy(values: &[f32]) -> Vec<u8> {
    npy_of("<f4", &format!("({},)", values.len()), &values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>())
}

fn npy_of(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    header.extend(std::iter::repeat_n(' ', 117 - header.len()));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn f64_values(bytes: &[u8]) -> Vec<f64> {
    bytes[128..].chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().expect("eight bytes"))).collect()
}

/// Signal over error in dB, the slow way.
fn snr_db(x: &[f64], y: &[f64]) -> f64 {
    let signal: f64 = x.iter().map(|x| x * x).sum();
    let error: f64 = x.iter().zip(y).map(|(x, y)| (y - x).powi(2)).sum();
    10.0 * (signal / error).log10()
}

/// Draws from -1 to 1 with 53 bits.
fn draws(n: usize) -> Vec<f64> {
    let mut state = 1u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| draw()).collect()
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

/// 30 fraction bits take 190 dB; single precision on the way would leave 153.
#[test]
fn double_precision_stays_double_and_the_figure_is_that_of_the_file() {
    let folder = Folder::new();
    let x = draws(1000);
    folder.write("a.npy", &npy_of("<f8", "(1000,)", &x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()));
    let json = folder.json("quantize --format q1.30 a.npy");
    let y = f64_values(&folder.bytes("a.q1.30.npy"));
    let expected: Vec<f64> = x.iter().map(|x| (x * 2f64.powi(30)).round_ties_even() / 2f64.powi(30)).collect();
    assert_eq!(y, expected);
    let snr = snr_db(&x, &y);
    assert!(snr > 185.0 && (json["snr_db"].as_f64().expect("a figure") - snr).abs() < 1e-6, "{snr} {json}");
}

/// What is just above the middle of two f16 goes up, though as f32 it is the middle.
#[test]
fn values_are_rounded_once() {
    let folder = Folder::new();
    let x = [1.0 + 2f64.powi(-11) + 2f64.powi(-40), 1.0 + 2f64.powi(-8) + 2f64.powi(-40)];
    folder.write("a.npy", &npy_of("<f8", "(2,)", &x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()));
    folder.run("quantize --format f16 a.npy").succeeds();
    assert_eq!(f64_values(&folder.bytes("a.f16.npy")), [1.0 + 2f64.powi(-10), 1.0 + 2f64.powi(-8)]);
    folder.run("quantize --format bf16 a.npy").succeeds();
    assert_eq!(f64_values(&folder.bytes("a.bf16.npy")), [1.0, 1.0 + 2f64.powi(-7)]);
}

/// A 32-bit WAV in 32-bit words loses nothing, in 28-bit words what 28 bits lose.
#[test]
fn integers_of_32_bits_stay_whole() {
    let folder = Folder::new();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(folder.path("a.wav"), spec).expect("created");
    let codes: Vec<i32> = draws(1000).iter().map(|x| (x * 2f64.powi(31)) as i32).collect();
    codes.iter().for_each(|&code| writer.write_sample(code).expect("written"));
    writer.finalize().expect("finished");
    let json = folder.json("quantize --format q0.31 a.wav");
    assert_eq!(json["reasons"]["snr_db"].as_str(), Some("the error is zero, the ratio infinite"), "{json}");
    // The chunks' heads end with `data` and its length.
    let bytes = folder.bytes("a.q0.31.wav");
    let data = bytes.windows(4).position(|w| w == b"data").expect("a data chunk") + 8;
    let y: Vec<f64> =
        bytes[data..].chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().expect("eight bytes"))).collect();
    assert_eq!(y, codes.iter().map(|&c| f64::from(c) / 2f64.powi(31)).collect::<Vec<_>>());
    let json = folder.json("quantize --format q0.27 a.wav");
    let snr = json["snr_db"].as_f64().expect("a figure");
    // Uniform signal: 6.02 dB a bit of 28.
    assert!((snr - 168.57).abs() < 0.3, "{snr}");
}

/// bfloat16 makes 65536 of 65504, which f16 does not hold: its largest number is written, counted and measured.
#[test]
fn the_figure_is_of_the_tensor_in_its_own_type() {
    let folder = Folder::new();
    let halves = [0x7b53u16, 0x7bff, 0xfbff, 0x3c01];
    folder.write("a.npy", &npy_of("<f2", "(4,)", &halves.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>()));
    let json = folder.json("quantize --format bf16 a.npy");
    let y: Vec<u16> =
        folder.bytes("a.bf16.npy")[128..].chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
    // 59904 is a number of bfloat16 (59904 = 117 * 512).
    assert_eq!(y, [0x7b50, 0x7bff, 0xfbff, 0x3c00]);
    let x = [60_000.0, 65_504.0, -65_504.0, 1.0 + 2f64.powi(-10)];
    let snr = snr_db(&x, &[59_904.0, 65_504.0, -65_504.0, 1.0]);
    assert!((json["snr_db"].as_f64().expect("a figure") - snr).abs() < 1e-9, "{json}");
    let warnings = json["warnings"].to_string();
    assert!(warnings.contains("2 values beyond the largest of the tensor's own type"), "{warnings}");
}

#[test]
fn a_scale_beyond_binary16_clips_and_says_so() {
    let folder = Folder::new();
    let x: Vec<f32> = draws(256).iter().map(|x| (x * 1e9) as f32).collect();
    folder.write("a.npy", &npy(&x));
    for format in ["q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "tq1_0", "tq2_0"] {
        let json = folder.json(&format!("quantize --format {format} a.npy"));
        let y = values(&folder.bytes(&format!("a.{format}.npy")));
        assert!(y.iter().all(|y| y.is_finite()), "{format}");
        let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let snr = snr_db(&wide(&x), &wide(&y));
        assert!((json["snr_db"].as_f64().expect("a figure") - snr).abs() < 1e-9, "{format} {snr} {json}");
        assert!(json["warnings"].to_string().contains("beyond the largest of the format"), "{format} {json}");
    }
}

/// Each channel is a row: beside a loud one a quiet one is what it is alone.
#[test]
fn blocks_end_with_their_channel() {
    let folder = Folder::new();
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 8_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let (quiet, loud) = (draws(1001), draws(2002).split_off(1001));
    let mono = hound::WavSpec { channels: 1, ..spec };
    let mut both = hound::WavWriter::create(folder.path("both.wav"), spec).expect("created");
    let mut alone = hound::WavWriter::create(folder.path("alone.wav"), mono).expect("created");
    for (quiet, loud) in quiet.iter().zip(&loud) {
        both.write_sample(1e-3 * *quiet as f32).expect("written");
        both.write_sample(*loud as f32).expect("written");
        alone.write_sample(1e-3 * *quiet as f32).expect("written");
    }
    both.finalize().expect("finished");
    alone.finalize().expect("finished");
    for format in ["mxint8", "q8_0", "q4_1"] {
        let json = folder.json(&format!("quantize --format {format} both.wav -f"));
        folder.run(&format!("quantize --format {format} alone.wav -f")).succeeds();
        let left: Vec<f32> = folder.read_f32(&format!("both.{format}.wav")).into_iter().step_by(2).collect();
        assert_eq!(left, folder.read_f32(&format!("alone.{format}.wav")), "{format}");
        let blocks = 2.0 * 1001f64.div_euclid(32.0) + 2.0;
        if format == "mxint8" {
            let bits = json["bits_per_value"].as_f64().expect("a figure");
            assert!((bits - (8.0 + 8.0 * blocks / 2002.0)).abs() < 1e-9, "{bits}");
        }
    }
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
    let predictor = folder.json("design predictor song.wav --order 2 --bits 3");
    let design = &predictor["designs"][0];
    let gain = design["snr_db"].as_f64().expect("a figure") - design["memoryless_snr_db"].as_f64().expect("a figure");
    assert!(gain > 10.0, "{predictor}");
    folder.run("design predictor song.wav").fails(4, "exists");
    folder.run("design modulator --order 9 -o m.json").fails(2, "1 to 8");
}

/// A text beside floats in a `.npz`, scales beside weights in a `.safetensors`: kept, and told to scripts.
#[test]
fn odd_members_are_kept_and_told() {
    let folder = Folder::new();
    let header = r#"{"weights":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"scale":{"dtype":"F8_E8M0","shape":[3],"data_offsets":[16,19]},"new":{"dtype":"F3_X","shape":[8],"data_offsets":[19,22]}}"#;
    let floats = [0.1f32, 0.2, 0.3, 0.4].map(f32::to_le_bytes).concat();
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &floats, &[1, 2, 3, 4, 5, 6]].concat();
    folder.write("a.safetensors", &file);
    let json = folder.json("quantize --format bf16 a.safetensors");
    let written = folder.bytes("a.bf16.safetensors");
    let start = 8 + header.len();
    assert!(written[..start] == file[..start] && written[start + 16..] == file[start + 16..] && written != file);
    assert_eq!(
        json["kept"],
        serde_json::json!([
            { "name": "scale", "why": "of type F8_E8M0" },
            { "name": "new", "why": "of type F3_X" },
        ])
    );
    let warnings = json["warnings"].to_string();
    assert!(warnings.contains("'scale' is of type F8_E8M0: kept as it is"), "{warnings}");
    // To standard output the same bytes.
    assert_eq!(folder.run("quantize --format bf16 a.safetensors -o -").stdout, written);
    folder.write("cut.safetensors", &file[..file.len() - 1]);
    folder.run("quantize --format bf16 cut.safetensors").fails(3, "safetensors: the tensors end at byte");
}

/// Memory does not grow with a tensor: 40 MiB of weights within 32 MiB.
#[cfg(target_os = "linux")]
#[test]
fn a_tensor_larger_than_its_memory_streams() {
    let folder = Folder::new();
    let n = 10usize << 20;
    let header = format!(r#"{{"w":{{"dtype":"F32","shape":[4096,{}],"data_offsets":[0,{}]}}}}"#, n / 4096, 4 * n);
    let mut file = std::io::BufWriter::new(std::fs::File::create(folder.path("a.safetensors")).expect("created"));
    use std::io::Write;
    file.write_all(&(header.len() as u64).to_le_bytes()).expect("written");
    file.write_all(header.as_bytes()).expect("written");
    (0..n).for_each(|i| file.write_all(&((i as f32 * 0.37).sin()).to_le_bytes()).expect("written"));
    drop(file);
    for format in ["mxfp4", "int8"] {
        let peak = peak_kib(&folder, &format!("quantize --format {format} a.safetensors -o b.safetensors -f"));
        assert!(
            folder.bytes("b.safetensors").len() > 4 * n && (1 << 10..32 << 10).contains(&peak),
            "{format}: {peak} KiB"
        );
        std::fs::remove_file(folder.path("b.safetensors")).expect("written");
    }
}

/// Most resident memory of a run, KiB, as the kernel counts it for children that have ended.
#[cfg(target_os = "linux")]
fn peak_kib(folder: &Folder, line: &str) -> u64 {
    // A process that has ended has no such line any more.
    let script = format!(
        "\"$0\" {line} >/dev/null 2>&1 & pid=$!; peak=0; while now=$(grep VmHWM /proc/$pid/status 2>/dev/null); do \
         now=$(echo \"$now\" | tr -dc 0-9); [ \"$now\" -gt $peak ] && peak=$now; sleep 0.01; done; echo $peak"
    );
    let program = assert_cmd::cargo::cargo_bin("sqnr");
    let mut command = std::process::Command::new("sh");
    command.arg("-c").arg(script).arg(program).current_dir(folder.path("."));
    let text = String::from_utf8(command.output().expect("a shell").stdout).expect("a number");
    text.trim().parse().expect("a number")
}
