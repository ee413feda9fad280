//! A converter with the faults of real ones: what the model puts in, the meters of `analysis` find again.
//!
//! ```text
//! x -> up -> sampling instant (jitter, skew) -> hold -> lane (gain, offset) -> polynomial -> + noise -> code -> level -> down
//! ```
//!
//! Source: IEEE Std 1241-2010, clauses 4 and 12, for the faults and their names.

mod converter;
mod decision;
mod overlap;
mod random;
mod spec;

pub use converter::{Channel, Converter};
pub use spec::{Lane, Spec, Transfer};
