//! Reads the golden values that the tests of this folder compare with.

use super::Density;

/// The files' own name of a density.
pub(crate) fn name(density: Density) -> &'static str {
    match density {
        Density::Gaussian => "gauss",
        Density::Exponential => "expon",
        other => other.name(),
    }
}

/// Fields of each row of `testdata/golden/design/FILE` but the header.
pub(crate) fn fields(file: &str) -> Vec<Vec<String>> {
    let path = format!("{}/testdata/golden/design/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// The rows as numbers.
pub(crate) fn rows(file: &str) -> Vec<Vec<f64>> {
    let number = |field: &String| field.parse().unwrap_or_else(|_| panic!("{file}: no number: {field}"));
    fields(file).iter().map(|row| row.iter().map(number).collect()).collect()
}
