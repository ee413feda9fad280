//! Microphone to loudspeaker through 4 bits: with triangular dither for five seconds, then without.
//!
//! `cargo run --features live --example live_quantizer [FILE.wav]`; a file takes the microphone's place.

use std::{
    thread,
    time::{Duration, Instant},
};

use sqnr::{
    audio_file,
    live::{Deck, DeckOptions, Input, Output, Request, State, theory_snr_db},
    recipe::Recipe,
    shaping::Dither,
};

fn main() -> sqnr::Result<()> {
    let input = match std::env::args_os().nth(1) {
        Some(path) => Input::File(Box::new(audio_file::open(path.as_ref())?)),
        None => Input::Device(Request::default()),
    };
    let recipe: Recipe = "uniform bits=4 dither=tpdf".parse()?;
    let output = Output::DeviceIfAny(Request::default());
    let mut deck = Deck::open(DeckOptions { input, output, recipe: recipe.clone(), record: None })?;

    for dither in [Dither::Triangular, Dither::None] {
        deck.set(Recipe { dither: dither.into(), ..recipe.clone() })?;
        listen(&mut deck, Duration::from_secs(5));
        let reading = deck.reading();
        let snr_db = reading.snr_mean_db.unwrap_or(f64::NAN);
        let theory_db = theory_snr_db(deck.settings(), &reading).unwrap_or(f64::NAN);
        println!("{dither:?}: SNR {snr_db:.1} dB, theory {theory_db:.1} dB");
    }
    deck.close()
}

/// The sound flows by itself; the deck only wants to be looked after.
fn listen(deck: &mut Deck, duration: Duration) {
    let start = Instant::now();
    while start.elapsed() < duration && deck.status().state != State::Ended {
        deck.tend();
        thread::sleep(Duration::from_millis(30));
    }
}
