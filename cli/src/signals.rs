//! SIGINT, SIGTERM and SIGHUP: take the temporary files away, then end with 130, 143 or 129.

#[cfg(unix)]
pub fn clean_up_on_signal() {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
    };

    // Without the handler a signal still ends the program; it leaves a temporary file then.
    let watched = if hang_up_is_ignored() { &[SIGINT, SIGTERM][..] } else { &[SIGINT, SIGTERM, SIGHUP] };
    let Ok(mut signals) = Signals::new(watched) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            sqnr::atomic_file::abandon_all(|| std::process::exit(128 + signal));
        }
    });
}

/// True when whoever started the program wants it to go on without a terminal, as `nohup` does. Where the system does not
/// tell, it is taken for true: then a lost terminal ends the program as it would without a handler.
#[cfg(unix)]
fn hang_up_is_ignored() -> bool {
    let ignored = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    });
    // Signal 1 is the lowest bit.
    ignored.is_none_or(|mask| mask & 1 == 1)
}

#[cfg(not(unix))]
pub fn clean_up_on_signal() {}
