//! Bits per coefficient chosen by hand, for bands of one ERB.

use crate::{
    Error, Result,
    codec::format::bands::{Band, erb_number},
};

/// Bands of one ERB that a table can name: z = 0..40 reaches 16.7 kHz.
pub const MOST_BANDS: usize = 40;
/// The most bits per coefficient.
const MOST_BITS: f32 = 24.0;

/// Bits per coefficient for bands of one ERB from 0 Hz on.
///
/// A band of rms r with B bits has the step size `r sqrt(12) 2^-B`: its noise, step^2/12, lies 6.02 B dB
/// under the signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BitTable {
    bits: [f32; MOST_BANDS],
}

/// The numbers of bits with commas between them, up to the last band that has any.
impl std::fmt::Display for BitTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let n_bands = self.bits.iter().rposition(|&bits| bits != 0.0).map_or(1, |last| last + 1);
        let bits: Vec<String> = self.bits[..n_bands].iter().map(f32::to_string).collect();
        f.write_str(&bits.join(","))
    }
}

impl BitTable {
    /// A table of at most [`MOST_BANDS`] bands; other bands get none.
    ///
    /// # Errors
    /// `InvalidParameter` for an empty table, for too many bands, and for bits outside 0 to 24.
    pub fn new(bits: &[f32]) -> Result<Self> {
        if bits.is_empty() || bits.len() > MOST_BANDS {
            return Err(Error::invalid("number of bands", bits.len(), format!("1 to {MOST_BANDS}")));
        }
        if let Some(wrong) = bits.iter().find(|b| !(0.0..=MOST_BITS).contains(*b)) {
            return Err(Error::invalid("bits per coefficient", wrong, format!("0 to {MOST_BITS}")));
        }
        let mut table = Self { bits: [0.0; MOST_BANDS] };
        table.bits[..bits.len()].copy_from_slice(bits);
        Ok(table)
    }

    /// Bits per coefficient at a frequency.
    pub fn bits_at(&self, f_hz: f64) -> f32 {
        self.bits.get(erb_number(f_hz as f32) as usize).copied().unwrap_or(0.0)
    }

    /// log2 of the noise power per coefficient of band `band` with coefficients `x`; bands without bits may be all
    /// noise.
    pub(super) fn log2_noise(&self, band: &Band, x: &[f32]) -> f32 {
        // cells are half an ERB wide
        match self.bits.get(band.cell / 2) {
            Some(&bits) if bits > 0.0 => {
                let power = x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32;
                power.max(f32::MIN_POSITIVE).log2() - 2.0 * bits
            }
            _ => f32::from(i8::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{EncoderOptions, InMemory, Target, encode};
    use std::io::Cursor;

    #[test]
    fn tables_out_of_range_are_refused() {
        for bits in [&[][..], &[1.0; 41], &[-0.1], &[24.1], &[f32::NAN]] {
            assert!(BitTable::new(bits).is_err(), "{bits:?}");
        }
        let table = BitTable::new(&[1.0, 2.0]).expect("legal");
        assert_eq!((table.bits_at(0.0), table.bits_at(50.0), table.bits_at(5_000.0)), (1.0, 2.0, 0.0));
    }

    /// White noise: each band has the SNR of its bits, within half of the 3 dB in which steps come; entropy coding of a
    /// Gaussian at that step takes a quarter of a bit more (Gish and Pierce, 1968).
    #[test]
    fn bands_get_the_signal_to_noise_ratio_of_their_bits() {
        let mut noise = crate::codec::format::noise::Noise::new(11, 0);
        let mut gaussian = || (0..12).map(|_| noise.next_uniform()).sum::<f32>() * 0.03;
        let channels = [(0..200_000).map(|_| gaussian()).collect::<Vec<f32>>()];
        let table = BitTable::new(&[5.0; MOST_BANDS]).expect("legal");
        let options = EncoderOptions { target: Target::BitsPerBand(table), ..EncoderOptions::new(48_000, 1) };
        let (mut file, mut scratch) = (Vec::new(), Cursor::new(Vec::new()));
        let encoded = encode(&mut InMemory::new(&channels), &mut file, &mut scratch, &options).expect("legal");
        let allocation = encoded.allocation.expect("measured");
        let total = allocation.total();
        for ((_, high), band) in
            allocation.bands_hz.iter().zip(&total.bands).filter(|((low, high), _)| *low > 500.0 && *high < 16_000.0)
        {
            let snr_db = band.snr_db().expect("noise");
            assert!((snr_db - 30.1).abs() < 1.7, "{high} Hz: {snr_db} dB");
            let bits = band.bits_per_coefficient();
            // levels, and models that still learn, take what is above
            assert!((5.1..6.3).contains(&bits), "{high} Hz: {bits} bits");
        }
        assert_eq!(total.bands.last().expect("a band").empty_share(), 1.0);
    }
}
