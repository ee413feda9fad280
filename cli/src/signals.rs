//! SIGINT and SIGTERM: take the temporary files away, then end with 130 or 143.

#[cfg(unix)]
pub fn clean_up_on_signal() {
    use signal_hook::{
        consts::{SIGINT, SIGTERM},
        iterator::Signals,
    };

    // Without the handler a signal still ends the program; it leaves a temporary file then.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            sqnr::atomic_file::abandon_all(|| std::process::exit(128 + signal));
        }
    });
}

#[cfg(not(unix))]
pub fn clean_up_on_signal() {}
