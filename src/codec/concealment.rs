//! Concealment of lost superframes: noise with the band energies of the last whole superframe, 6 dB less with each
//! superframe, silence after four.

use super::{
    format::{
        frame::{BandCode, ElementFrame, Frame, LEVELS, SILENT, spans},
        reconstruction::amplitude,
        syntax::Layout,
        synthesis::Synthesis,
    },
    group_decoder::DecodedGroup,
};
use std::sync::Arc;

/// Superframes of fading noise.
const FADE_SUPERFRAMES: usize = 4;
/// 6 dB, in half octaves.
const FADE_STEP: i32 = 2;

/// Fills up groups that are not whole.
pub(super) struct Concealer {
    layout: Arc<Layout>,
    /// The last frame, whole or concealed; `None` before the first.
    last: Option<Frame>,
    /// Superframes concealed in a row.
    age: usize,
}

impl Concealer {
    /// Before the first group.
    pub(super) fn new(layout: Arc<Layout>) -> Self {
        Self { layout, last: None, age: 0 }
    }

    /// Appends what is missing of the next group, from its last whole frame or, when it has none, from the frame
    /// before.
    pub(super) fn fill_up(&mut self, group: &mut DecodedGroup, synthesis: &mut Synthesis) {
        if let Some(frame) = group.last_frame.take() {
            (self.last, self.age) = (Some(frame), 0);
        }
        for _ in group.n_whole..group.n_superframes {
            let frame = self.last.get_or_insert_with(|| self.layout.new_frame());
            conceal(frame, self.age, &self.layout);
            synthesis.append(frame, &mut group.samples);
            self.age += 1;
        }
    }
}

/// Turns the last whole frame into the `age`-th (from 0) frame after it.
fn conceal(frame: &mut Frame, age: usize, layout: &Layout) {
    for element in &mut frame.elements {
        if age == 0 {
            energies_to_levels(element, layout);
        }
        for code in element.channels.iter_mut().flat_map(|c| &mut c.bands) {
            let level = i32::from(code.level) - FADE_STEP;
            let is_audible = code.level != SILENT && age < FADE_SUPERFRAMES && level > *LEVELS.start();
            code.level = if is_audible { level as i8 } else { SILENT };
        }
    }
}

/// Makes every coded band an empty one of the same energy.
fn energies_to_levels(element: &mut ElementFrame, layout: &Layout) {
    for span in spans(&element.tree, &layout.tables, layout.superframe_samples) {
        for channel in &mut element.channels {
            let indices = &mut channel.indices[span.samples()];
            let codes = &mut channel.bands[span.band_range()];
            for (band, code) in span.bands.iter().zip(codes).filter(|(_, code)| !code.is_empty) {
                *code = BandCode::empty(level_of_rms(&indices[band.start..band.end], code.level));
            }
            indices.fill(0);
        }
    }
}

fn level_of_rms(indices: &[i32], level: i8) -> i8 {
    let energy: f64 = indices.iter().map(|&i| f64::from(i) * f64::from(i)).sum();
    let rms = f64::from(amplitude(level)) * (energy / indices.len() as f64).sqrt();
    if rms == 0.0 {
        return SILENT;
    }
    // an honest level is far inside the range
    (2.0 * rms.log2()).round().clamp(-95.0, 96.0) as i8
}
