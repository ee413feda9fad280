//! Decodes an `.sqn` file through symphonia's own probe and codec registry, as a player would.
//!
//! `cargo run --features symphonia --example symphonia_player -- FILE.sqn`

use std::{error::Error, fs::File};

use sqnr::codec::symphonia::{SqnDecoder, SqnReader};
use symphonia::core::{
    codecs::{audio::AudioDecoderOptions, registry::CodecRegistry},
    formats::{
        FormatOptions, TrackType,
        probe::{Hint, Probe},
    },
    io::MediaSourceStream,
    meta::MetadataOptions,
};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: symphonia_player FILE")?;

    // symphonia's own formats and codecs, and ours beside them
    let (mut probe, mut codecs) = (Probe::default(), CodecRegistry::new());
    symphonia::default::register_enabled_formats(&mut probe);
    symphonia::default::register_enabled_codecs(&mut codecs);
    probe.register_format::<SqnReader<'_>>();
    codecs.register_audio_decoder::<SqnDecoder>();

    let stream = MediaSourceStream::new(Box::new(File::open(path)?), Default::default());
    let mut format = probe.probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())?;
    let track = format.default_track(TrackType::Audio).ok_or("no audio track")?;
    let parameters = track.codec_params.as_ref().and_then(|p| p.audio()).ok_or("no audio track")?;
    let mut decoder = codecs.make_audio_decoder(parameters, &AudioDecoderOptions::default())?;

    let (mut frames, mut peak, mut block) = (0, 0.0_f32, Vec::<Vec<f32>>::new());
    while let Some(packet) = format.next_packet()? {
        let buffer = decoder.decode(&packet)?;
        frames += buffer.frames();
        buffer.copy_to_vecs_planar(&mut block);
        peak = block.iter().flatten().fold(peak, |peak, x| peak.max(x.abs()));
    }
    println!("{}: {frames} samples per channel, peak {peak:.3}", format.format_info().long_name);
    Ok(())
}
