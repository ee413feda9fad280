//! A converter with the faults of real ones: what the model puts in, the meters of `analysis` find again.
//!
//! ```text
//! x -> sampling instant (jitter, skew) -> lane (gain, offset) -> polynomial -> + noise -> clip -> code -> level
//! ```
//!
//! Source: IEEE Std 1241-2010, clauses 4 and 12, for the faults and their names.

mod converter;
mod spec;

pub use converter::Converter;
pub use spec::{Lane, Spec};
