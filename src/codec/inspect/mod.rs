//! Reports on files: what they hold, and what their bits bought.
//!
//! ```text
//! file     -> heads of the groups ---------------------> Contents
//! file     -> frames with the price of each band --+
//! original -> its coefficients and masks ----------+---> Allocation: bits, step, noise, mask by time and band
//! ```

pub(super) mod allocation;
pub(super) mod contents;
pub(super) mod priced_reader;
pub(super) mod spectrum_of_original;
