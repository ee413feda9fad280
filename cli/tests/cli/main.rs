//! The command line tested as a program: arguments in; files, output and exit code out.

mod adc;
mod analyze;
mod bad_input;
mod batch;
mod codec;
mod coded;
mod coders;
mod compare;
mod definitions;
mod demo;
mod design;
#[cfg(unix)]
mod faults;
mod full_disk;
mod generate;
mod help;
mod hostile;
mod info;
mod number_format;
mod pcm;
mod plot;
mod quantize;
mod recipe;
mod report;
#[cfg(feature = "serve")]
mod serve;
mod shaping;
mod support;
mod sweep;
mod unmeasurable;
