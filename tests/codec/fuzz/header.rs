//! Any bytes as an `.sqn` file of which only heads are read; once as they are, once with magic, version and checksum
//! made right, so that each field is looked at. A header that was read is written and read again.

use std::io::Cursor;

use sqnr::codec::Contents;

/// Bytes of the header before the extra part, the last four of them its length.
const FIXED: usize = 33;

/// One input.
pub fn run(bytes: &[u8]) {
    look_at(bytes);
    if let Some(repaired) = repair(bytes) {
        look_at(&repaired);
    }
}

fn look_at(bytes: &[u8]) {
    let Ok(contents) = Contents::read(Cursor::new(bytes)) else { return };
    assert!(contents.groups.len() <= bytes.len() / 20 && contents.end_bytes <= bytes.len() as u64);
    assert!(contents.bitrate_kbps() >= 0.0);
    let mut written = contents.header.to_bytes().expect("a header that was read is legal");
    let header = contents.header.clone();
    written.extend(b"SQEn");
    let again = Contents::read(Cursor::new(&written)).expect("what was written can be read").header;
    assert_eq!(again, header);
}

fn repair(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    bytes.get_mut(..5)?.copy_from_slice(b"SQN1\x01");
    let length = bytes.get_mut(FIXED - 4..FIXED)?;
    (length[1], length[2], length[3]) = (0, 0, 0);
    let end = FIXED + usize::from(length[0]);
    let checksum = crc32fast::hash(bytes.get(..end)?).to_le_bytes();
    bytes.get_mut(end..end + 4)?.copy_from_slice(&checksum);
    Some(bytes)
}
