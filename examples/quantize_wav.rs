//! Quantizes a WAV to 8 bits with triangular dither and says what was lost.
//!
//! `cargo run --example quantize_wav -- IN.wav OUT.wav`

use std::{env, fs::File, sync::Arc};

use sqnr::{
    analysis::error_statistics::{ErrorStatistics, Settings},
    quantizer::Uniform,
    shaping::{Dither, Requantizer, RequantizerOptions},
    wav::{Metadata, Reader, SampleFormat, Spec, Writer},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let names: Vec<String> = env::args().skip(1).collect();
    let [input, output] = names.as_slice() else { return Err("usage: quantize_wav IN.wav OUT.wav".into()) };

    let mut reader = Reader::seekable(File::open(input)?)?;
    let spec = Spec { sample_format: SampleFormat::integer(8)?, ..*reader.spec() };
    let mut writer = Writer::seekable(File::create(output)?, &spec, reader.n_frames(), &Metadata::default())?;

    let options = RequantizerOptions { dither: Dither::Triangular, ..RequantizerOptions::default() };
    let mut chain = Requantizer::new(Arc::new(Uniform::mid_tread(8)?), options)?;
    let mut statistics = ErrorStatistics::new(Settings::default())?;

    let (mut block, mut done) = (Vec::new(), 0);
    while reader.read_planar(&mut block, 4_096)? > 0 {
        let n = block[0].len();
        let mut output = Vec::new();
        for (channel, x) in block.iter().enumerate() {
            let (mut indices, mut y) = (vec![0; n], vec![0.0; n]);
            chain.process(channel, done, x, &mut indices, &mut y);
            statistics.push(x, &y);
            output.push(y);
        }
        writer.write_planar(&output)?;
        done += n as u64;
    }
    writer.finish(&[])?;

    match statistics.figures().snr_db {
        Ok(snr_db) => println!("SQNR {snr_db:.2} dB over {done} samples per channel"),
        Err(why) => println!("no SQNR: {why}"),
    }
    Ok(())
}
