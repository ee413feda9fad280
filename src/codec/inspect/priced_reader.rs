//! Reads the frames of a file with the price of each band.

use crate::{
    Result,
    codec::format::{
        container::{GroupHeader, Header, Record, RecordReader, malformed},
        frame::Frame,
        frame_coder::{FrameCoder, Part},
        syntax::{Layout, Syntax},
        synthesis::{GroupSamples, Synthesis},
    },
    range_coder::{BitCoder, BitCounter, Decoder},
};
use std::{io::Read, sync::Arc};

/// The price of a superframe, in bits.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Price {
    /// For each channel, for each band of all blocks in order.
    pub bands: Vec<Vec<f64>>,
    /// Trees, mid/side flags, noise exponents, sentinels.
    pub common: f64,
}

/// One superframe: its integers, their price, and the coefficients they stand for.
#[derive(Debug, Clone)]
pub(crate) struct PricedFrame {
    /// Its integers.
    pub frame: Frame,
    /// Its price.
    pub price: Price,
    /// For each channel the coefficients of all blocks in order, left and right even where mid/side was coded.
    pub coefficients: Vec<Vec<f32>>,
}

/// Reads a file superframe by superframe.
pub(crate) struct PricedReader<R> {
    records: RecordReader<R>,
    header: Header,
    layout: Arc<Layout>,
    syntax: Syntax,
    synthesis: Synthesis,
    samples: GroupSamples,
    frame: Frame,
}

impl<R: Read> PricedReader<R> {
    /// A reader at the first superframe.
    ///
    /// # Errors
    /// `Unsupported` when `file` is another format or version, `Malformed` for a damaged header, `Io`.
    pub(crate) fn new(file: R) -> Result<Self> {
        let mut records = RecordReader::new(file);
        let header = records.header()?;
        let layout = Arc::new(header.layout());
        Ok(Self {
            records,
            syntax: Syntax::new(Arc::clone(&layout)),
            synthesis: Synthesis::new(&header, Arc::clone(&layout)),
            samples: GroupSamples::default(),
            frame: layout.new_frame(),
            layout,
            header,
        })
    }

    /// The header of the file.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// The constants of the file.
    pub(crate) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Calls `visit` with every superframe in order.
    ///
    /// # Errors
    /// `Malformed` naming the group when the file is damaged, `Io`, and those of `visit`.
    pub(crate) fn each_superframe(&mut self, mut visit: impl FnMut(PricedFrame) -> Result<()>) -> Result<()> {
        let mut payload = Vec::new();
        let mut number = 0;
        loop {
            let at_byte = self.records.position();
            let damaged = || malformed(format!("group {number} is damaged; sqnr verify says more"), at_byte);
            match self.records.record()? {
                Record::End => return Ok(()),
                Record::Group(group) if group.number == number && group.is_plausible(&self.header) => {
                    self.records.read_payload(group, &mut payload)?.ok_or_else(damaged)?;
                    self.read_group(group, &payload, &mut visit)?.ok_or_else(damaged)?;
                    number += 1;
                }
                _ => return Err(damaged()),
            }
        }
    }

    /// `None` when the payload makes no sense.
    fn read_group(
        &mut self,
        group: GroupHeader,
        payload: &[u8],
        visit: &mut impl FnMut(PricedFrame) -> Result<()>,
    ) -> Result<Option<()>> {
        self.syntax.reset();
        self.synthesis.start_group(group.number, &mut self.samples);
        let n_bands = self.layout.tables.most_bands();
        let n_channels = usize::from(self.header.channels);
        let mut bits = PricedDecoder::new(payload);
        for _ in 0..(group.samples as usize).div_ceil(self.layout.superframe_samples) {
            bits.price = Price { bands: vec![vec![0.0; n_bands]; n_channels], common: 0.0 };
            if self.syntax.code(&mut bits, &mut self.frame).is_err() || bits.inner.is_past_end() {
                return Ok(None);
            }
            bits.end_part();
            let (frame, price) = (self.frame.clone(), std::mem::take(&mut bits.price));
            visit(PricedFrame { frame, price, coefficients: self.coefficients() })?;
        }
        Ok(Some(()))
    }

    fn coefficients(&mut self) -> Vec<Vec<f32>> {
        let layout = Arc::clone(&self.layout);
        self.samples.channels.iter_mut().for_each(|x| {
            x.clear();
            x.resize(layout.superframe_samples, 0.0);
        });
        for (element, frame) in layout.elements.iter().zip(&self.frame.elements) {
            self.synthesis.reconstruct(frame, element.channels(), &mut self.samples);
        }
        self.samples.channels.clone()
    }
}

/// A decoder that adds up the price of each part.
struct PricedDecoder<'a> {
    inner: Decoder<'a>,
    counter: BitCounter,
    /// The counter when the part began.
    bits_before: f64,
    price: Price,
    /// Channel and first band of the block, and the band.
    block: (usize, usize),
    band: Option<usize>,
}

impl<'a> PricedDecoder<'a> {
    fn new(payload: &'a [u8]) -> Self {
        let (inner, counter) = (Decoder::new(payload), BitCounter::default());
        Self { inner, counter, bits_before: 0.0, price: Price::default(), block: (0, 0), band: None }
    }

    /// Adds the bits since the part began to its price.
    fn end_part(&mut self) {
        let bits = self.counter.bits();
        let (channel, first_band) = self.block;
        let price = match self.band {
            Some(band) => &mut self.price.bands[channel][first_band + band],
            None => &mut self.price.common,
        };
        *price += bits - self.bits_before;
        self.bits_before = bits;
    }
}

impl BitCoder for PricedDecoder<'_> {
    fn bit(&mut self, p_one: u32, bit: bool) -> bool {
        let bit = self.inner.bit(p_one, bit);
        self.counter.bit(p_one, bit)
    }

    fn bypass(&mut self, n_bits: u32, value: u32) -> u32 {
        let value = self.inner.bypass(n_bits, value);
        self.counter.bypass(n_bits, value)
    }
}

impl FrameCoder for PricedDecoder<'_> {
    fn begin(&mut self, part: Part) {
        self.end_part();
        match part {
            Part::Common => self.band = None,
            Part::Block { channel, first_band } => (self.block, self.band) = ((channel, first_band), None),
            Part::Band(band) => self.band = Some(band),
        }
    }
}
