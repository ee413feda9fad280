//! One tensor through a number format, in blocks of its file.
//!
//! ```text
//! pass 1: not finite, largest    passes 2, 3: calibration, where one scale serves all    last pass: round, write, compare
//! ```

use std::io::{Read, Seek, Write};

use super::TensorFigures;
use crate::{
    Error, Result,
    number_format::{
        Affine, AffineOptions, Granularity, NumberFormat, Tally,
        calibration::Calibrator,
        tensor_file::{Array, MAX_TENSOR_BYTES, Member, MemberBytes, TensorReader, TensorWriter},
    },
};

/// Bytes read at a time, a multiple of every value's.
pub(super) const BLOCK_BYTES: usize = 1 << 18;
/// Longest channel that is held to find its scale.
const MOST_OF_CHANNEL: u64 = 1 << 20;

/// Rounds an array into the writer, its head before it; returns what that came to.
pub(super) fn round<R: Read + Seek, W: Write + Seek>(
    reader: &TensorReader<R>,
    member: &Member,
    array: &Array,
    format: &NumberFormat,
    writer: &mut TensorWriter<W>,
) -> Result<TensorFigures> {
    let mut figures = TensorFigures { name: member.name.clone(), n_values: array.len(), ..TensorFigures::default() };
    let values = Values { reader, member, array };
    match Rows::of(format, array) {
        Some(rows) => values.round_in_blocks(&rows, writer, &mut figures)?,
        None => values.round_whole(format, writer, &mut figures)?,
    }
    Ok(figures)
}

/// How values lie in rows, and what shares a scale.
struct Rows {
    /// Values of a row, and those of it that must be rounded together.
    len: u64,
    block_len: u64,
    rule: Rule,
}

enum Rule {
    /// Each block of a row by itself.
    Blocks(NumberFormat),
    /// A scale for each row, found before.
    Scales(AffineOptions),
}

impl Rows {
    /// `None` where neighbours in the file are none in the tensor, and that matters.
    fn of(format: &NumberFormat, array: &Array) -> Option<Self> {
        let n = array.len().max(1);
        let last = array.shape.last().map_or(1, |&n| n as u64).max(1);
        let blocks =
            |len, block_len: u64, format| Self { len, block_len: block_len.min(len), rule: Rule::Blocks(format) };
        match *format {
            NumberFormat::Affine(options) => match options.granularity {
                Granularity::Tensor => Some(Self { len: n, block_len: 1, rule: Rule::Scales(options) }),
                _ if array.is_fortran() => None,
                Granularity::Group { len } => Some(blocks(last, len as u64, *format)),
                Granularity::Channel { axis: 0 } if array.shape.len() > 1 => {
                    let len = n / array.shape[0].max(1) as u64;
                    Some(match len <= MOST_OF_CHANNEL {
                        true => {
                            let granularity = Granularity::Group { len: len as usize };
                            blocks(len, len, NumberFormat::Affine(AffineOptions { granularity, ..options }))
                        }
                        false => Self { len, block_len: 1, rule: Rule::Scales(options) },
                    })
                }
                Granularity::Channel { .. } => None,
            },
            _ if format.block_len() == 1 => Some(blocks(n, 1, *format)),
            _ if array.is_fortran() => None,
            _ => Some(blocks(last, format.block_len() as u64, *format)),
        }
    }
}

/// The values of a member, read as often as they must be.
struct Values<'a, R> {
    reader: &'a TensorReader<R>,
    member: &'a Member,
    array: &'a Array,
}

/// What stands for values that are not finite.
#[derive(Default)]
struct Survey {
    n_not_finite: u64,
    largest: f64,
}

impl Survey {
    fn clean(&self, x: f64) -> f64 {
        match x {
            x if x.is_nan() => 0.0,
            x if x.is_infinite() => self.largest.copysign(x),
            x => x,
        }
    }
}

