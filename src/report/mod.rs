//! Measured results in the forms people read: tables, pictures.
//!
//! A report computes nothing. It takes the plain structs of the rooms below and writes them down.

#[cfg(feature = "plot")]
#[doc(hidden)]
pub mod escape;
#[cfg(all(feature = "json", feature = "plot"))]
pub mod html;
#[cfg(feature = "plot")]
pub mod plot;
pub mod table;
