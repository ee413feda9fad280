//! Keeps the sound libraries' own chatter off the terminal.
//!
//! libasound prints to standard error what it does not like about its configuration, at every device it looks at, and
//! would print across the screen.

/// Standard error goes nowhere until this is dropped.
#[derive(Debug)]
pub struct SilencedStderr {
    #[cfg(unix)]
    saved: Option<std::os::fd::OwnedFd>,
}

impl SilencedStderr {
    /// Silences it. Where that fails the chatter is seen, and nothing else is lost.
    #[cfg(unix)]
    pub fn begin() -> Self {
        let swap = || -> std::io::Result<std::os::fd::OwnedFd> {
            let saved = rustix::io::dup(std::io::stderr())?;
            let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
            rustix::stdio::dup2_stderr(&nowhere)?;
            Ok(saved)
        };
        Self { saved: swap().ok() }
    }

    /// Does nothing here: only libasound chatters.
    #[cfg(not(unix))]
    pub fn begin() -> Self {
        Self {}
    }
}

#[cfg(unix)]
impl Drop for SilencedStderr {
    fn drop(&mut self) {
        if let Some(saved) = &self.saved {
            let _ = rustix::stdio::dup2_stderr(saved);
        }
    }
}
