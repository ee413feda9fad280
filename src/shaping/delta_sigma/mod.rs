//! Delta-sigma modulation: few levels at many times the rate, with the noise moved out of the signal's band.
//!
//! ```text
//! u --->(+)---> y --->[quantizer]---+---> v        V = U + NTF E,   e = v - y
//!        ^                          |
//!        +-- NTF(z) - 1 <-- e <-----+
//! ```
//!
//! Sources: R. Schreier, G. C. Temes, Understanding Delta-Sigma Data Converters, 2005, chapter 4; S. Norsworthy,
//! R. Schreier, G. Temes (ed.), Delta-Sigma Data Converters, 1997; for the look-ahead search P. Harpe, D. Reefman,
//! E. Janssen, Efficient trellis-type sigma-delta modulator, AES preprint 5845, 2003.

mod measure;
mod modulator;
mod ntf;
mod rate_change;
mod trellis;

pub use measure::{ToneResult, in_band_sqnr_db, sweep_tone};
pub use modulator::Modulator;
pub use ntf::{Ntf, NtfSpec, ZeroPlacement};
pub use rate_change::{Decimator, Interpolator, RateStream, STOP_BAND};
pub use trellis::{TrellisModulator, TrellisOptions};
