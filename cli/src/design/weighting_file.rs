//! A weighting of the user's own: a text file of frequencies and weights.
//!
//! ```text
//! # Hz, dB
//! 100, -19.1
//! 1000, 0
//! 10000, -2.5
//! ```

use std::{fs, path::Path};

use sqnr::shaping::weighting::Weighting;

use crate::identity;

/// Largest file: more points than any curve has.
const MAX_BYTES: u64 = 1 << 20;

/// A named weighting, or the curve in the file of that name.
pub fn parse(text: &str) -> Result<(String, Weighting), String> {
    match Weighting::parse(text) {
        Ok(weighting) => Ok((text.to_ascii_lowercase(), weighting)),
        Err(_) if Path::new(text).is_file() => curve_file(Path::new(text)).map(|curve| (text.to_owned(), curve)),
        Err(error) => Err(format!("{error}, or a FILE of lines HZ,DB")),
    }
}

fn curve_file(path: &Path) -> Result<Weighting, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_BYTES {
        return Err(format!("{size} bytes are too many for a curve; the limit is {MAX_BYTES}"));
    }
    identity::note_input(path);
    let curve = curve(&fs::read_to_string(path).map_err(|error| error.to_string())?)?;
    // What is wrong with the curve itself shows when it is used.
    curve.db(&[1000.0]).map_err(|error| error.to_string())?;
    Ok(curve)
}

/// A point a line, the two numbers apart by a comma, a semicolon or space; `#` begins a remark.
fn curve(text: &str) -> Result<Weighting, String> {
    let mut points = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or("");
        let fields: Vec<&str> =
            line.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|f| !f.is_empty()).collect();
        let point: Option<(f64, f64)> = match fields[..] {
            [] => continue,
            [hz, db] => hz.parse().ok().zip(db.parse().ok()),
            _ => None,
        };
        points.push(point.ok_or_else(|| format!("line {number} is not a point HZ,DB"))?);
    }
    Ok(Weighting::Curve(points))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_and_remarks_are_not() {
        let points = vec![(100.0, -19.1), (1000.0, 0.0), (1e4, -2.5)];
        assert_eq!(curve("# Hz, dB\n100, -19.1\n\n1000\t0 # here\n10000;-2.5"), Ok(Weighting::Curve(points)));
        for wrong in ["100", "1,2,3", "a,b", "100 dB"] {
            assert!(curve(&format!("1,0\n{wrong}")).expect_err(wrong).contains("line 2"), "{wrong}");
        }
    }
}
