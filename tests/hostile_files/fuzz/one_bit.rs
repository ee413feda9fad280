//! Any bytes as a DSF file: an error, or levels of one bit, no more than the bytes have.

use sqnr::dsf::Reader;

pub fn run(bytes: &[u8]) {
    let Ok(mut reader) = Reader::new(bytes) else { return };
    let (mut levels, mut n_samples) = (Vec::new(), 0);
    while let Ok(n @ 1..) = reader.read(&mut levels) {
        n_samples += n as u64;
        assert!(levels.iter().all(|channel| channel.len() == n && channel.iter().all(|v| v.abs() == 1.0)));
    }
    assert!(n_samples <= reader.n_samples() && n_samples <= 8 * bytes.len() as u64);
}
