//! `live --no-tui`: a line a second on standard output.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use sqnr::live::{Deck, Reading, State, Status, theory_snr_db};

use super::{
    super::{batch, exit::Failure, options::Global, stdio},
    Ending, LiveArgs, Signals,
};

/// Pause between looks at the path.
const LOOK: Duration = Duration::from_millis(25);

/// Runs until the input ends, the time is over, or a signal comes.
pub fn show(mut deck: Deck, args: &LiveArgs, global: &Global, signals: &Signals) -> Result<Ending, Failure> {
    let start = Instant::now();
    let mut n_lines = 0;
    loop {
        deck.tend();
        let elapsed_s = start.elapsed().as_secs_f64();
        let state = deck.status().state;
        let is_last =
            state == State::Ended || args.seconds.is_some_and(|s| elapsed_s >= s) || signals.signal().is_some();
        if !global.quiet && (is_last || elapsed_s >= f64::from(n_lines + 1)) {
            n_lines = elapsed_s as u32;
            let line = Line { elapsed_s, deck: &deck };
            stdio::print_line(&if global.json { line.json().to_string() } else { line.text() })?;
        }
        if is_last {
            return Ok(Ending { state, recorded: deck.close() });
        }
        thread::sleep(LOOK);
    }
}

struct Line<'a> {
    elapsed_s: f64,
    deck: &'a Deck,
}

impl Line<'_> {
    fn text(&self) -> String {
        let (settings, reading, status) = (self.deck.settings(), self.deck.reading(), self.deck.status());
        let db = |value: Option<f64>| value.map_or("-".into(), |v| format!("{v:.1}"));
        let latency = status.latency_s.map_or("-".into(), |s| format!("{:.1}", s * 1e3));
        let clipped_output = match status.clipped_output_samples {
            0 => String::new(),
            n => format!(", at the output {n}"),
        };
        let state = match (status.state, status.is_silent) {
            (State::Lost, _) => "  DEVICE LOST",
            (_, true) => "  no output device",
            _ => "",
        };
        format!(
            "{:6.1} s  in {:.1} dBFS  {} {}, dither {}, shape {}  SNR {} dB, 10 s {} dB, theory {} dB  \
             clipped {}{clipped_output}  latency {latency} ms  dropouts {}{state}",
            self.elapsed_s,
            reading.input.rms_dbfs,
            settings.rate(),
            settings.recipe().method.word(),
            settings.dither(),
            settings.recipe().shape.word(),
            db(reading.snr_db),
            db(reading.snr_mean_db),
            db(theory_snr_db(settings, &reading)),
            reading.clipped_samples,
            status.dropouts.total(),
        )
    }

    fn json(&self) -> Value {
        let (settings, reading, status) = (self.deck.settings(), self.deck.reading(), self.deck.status());
        let Reading { input, snr_db, snr_mean_db, clipped_samples, .. } = &reading;
        let Status { dropouts, latency_s, block_frames, recorded_frames, .. } = &status;
        let finite = |value: Option<f64>| value.filter(|v| v.is_finite());
        json!({
            "schema": 1, "command": "live", "time_s": self.elapsed_s,
            "sample_rate_hz": self.deck.rates().output_hz(), "channels": self.deck.rates().n_channels(),
            "recipe": batch::json_recipe(&settings.heard_recipe()),
            "bits": settings.bits(), "method": settings.recipe().method.word(),
            "bitrate_kbps": status.bitrate_kbps, "chain_delay_s": status.chain_delay_s,
            "dither": settings.dither().name(), "shape": settings.recipe().shape.word(),
            "level_dbfs": finite(Some(input.rms_dbfs)),
            "snr_db": finite(*snr_db), "snr_mean_db": finite(*snr_mean_db),
            "theory_snr_db": theory_snr_db(settings, &reading),
            "clipped_samples": clipped_samples, "latency_s": latency_s, "drift_ppm": status.drift_ppm,
            "input_block_frames": block_frames.0, "output_block_frames": block_frames.1,
            "underruns": dropouts.underruns, "underrun_frames": dropouts.underrun_frames,
            "reserve_frames": status.reserve_frames, "clipped_output_samples": status.clipped_output_samples,
            "lost_frames": dropouts.lost_frames, "device_xruns": dropouts.device_xruns,
            "recorded_frames": recorded_frames, "state": match status.state {
                State::Running => "running", State::Lost => "lost", State::Ended => "ended",
            },
        })
    }
}
