//! The terminal: taken over, and given back whatever happens.

use std::{
    io::{self, Stdout},
    sync::{
        Mutex, Once,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use crossterm::{
    cursor,
    event::{DisableMouseCapture, EnableMouseCapture},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{Frame, Terminal, backend::CrosstermBackend};

use sqnr::live::SilencedStderr;

/// Standard error is silent while the screen is up: a line of libasound's would tear it. Static, so that a panic can
/// give it back before its message is printed.
static SILENCE: Mutex<Option<SilencedStderr>> = Mutex::new(None);
/// The screen is up.
static IS_UP: AtomicBool = AtomicBool::new(false);
/// Some thread has panicked while it was.
static HAS_PANICKED: AtomicBool = AtomicBool::new(false);

/// The terminal in raw mode, on its alternate screen, with the mouse; as before when dropped.
pub struct Screen {
    /// Present until dropped.
    terminal: Option<Terminal<CrosstermBackend<Stdout>>>,
}

impl Screen {
    /// Takes the terminal over.
    pub fn enter() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                HAS_PANICKED.store(true, Relaxed);
                give_back();
                usual(info);
            }));
        });
        take_over()?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout())).inspect_err(|_| give_back())?;
        Ok(Self { terminal: Some(terminal) })
    }

    /// Draws one picture; only what has changed is sent.
    pub fn draw(&mut self, picture: impl FnOnce(&mut Frame)) -> io::Result<()> {
        if HAS_PANICKED.load(Relaxed) {
            return Err(io::Error::other("a thread of the sound path has ended"));
        }
        self.terminal.as_mut().map_or(Ok(()), |terminal| terminal.draw(picture).map(|_| ()))
    }

    /// Gives the terminal back, lets the shell stop the program, and takes it over again when resumed.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        #[cfg(unix)]
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        self.resume()
    }

    /// Takes the terminal over anew: somebody else has used it.
    pub fn resume(&mut self) -> io::Result<()> {
        take_over()?;
        self.terminal.as_mut().map_or(Ok(()), Terminal::clear)
    }
}

/// Waits until a key or the mouse has something to tell, at most `timeout`.
///
/// Not crossterm's own wait: in a window that has been closed, it reads the end of its input for ever and never comes
/// back.
///
/// # Errors
/// When the terminal is gone.
#[cfg(unix)]
pub fn wait_for_input(timeout: std::time::Duration) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stdin = io::stdin();
    let mut watched = [PollFd::new(&stdin, PollFlags::IN)];
    let timeout = Timespec::try_from(timeout).unwrap_or_default();
    match poll(&mut watched, Some(&timeout)) {
        // A signal: whoever noted it is asked before the next picture.
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let is_gone = watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
    if is_gone { Err(io::Error::new(io::ErrorKind::BrokenPipe, "the terminal is gone")) } else { Ok(()) }
}

/// Waits until a key or the mouse has something to tell, at most `timeout`.
#[cfg(not(unix))]
pub fn wait_for_input(timeout: std::time::Duration) -> io::Result<()> {
    crossterm::event::poll(timeout).map(|_| ())
}

impl Drop for Screen {
    fn drop(&mut self) {
        // While standard error is still silent: in a closed window ratatui cannot show the cursor, complains with
        // `eprintln!`, and that panics when standard error is the same dead terminal.
        self.terminal = None;
        give_back();
    }
}

fn take_over() -> io::Result<()> {
    enable_raw_mode()?;
    IS_UP.store(true, Relaxed);
    if let Ok(mut silence) = SILENCE.lock() {
        silence.get_or_insert_with(SilencedStderr::begin);
    }
    execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, cursor::Hide).inspect_err(|_| give_back())
}

/// Can be called at any time, also twice. A terminal that is gone cannot complain.
fn give_back() {
    if !IS_UP.swap(false, Relaxed) {
        return;
    }
    let _ = execute!(io::stdout(), DisableMouseCapture, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
    if let Ok(mut silence) = SILENCE.try_lock() {
        silence.take();
    }
}
