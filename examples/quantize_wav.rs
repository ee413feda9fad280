//! Quantizes a WAV to 8 bits with triangular dither and says what was lost.
//!
//! `cargo run --example quantize_wav -- IN.wav OUT.wav`

use std::{env, fs::File, path::PathBuf};

use sqnr::{
    audio_file::Reopen,
    chain::{self, FileSink, Plan, Seeking, Storing},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [input, output] = paths.as_slice() else { return Err("usage: quantize_wav IN.wav OUT.wav".into()) };

    let plan = Plan::new(&"uniform bits=8 dither=tpdf".parse()?)?;
    let mut source = Reopen::open(input)?;
    let mut chain = plan.chain(input, &source.info().spec, Storing::Coded)?;
    let (form, n_frames) = (chain.form(), source.info().n_frames);
    let mut sink = FileSink::new(File::create(output)?, Seeking::Possible, &form, n_frames, source.metadata())?;
    let outcome = chain::run(&mut source, &mut *chain, &mut sink, &())?;
    sink.finish(chain.head()?, &source.metadata().after_data)?;

    match outcome.figures.snr_db {
        Ok(snr_db) => println!("SQNR {snr_db:.2} dB over {} samples per channel", outcome.n_frames),
        Err(why) => println!("no SQNR: {why}"),
    }
    Ok(())
}
