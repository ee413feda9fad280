//! The screen of `sqnr live` in a real terminal: tmux drives it, and every way out leaves the terminal as it was.
//!
//! Skips with a word where tmux is not there.
#![cfg(all(feature = "live", unix))]

use std::{
    path::Path,
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

const SQNR: &str = env!("CARGO_BIN_EXE_sqnr");

/// Patience with a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A shell in a terminal of its own.
struct Terminal {
    socket: String,
}

impl Terminal {
    /// `None` without tmux.
    fn open(name: &str, size: (u16, u16), folder: &Path) -> Option<Self> {
        let socket = format!("sqnr-test-{name}-{}", std::process::id());
        let (width, height) = (size.0.to_string(), size.1.to_string());
        let mut command = Command::new("tmux");
        command.args(["-L", &socket, "-u", "-f", "/dev/null", "new-session", "-d", "-x", &width, "-y", &height]);
        command.args(["env", "PS1=ready> ", "LC_ALL=C.UTF-8", "HISTFILE=", "bash", "--norc", "--noprofile"]);
        let started = command.current_dir(folder).output().is_ok_and(|output| output.status.success());
        if !started {
            eprintln!("skipped: no tmux");
            return None;
        }
        let terminal = Self { socket };
        terminal.wait_for("ready>");
        Some(terminal)
    }

    fn tmux(&self, args: &[&str]) -> Output {
        Command::new("tmux").args(["-L", &self.socket]).args(args).output().expect("tmux was there")
    }

    fn type_line(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.press("Enter");
    }

    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p"]).stdout).into_owned()
    }

    fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let text = self.text();
            if is_so(&text) {
                return text;
            }
            assert!(start.elapsed() < PATIENCE, "{what} did not come; the screen:\n{text}");
            thread::sleep(Duration::from_millis(60));
        }
    }

    fn wait_for(&self, what: &str) -> String {
        self.wait_until(what, |text| text.contains(what))
    }

    /// The terminal's modes, as the shell sees them.
    fn modes(&self, mark: &str) -> String {
        self.type_line("clear");
        self.wait_until("an empty screen", |text| text.trim() == "ready>");
        self.type_line(&format!("stty -a; echo {mark}-done"));
        let text = self.wait_until("stty", |text| text.contains(&format!("\n{mark}-done")));
        text.lines().skip(1).take_while(|line| !line.contains("-done")).collect()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// A minute of a tone to play.
fn write_input(folder: &Path) {
    let made = Command::new(SQNR)
        .args(["generate", "sine", "--level", "-6", "--seconds", "60", "--bits", "16", "-o", "in.wav"])
        .current_dir(folder)
        .output()
        .expect("runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn start(terminal: &Terminal, options: &str) {
    terminal.type_line(&format!("{SQNR} live --input in.wav --output-device none {options}; echo code $?"));
    terminal.wait_for("? help");
}

#[test]
fn keys_do_what_the_line_says() {
    let folder = tempfile::tempdir().expect("folder");
    write_input(folder.path());
    let Some(terminal) = Terminal::open("keys", (100, 30), folder.path()) else { return };
    start(&terminal, "-b 8 -d none");
    for (key, expected) in [
        ("Left", "7 bits"),
        ("Right", "8 bits"),
        ("d", "dither rpdf"),
        ("d", "dither tpdf"),
        ("s", "shape order-1"),
        ("m", "mid-rise"),
        ("m", "mu-law"),
        ("m", "a-law"),
        ("m", "lloyd-max"),
        ("Left", "7 bits"),
        ("m", "64 kbit/s  codec  spends"),
        ("Right", "80 kbit/s  codec"),
        ("m", "7 bits  uniform"),
        ("Space", "A input"),
        ("Space", "B quantized"),
        ("f", "FROZEN"),
        ("w", "wrote ./sqnr-live-1.svg"),
        ("?", "this help"),
    ] {
        terminal.press(key);
        terminal.wait_for(expected);
    }
    assert!(folder.path().join("sqnr-live-1.csv").exists());
    for (width, height, expected) in
        [("60", "18", "q quit"), ("200", "60", "output over input"), ("20", "6", "want 60x18")]
    {
        terminal.tmux(&["resize-window", "-x", width, "-y", height]);
        terminal.wait_for(expected);
    }
    terminal.press("q");
    terminal.wait_for("code 0");
}

#[test]
fn every_way_out_leaves_the_terminal_sane() {
    let folder = tempfile::tempdir().expect("folder");
    write_input(folder.path());
    let Some(terminal) = Terminal::open("ways", (80, 24), folder.path()) else { return };
    let before = terminal.modes("before");
    assert!(before.contains("icanon"), "{before}");
    let kill = |signal: &str| {
        let pattern = format!("live --input in.wav --output-device none --seed {}", std::process::id());
        let found = Command::new("pgrep").args(["-f", &pattern]).output().expect("pgrep");
        let pids = String::from_utf8_lossy(&found.stdout).into_owned();
        for pid in pids.split_whitespace() {
            Command::new("kill").args([signal, pid]).status().expect("kill");
        }
    };
    let seed = format!("--seed {}", std::process::id());
    for (way, code) in [("q", "code 0"), ("C-c", "code 130"), ("-TERM", "code 143"), ("-HUP", "code 129")] {
        start(&terminal, &format!("{seed} --record take-{}", code.replace(' ', "-")));
        thread::sleep(Duration::from_millis(300));
        if way.starts_with('-') {
            kill(way)
        } else {
            terminal.press(way)
        }
        terminal.wait_for(code);
        assert_eq!(terminal.modes("after"), before, "after {way}");
    }
    for code in ["0", "130", "143", "129"] {
        assert!(folder.path().join(format!("take-code-{code}.wet.wav")).exists(), "recording of {code}");
    }
    // Suspended and resumed; the shell has the terminal in between.
    start(&terminal, &seed);
    terminal.press("C-z");
    terminal.wait_for("Stopped");
    assert_eq!(terminal.modes("stopped"), before);
    terminal.type_line("fg");
    terminal.wait_for("? help");
    terminal.press("Left");
    terminal.wait_for("7 bits");
    terminal.press("q");
    terminal.wait_until("the end", |text| !text.contains("? help") && text.contains("ready>"));
    assert_eq!(terminal.modes("resumed"), before);
}

#[test]
fn a_closed_window_ends_it_and_the_recording_is_whole() {
    let folder = tempfile::tempdir().expect("folder");
    write_input(folder.path());
    let Some(terminal) = Terminal::open("closed", (80, 24), folder.path()) else { return };
    // Without the shell in between, the hang-up comes to the program itself.
    terminal.type_line(&format!("exec {SQNR} live --input in.wav --output-device none --record take"));
    terminal.wait_for("? help");
    drop(terminal);
    let start = Instant::now();
    while !folder.path().join("take.wet.wav").exists() {
        assert!(start.elapsed() < PATIENCE, "it goes on without a window");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_dumb_terminal_gets_lines() {
    let folder = tempfile::tempdir().expect("folder");
    write_input(folder.path());
    let Some(terminal) = Terminal::open("dumb", (200, 24), folder.path()) else { return };
    terminal
        .type_line(&format!("TERM=dumb {SQNR} live --input in.wav --output-device none --seconds 0.5; echo code $?"));
    let text = terminal.wait_for("code 0");
    assert!(text.contains("dropouts"), "{text}");
}

#[test]
fn a_tiny_window_and_a_terminal_without_utf8_are_answered() {
    let folder = tempfile::tempdir().expect("folder");
    write_input(folder.path());
    let Some(terminal) = Terminal::open("tiny", (80, 24), folder.path()) else { return };
    terminal.type_line(&format!("LC_ALL=C LANG=C {SQNR} live --input in.wav --output-device none; echo code $?"));
    let text = terminal.wait_for("? help");
    assert!(text.is_ascii(), "a terminal without UTF-8 shows letters alone:\n{text}");
    terminal.tmux(&["resize-window", "-x", "10", "-y", "5"]);
    terminal.wait_until("a word in 10x5", |text| text.contains("60x18"));
    terminal.tmux(&["resize-window", "-x", "80", "-y", "24"]);
    terminal.wait_for("? help");
    terminal.press("q");
    terminal.wait_for("code 0");
}
