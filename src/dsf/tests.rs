use std::io::Cursor;

use super::*;

fn noise(n: usize, seed: u32) -> Vec<f64> {
    let mut state = seed;
    let mut bit = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if state >> 31 == 1 { 1.0 } else { -1.0 }
    };
    (0..n).map(|_| bit()).collect()
}

fn file(sample_rate_hz: u32, levels: &[Vec<f64>], block: usize) -> Vec<u8> {
    let spec = Spec { sample_rate_hz, n_channels: levels.len() };
    let mut writer = Writer::new(Cursor::new(Vec::new()), spec).expect("legal");
    for start in (0..levels[0].len()).step_by(block) {
        let parts: Vec<&[f64]> = levels.iter().map(|c| &c[start..c.len().min(start + block)]).collect();
        writer.write(&parts).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

fn levels(file: &[u8]) -> Result<Vec<Vec<f64>>> {
    let mut reader = Reader::new(file)?;
    let (mut all, mut block) = (vec![Vec::new(); reader.spec().n_channels], Vec::new());
    while reader.read(&mut block)? > 0 {
        all.iter_mut().zip(&block).for_each(|(all, block)| all.extend(block));
    }
    Ok(all)
}

#[test]
fn written_files_read_back() {
    for (n, block) in [(0, 1), (1, 1), (9, 4), (BLOCK_SAMPLES, 1 << 20), (BLOCK_SAMPLES + 3, 1000)] {
        let written = vec![noise(n, 1), noise(n, 2)];
        let file = file(2_822_400, &written, block);
        assert_eq!(file.len(), 92 + n.div_ceil(BLOCK_SAMPLES) * 2 * BLOCK);
        assert_eq!(file[12..20], (file.len() as u64).to_le_bytes());
        let reader = Reader::new(file.as_slice()).expect("own file");
        assert_eq!((reader.spec().sample_rate_hz, reader.n_samples()), (2_822_400, n as u64));
        assert!(levels(&file).expect("own file") == written, "{n}");
    }
}

#[test]
fn the_other_bit_order_and_longer_chunks_are_read() {
    let written = vec![noise(64, 3)];
    let plain = file(5_644_800, &written, 64);
    let mut other = plain.clone();
    other[28 + 32] = 8;
    other[92..100].iter_mut().for_each(|b| *b = b.reverse_bits());
    assert!(levels(&other).expect("legal") == written);
    let mut longer = plain;
    longer.splice(80..80, [0; 8]);
    longer[32] = 60;
    assert!(levels(&longer).expect("legal") == written);
}

#[test]
fn files_that_lie_are_errors() {
    let file = file(2_822_400, &[noise(100, 1)], 100);
    for len in 0..file.len() {
        assert!(levels(&file[..len]).is_err(), "{len}");
    }
    for at in 0..92 {
        for value in [0, 0x7f, 0xff] {
            let mut altered = file.clone();
            altered[at] = value;
            if let Ok(levels) = levels(&altered) {
                assert!(levels.iter().all(|c| c.len() <= BLOCK_SAMPLES), "{at} {value}");
            }
        }
    }
    let mut long = file;
    long[28 + 36..28 + 44].fill(0xff);
    assert!(matches!(levels(&long), Err(Error::Malformed { .. })));
}

#[test]
fn what_no_file_holds_is_refused() {
    let new = |sample_rate_hz, n_channels| Writer::new(Cursor::new(Vec::new()), Spec { sample_rate_hz, n_channels });
    assert!(new(0, 1).is_err() && new(1, 0).is_err() && new(1, 7).is_err());
    let mut writer = new(1, 2).expect("legal");
    assert!(writer.write(&[vec![]]).is_err() && writer.write(&[vec![], vec![1.0]]).is_err());
}
