//! The headers that live audio needs at build time: ALSA's on Linux, none elsewhere.

use std::process::{Command, Stdio};

/// Whether sqnr can be built with live audio here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LiveAudio {
    Available,
    Absent,
}

impl LiveAudio {
    /// The cargo arguments that switch the feature on.
    pub fn features(self) -> &'static [&'static str] {
        match self {
            Self::Available => &["--features", "live"],
            Self::Absent => &[],
        }
    }
}

/// Package managers in the order tried, each with its update step, its install step and the packages.
const MANAGERS: [(&str, &[&str], &[&str]); 4] = [
    (
        "apt-get",
        &["update", "-qq"],
        &["install", "-y", "-qq", "--no-install-recommends", "pkg-config", "libasound2-dev"],
    ),
    ("dnf", &[], &["install", "-y", "-q", "pkgconf-pkg-config", "alsa-lib-devel"]),
    ("pacman", &[], &["-S", "--noconfirm", "--needed", "pkgconf", "alsa-lib"]),
    ("zypper", &[], &["--non-interactive", "install", "pkg-config", "alsa-devel"]),
];

/// Installs the headers where they are missing and may be installed.
pub fn prepare() -> LiveAudio {
    if !cfg!(target_os = "linux") || present() {
        return LiveAudio::Available;
    }
    eprintln!("xtask: live audio needs pkg-config and the ALSA headers; installing them");
    match MANAGERS.iter().find(|(manager, ..)| succeeds(Command::new(manager).arg("--version"))) {
        Some((manager, update, install)) => {
            if !update.is_empty() {
                privileged(manager, update);
            }
            privileged(manager, install);
        }
        None => eprintln!("xtask: no package manager found"),
    }
    if present() {
        return LiveAudio::Available;
    }
    eprintln!(
        "xtask: the ALSA headers could not be installed; building without live audio (`sqnr live` will be absent)"
    );
    LiveAudio::Absent
}

fn present() -> bool {
    succeeds(Command::new("pkg-config").args(["--exists", "alsa"]))
}

/// Runs the package manager as it is, else through sudo when that asks no question.
fn privileged(manager: &str, arguments: &[&str]) {
    if !runs(Command::new(manager).args(arguments)) {
        runs(Command::new("sudo").arg("-n").arg(manager).args(arguments));
    }
}

/// Runs `command`, what it says shown on standard error only if it fails.
fn runs(command: &mut Command) -> bool {
    match command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            false
        }
        Err(error) => {
            eprintln!("xtask: {}: {error}", command.get_program().to_string_lossy());
            false
        }
    }
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
