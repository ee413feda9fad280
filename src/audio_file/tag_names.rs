//! Names of tags: the four characters of RIFF INFO, and the keys of Vorbis comments that `.sqn` uses.

/// The same thing under both names.
const NAMES: [([u8; 4], &str); 8] = [
    (*b"INAM", "TITLE"),
    (*b"IART", "ARTIST"),
    (*b"IPRD", "ALBUM"),
    (*b"ICMT", "COMMENT"),
    (*b"IGNR", "GENRE"),
    (*b"ICRD", "DATE"),
    (*b"ITRK", "TRACKNUMBER"),
    (*b"ICOP", "COPYRIGHT"),
];

/// The Vorbis comment that a RIFF INFO chunk stands for; its own name where there is none.
pub fn comment_key(info_id: [u8; 4]) -> String {
    let known = NAMES.iter().find(|(id, _)| *id == info_id);
    known.map_or_else(|| String::from_utf8_lossy(&info_id).into_owned(), |(_, key)| (*key).to_owned())
}

/// The RIFF INFO chunk for a Vorbis comment: a comment where there is none.
pub fn info_id(comment_key: &str) -> [u8; 4] {
    let known = NAMES.iter().find(|(_, key)| key.eq_ignore_ascii_case(comment_key));
    known.map_or_else(|| comment_key.as_bytes().try_into().unwrap_or(*b"ICMT"), |(id, _)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_return() {
        for (id, key) in NAMES {
            assert_eq!((comment_key(id), info_id(key)), (key.to_owned(), id));
        }
        assert_eq!((comment_key(*b"ISFT"), info_id("isft")), ("ISFT".to_owned(), *b"isft"));
        assert_eq!(info_id("mood of the day"), *b"ICMT");
    }
}