impl<R: Read + Seek> Values<'_, R> {
    /// The bytes of the values, behind the head, which is handed to `head`.
    fn open(&self, mut head: impl FnMut(&[u8]) -> Result<()>) -> Result<MemberBytes<'_>> {
        let mut bytes = self.reader.read(self.member);
        let mut left = self.member.head_len as usize;
        let mut block = vec![0; left.min(BLOCK_BYTES)];
        while left > 0 {
            let wanted = left.min(block.len());
            let n = bytes.fill(&mut block[..wanted])?;
            if n == 0 {
                return Err(self.cut());
            }
            head(&block[..n])?;
            left -= n;
        }
        Ok(bytes)
    }

    fn cut(&self) -> Error {
        let what = format!("'{}' ends within its values", self.member.name.escape_debug());
        Error::Malformed { what, at_byte: 0 }
    }

    /// Hands over all values in the order of the file; gives back what follows them.
    fn each_block(&self, bytes: &mut MemberBytes<'_>, mut take: impl FnMut(Vec<f64>) -> Result<()>) -> Result<()> {
        let mut left = self.array.len() * self.array.size() as u64;
        let mut block = vec![0; BLOCK_BYTES];
        while left > 0 {
            let wanted = left.min(BLOCK_BYTES as u64) as usize;
            let n = bytes.fill(&mut block[..wanted])?;
            if n < wanted {
                return Err(self.cut());
            }
            take(self.array.values(&mut block[..n])?)?;
            left -= n as u64;
        }
        Ok(())
    }

    fn survey(&self) -> Result<Survey> {
        let mut survey = Survey::default();
        let mut bytes = self.open(|_| Ok(()))?;
        self.each_block(&mut bytes, |x| {
            for x in x {
                match x.is_finite() {
                    true => survey.largest = survey.largest.max(x.abs()),
                    false => survey.n_not_finite += 1,
                }
            }
            Ok(())
        })?;
        Ok(survey)
    }

    /// The scale of each row.
    fn calibrate(&self, options: &AffineOptions, row_len: u64, survey: &Survey) -> Result<Vec<Affine>> {
        let n_rows = (self.array.len().max(1) / row_len) as usize;
        let mut calibrators =
            (0..n_rows).map(|_| Calibrator::new(options, n_rows)).collect::<Result<Vec<Calibrator>>>()?;
        loop {
            let mut at = 0;
            let mut bytes = self.open(|_| Ok(()))?;
            self.each_block(&mut bytes, |mut x| {
                x.iter_mut().for_each(|x| *x = survey.clean(*x));
                let mut rest = &x[..];
                while !rest.is_empty() {
                    let n = rest.len().min((row_len - at % row_len) as usize);
                    calibrators[(at / row_len) as usize].observe(&rest[..n]);
                    at += n as u64;
                    rest = &rest[n..];
                }
                Ok(())
            })?;
            let again: Vec<bool> = calibrators.iter_mut().map(Calibrator::begin_pass).collect();
            if !again.contains(&true) {
                return calibrators.into_iter().map(Calibrator::affine).collect();
            }
        }
    }

    fn round_in_blocks<W: Write + Seek>(
        &self,
        rows: &Rows,
        writer: &mut TensorWriter<W>,
        figures: &mut TensorFigures,
    ) -> Result<()> {
        let survey = self.survey()?;
        figures.n_not_finite = survey.n_not_finite;
        let scales = match &rows.rule {
            Rule::Blocks(_) => Vec::new(),
            Rule::Scales(options) => self.calibrate(options, rows.len, &survey)?,
        };
        let mut pending = Pending { rows, scales: &scales, survey: &survey, x: Vec::new(), at: 0 };
        let mut bytes = self.open(|head| writer.write(head))?;
        self.each_block(&mut bytes, |x| {
            pending.x.extend(x);
            let (x, y) = pending.round(&mut figures.tally)?;
            self.write(&x, &y, writer, figures)
        })?;
        if let Rule::Scales(options) = &rows.rule {
            let n_scales = if figures.n_values == 0 { 0 } else { scales.len() };
            figures.tally.n_bits += f64::from(options.kind.bits()) * figures.n_values as f64
                + f64::from(32 + options.kind.bits()) * n_scales as f64;
        }
        super::copy(bytes, writer)
    }

    /// Writes rounded values in the tensor's own type, and measures what is written.
    fn write<W: Write + Seek>(
        &self,
        x: &[f64],
        y: &[f64],
        writer: &mut TensorWriter<W>,
        figures: &mut TensorFigures,
    ) -> Result<()> {
        let (bytes, written, n_beyond) = self.array.bytes(y)?;
        figures.n_beyond_type += n_beyond;
        figures.compare(x, &written);
        writer.write(&bytes)
    }

    /// All values at once, in the order of their indices.
    fn round_whole<W: Write + Seek>(
        &self,
        format: &NumberFormat,
        writer: &mut TensorWriter<W>,
        figures: &mut TensorFigures,
    ) -> Result<()> {
        let (array, n_bytes) = (self.array, self.array.len() * self.array.size() as u64);
        if n_bytes > MAX_TENSOR_BYTES {
            let (value, limit) = (n_bytes, MAX_TENSOR_BYTES);
            let what = "bytes of an array whose scales lie across its order";
            return Err(Error::LimitExceeded { what, value, limit });
        }
        let mut bytes = self.open(|head| writer.write(head))?;
        let mut data = vec![0; n_bytes as usize];
        if bytes.fill(&mut data)? < data.len() {
            return Err(self.cut());
        }
        let mut data = if array.is_fortran() { array.to_c(&data) } else { data };
        let x = array.values(&mut data)?;
        let shape = if array.shape.is_empty() { vec![1] } else { array.shape.clone() };
        let y = format.quantize(&x, &shape)?;
        figures.n_not_finite = y.n_not_finite as u64;
        figures.tally = Tally { n_bits: y.n_bits, n_clipped: y.n_clipped, n_clipped_blocks: y.n_clipped_blocks };
        let (data, written, n_beyond) = array.bytes(&y.values)?;
        figures.n_beyond_type = n_beyond;
        figures.compare(&x, &written);
        writer.write(&if array.is_fortran() { array.to_fortran(&data) } else { data })?;
        super::copy(bytes, writer)
    }
}

/// Values that were read, the first of which begins a block.
struct Pending<'a> {
    rows: &'a Rows,
    scales: &'a [Affine],
    survey: &'a Survey,
    x: Vec<f64>,
    /// Place of the first of them in the tensor.
    at: u64,
}

impl Pending<'_> {
    /// Takes out the values whose blocks are whole; gives them as read and rounded.
    fn round(&mut self, tally: &mut Tally) -> Result<(Vec<f64>, Vec<f64>)> {
        let mut y: Vec<f64> = self.x.iter().map(|&x| self.survey.clean(x)).collect();
        let mut start = 0;
        while start < y.len() {
            let row_left = self.rows.len - self.at % self.rows.len;
            let there = (y.len() - start) as u64;
            let n = if there >= row_left { row_left } else { there - there % self.rows.block_len };
            if n == 0 {
                break;
            }
            let stretch = &mut y[start..start + n as usize];
            match &self.rows.rule {
                Rule::Blocks(format) => format.round(stretch, tally)?,
                Rule::Scales(_) => self.scales[(self.at / self.rows.len) as usize].round(stretch, tally),
            }
            start += n as usize;
            self.at += n;
        }
        y.truncate(start);
        let rest = self.x.split_off(start);
        Ok((std::mem::replace(&mut self.x, rest), y))
    }
}
