//! The screen of `sqnr live`: thirty pictures a second in a terminal, keys and mouse.

mod keys;
mod picture;
mod raster;
mod snapshot;
mod spectrum;
mod terminal;
mod transfer;

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crossterm::event;
use ratatui::layout::Rect;

use self::{keys::Action, terminal::Screen};
use sqnr::live::{Deck, Monitor, Reading, Settings, State, Status, coarser, codec_at, finer, with_method};
use sqnr::{
    codec::SAMPLE_RATES_HZ as CODEC_RATES_HZ,
    recipe::{Method, NamedMethod, Recipe, Shape},
    shaping::Dither,
};

pub use raster::Charset;

/// Time between pictures.
const FRAME: Duration = Duration::from_millis(33);
/// A message stays this long.
const MESSAGE: Duration = Duration::from_secs(4);

/// How the screen is run.
pub struct ScreenOptions<'a> {
    /// What the terminal can show.
    pub charset: Charset,
    /// Where snapshots go.
    pub snapshot_folder: &'a Path,
    /// End after this time.
    pub duration: Option<Duration>,
    /// Asked before every picture: true when a signal said to end.
    pub is_told_to_end: &'a dyn Fn() -> bool,
}

/// Why the screen ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The listener has had enough, the input or the time is over.
    Done,
    /// Ctrl-C.
    Interrupted,
    /// A signal.
    Signalled,
}

/// What one picture shows.
#[derive(Debug, Clone)]
pub(crate) struct View {
    reading: Reading,
    status: Status,
    settings: Settings,
    monitor: Monitor,
    sample_rate_hz: f64,
    n_channels: usize,
    noise_bandwidth_hz: f64,
    charset: Charset,
    holds_peaks: bool,
    is_frozen: bool,
    shows_help: bool,
    message: Option<String>,
}

/// Shows `deck` until the listener, the input, the time or a signal ends it. The terminal is as before when it returns.
///
/// # Errors
/// When the terminal cannot be taken over or is gone.
pub fn show(deck: &mut Deck, options: &ScreenOptions) -> io::Result<End> {
    let mut screen = Screen::enter()?;
    let mut panel = Panel::new(options);
    let start = Instant::now();
    loop {
        let frame_start = Instant::now();
        deck.tend();
        panel.look(deck);
        let mut area = Rect::default();
        screen.draw(|frame| {
            area = frame.area();
            picture::draw(&panel.view, area, frame.buffer_mut());
        })?;
        if (options.is_told_to_end)() {
            return Ok(End::Signalled);
        }
        let is_late = options.duration.is_some_and(|d| start.elapsed() >= d);
        if is_late || panel.view.status.state == State::Ended {
            return Ok(End::Done);
        }
        terminal::wait_for_input(FRAME.saturating_sub(frame_start.elapsed()))?;
        while event::poll(Duration::ZERO)? {
            let Some(action) = keys::action(&event::read()?, picture::keys_row(area)) else { continue };
            match action {
                Action::Quit => return Ok(End::Done),
                Action::Interrupt => return Ok(End::Interrupted),
                Action::Suspend => screen.suspend()?,
                other => panel.act(other, deck),
            }
        }
        if panel.was_stopped() {
            screen.resume()?;
        }
    }
}

