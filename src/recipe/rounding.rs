//! How `uniform` rounds.

use super::Word;
use crate::quantizer::Rounding;

impl Word for Rounding {
    const FIELD: &'static str = "rounding";
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("half-up", Self::HalfUp, "Nearest, ties upwards"),
        ("half-even", Self::HalfEven, "Nearest, ties to the even code: numpy, rint"),
        ("truncate", Self::Truncate, "Downwards: bits of two's complement dropped"),
        ("toward-zero", Self::TowardZero, "Toward zero: a cast of C"),
    ];
}
