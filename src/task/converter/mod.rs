//! Converters: what a described one makes of a signal, and how faulty one is that gave a record.
//!
//! ```text
//! audio -> described converter (adc) -> convert -> samples out, their error
//! record of a known stimulus -> test_converter -> fit, tone, jitter, DNL and INL ... of each channel
//! ```

mod coding;
mod model;
mod record;
mod test;

pub use coding::{CodeNumbers, CodeOptions, Justification};
pub use model::{Converted, convert};
pub use record::{ConverterRecord, MAX_BITS as MAX_CONVERTER_BITS};
pub use test::{ConverterStimulus, ConverterTest, ConverterTestOptions, TestedChannel, test_converter};