/// The listener's side of the deck.
struct Panel {
    view: View,
    snapshot_folder: PathBuf,
    message_since: Instant,
    own_shape: Option<Shape>,
    own_method: Option<Method>,
    /// The codec at the rate it had last.
    codec: Method,
    #[cfg(unix)]
    continued: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Panel {
    fn new(options: &ScreenOptions) -> Self {
        Self {
            view: View::blank(options.charset),
            snapshot_folder: options.snapshot_folder.to_path_buf(),
            message_since: Instant::now(),
            own_shape: None,
            own_method: None,
            codec: codec_at(64.0),
            #[cfg(unix)]
            continued: note_continuation(),
        }
    }

    /// True once after the program was stopped from outside and goes on: the shell has changed the terminal meanwhile.
    fn was_stopped(&self) -> bool {
        #[cfg(unix)]
        return self.continued.swap(false, std::sync::atomic::Ordering::Relaxed);
        #[cfg(not(unix))]
        false
    }

    /// Takes in what is to be seen.
    fn look(&mut self, deck: &Deck) {
        let view = &mut self.view;
        view.status = deck.status();
        view.settings = deck.settings().clone();
        view.monitor = deck.monitor();
        view.sample_rate_hz = f64::from(deck.rates().output_hz());
        view.n_channels = deck.rates().n_channels();
        view.noise_bandwidth_hz = deck.noise_bandwidth_hz();
        if !view.is_frozen {
            view.reading = deck.reading();
        }
        if view.message.is_some() && self.message_since.elapsed() > MESSAGE {
            view.message = None;
        }
    }

    fn act(&mut self, action: Action, deck: &mut Deck) {
        let recipe = deck.settings().recipe().clone();
        match action {
            Action::MoreBits => self.set(deck, finer(&recipe)),
            Action::FewerBits => self.set(deck, coarser(&recipe)),
            Action::NextDither => {
                let now = deck.settings().dither();
                self.set(deck, Recipe { dither: next(&DITHERS, |d| *d == now).into(), ..recipe });
            }
            Action::NextShape => {
                let shape = self.next_shape(&recipe.shape);
                self.set(deck, Recipe { shape, ..recipe });
            }
            Action::NextMethod => {
                let method = self.next_method(&recipe.method, deck.rates().output_hz());
                self.set(deck, with_method(&recipe, method));
            }
            Action::SwitchMonitor => deck.listen_to(match deck.monitor() {
                Monitor::Input => Monitor::Quantized,
                Monitor::Quantized => Monitor::Input,
            }),
            Action::TogglePeaks => self.view.holds_peaks = !self.view.holds_peaks,
            Action::Freeze => self.view.is_frozen = !self.view.is_frozen,
            Action::ClearHolds => deck.clear_holds(),
            Action::Help => self.view.shows_help = !self.view.shows_help,
            Action::Snapshot => self.say(match snapshot::write(&self.view, &self.snapshot_folder) {
                Ok(path) => format!("wrote {} and .csv", path.display()),
                Err(error) => format!("not written: {error}"),
            }),
            Action::Suspend | Action::Quit | Action::Interrupt => {}
        }
    }

    fn set(&mut self, deck: &mut Deck, recipe: Recipe) {
        if let Err(error) = deck.set(recipe) {
            self.say(error.to_string());
        }
    }

    fn say(&mut self, message: String) {
        self.view.message = Some(message);
        self.message_since = Instant::now();
    }

    /// The shapes go round: none, the differences, ear, auto, and the one given on the command line.
    fn next_shape(&mut self, now: &Shape) -> Shape {
        if !SHAPES.contains(now) {
            self.own_shape = Some(now.clone());
        }
        let shapes: Vec<Shape> = SHAPES.into_iter().chain(self.own_shape.clone()).collect();
        next(&shapes, |shape| shape == now)
    }

    /// The methods go round: those with a formula, levels learnt from the input, the codec where it has the sample
    /// rate, and the codebook given on the command line.
    fn next_method(&mut self, now: &Method, rate_hz: u32) -> Method {
        match now {
            Method::File(_) => self.own_method = Some(now.clone()),
            Method::Codec(_) => self.codec = now.clone(),
            _ => {}
        }
        let mut methods: Vec<Method> = METHODS.map(Method::Named).to_vec();
        methods.extend(CODEC_RATES_HZ.contains(&rate_hz).then(|| self.codec.clone()));
        methods.extend(self.own_method.clone());
        next(&methods, |method| method == now)
    }
}

/// The methods in the order in which `m` takes them.
const METHODS: [NamedMethod; 5] =
    [NamedMethod::Uniform, NamedMethod::MidRise, NamedMethod::MuLaw, NamedMethod::ALaw, NamedMethod::LloydMax];

/// The shapes in the order in which `s` takes them.
const SHAPES: [Shape; 5] = [Shape::None, Shape::FirstOrder, Shape::SecondOrder, Shape::Ear, Shape::Auto];

/// The dithers in the order in which `d` takes them.
const DITHERS: [Dither; 6] = [
    Dither::None,
    Dither::Rectangular,
    Dither::Triangular,
    Dither::HighPassTriangular,
    Dither::Gaussian,
    Dither::Subtractive,
];

/// The one after the one that `is_now`, in a ring.
fn next<T: Clone>(ring: &[T], is_now: impl Fn(&T) -> bool) -> T {
    let now = ring.iter().position(is_now).unwrap_or(ring.len() - 1);
    ring[(now + 1) % ring.len()].clone()
}

#[cfg(unix)]
fn note_continuation() -> std::sync::Arc<std::sync::atomic::AtomicBool> {
    let continued = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    // Without the handler a stopped program comes back to a torn screen, no worse.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGCONT, continued.clone());
    continued
}

impl View {
    /// Before the first look.
    fn blank(charset: Charset) -> Self {
        let silent = sqnr::live::Level {
            rms_dbfs: f64::NEG_INFINITY,
            peak_dbfs: f64::NEG_INFINITY,
            hold_dbfs: f64::NEG_INFINITY,
        };
        Self {
            reading: Reading {
                input: silent,
                output: silent,
                signal_power: 0.0,
                snr_db: None,
                snr_mean_db: None,
                clipped_samples: 0,
                spectra: sqnr::live::Spectra::default(),
                cloud: Vec::new(),
                n_frames: 0,
            },
            status: Status {
                state: State::Running,
                dropouts: sqnr::live::Dropouts::default(),
                latency_s: None,
                chain_delay_s: 0.0,
                bitrate_kbps: None,
                drift_ppm: None,
                block_frames: (None, None),
                reserve_frames: None,
                clipped_output_samples: 0,
                is_silent: false,
                recorded_frames: None,
            },
            settings: Settings::new(&Recipe::default(), sqnr::live::DEFAULT_RATE_HZ, &[])
                .expect("eight bits are legal"),
            monitor: Monitor::Quantized,
            sample_rate_hz: f64::from(sqnr::live::DEFAULT_RATE_HZ),
            n_channels: 2,
            noise_bandwidth_hz: 1.0,
            charset,
            holds_peaks: false,
            is_frozen: false,
            shows_help: false,
            message: None,
        }
    }
}

#[cfg(test)]
mod tests;
