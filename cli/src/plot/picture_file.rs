//! The files of a picture: SVG or PNG by the name's ending, the numbers as CSV.

use std::path::Path;

use clap::{Args, ValueEnum};

use sqnr::report::plot::{Chart, Size, Style, Theme};

use super::super::{
    exit::{Failure, display_path},
    outputs::{self, Existing, Output},
    sink,
};

/// How a picture is drawn and written.
#[derive(Debug, Args)]
pub struct PictureArgs {
    /// Also write the numbers, to a file of the same name ending in .csv
    #[arg(long)]
    csv: bool,
    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "960x600", value_parser = parse_size)]
    size: Size,
    /// Colours
    #[arg(long, value_name = "THEME", default_value = "light")]
    theme: ThemeName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ThemeName {
    Light,
    Dark,
}

fn parse_size(text: &str) -> Result<Size, String> {
    text.parse().map_err(|error: sqnr::Error| error.to_string())
}

/// What a name's ending asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Svg,
    Png,
    Csv,
}

impl Form {
    pub fn of(output: &Output) -> Result<Self, Failure> {
        let Output::File(path) = output else { return Ok(Self::Svg) };
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        match ending.as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            Some("csv") => Ok(Self::Csv),
            _ => Err(Failure::usage(format!("{}: pictures end in .svg or .png, numbers in .csv", display_path(path)))),
        }
    }
}

/// Writes the picture, and the numbers when asked for; returns the names.
pub fn write(args: &PictureArgs, chart: &Chart, output: &Output, existing: Existing) -> Result<Vec<String>, Failure> {
    let theme = match args.theme {
        ThemeName::Light => Theme::Light,
        ThemeName::Dark => Theme::Dark,
    };
    let style = Style { theme, size: args.size };
    let failed = |error: sqnr::Error| Failure::output(Path::new(&output.display()), error);
    let bytes = match Form::of(output)? {
        Form::Svg => chart.draw(style).svg().into_bytes(),
        Form::Png => chart.draw(style).png().map_err(failed)?,
        Form::Csv => csv(chart).map_err(failed)?,
    };
    let mut written = vec![output.display()];
    if let (true, Output::File(path)) = (args.csv && Form::of(output)? != Form::Csv, output) {
        let beside = Output::File(path.with_extension("csv"));
        outputs::clearance(&beside, existing)?;
        sink::write_bytes(&beside, existing, &csv(chart).map_err(failed)?)?;
        written.push(beside.display());
    }
    sink::write_bytes(output, existing, &bytes)?;
    Ok(written)
}

fn csv(chart: &Chart) -> sqnr::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    chart.write_csv(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_which_form() {
        assert_eq!(Form::of(&Output::File("a.PNG".into())).ok(), Some(Form::Png));
        assert!(Form::of(&Output::File("a.pdf".into())).is_err());
    }
}
