//! G.711 encoding of slices.

use super::dispatch::{Kernel, dispatch};
use crate::quantizer::g711::Rule;

struct Encode<'a> {
    rule: &'a Rule,
    samples: &'a [i16],
    codes: &'a mut [u8],
}

impl Kernel for Encode<'_> {
    #[inline(always)]
    fn run(self) {
        let rule = *self.rule;
        for (code, &sample) in self.codes.iter_mut().zip(self.samples) {
            *code = rule.encode(sample);
        }
    }
}

/// The codes of `samples`, as many as there are codes.
pub(crate) fn encode(rule: &Rule, samples: &[i16], codes: &mut [u8]) {
    dispatch(Encode { rule, samples, codes });
}
