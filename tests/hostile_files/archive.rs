//! ZIP files byte by byte, so that every number in them can lie.

/// One entry of a ZIP; what the directory says of it can be changed before it is written.
#[derive(Clone)]
pub struct Entry {
    pub name: String,
    pub data: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    pub packed: u32,
    pub unpacked: u32,
    pub checksum: u32,
    /// Taken for the place of its record instead of the true one.
    pub place: Option<u32>,
    pub extra: Vec<u8>,
}

impl Entry {
    pub fn stored(name: &str, data: &[u8]) -> Self {
        Self {
            name: name.into(),
            data: data.to_vec(),
            method: 0,
            flags: 0,
            packed: data.len() as u32,
            unpacked: data.len() as u32,
            checksum: crc32fast::hash(data),
            place: None,
            extra: Vec::new(),
        }
    }

    fn numbers(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for field in [20, self.flags, self.method, 0, 0] {
            bytes.extend(field.to_le_bytes());
        }
        for field in [self.checksum, self.packed, self.unpacked] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend((self.name.len() as u16).to_le_bytes());
        bytes.extend((self.extra.len() as u16).to_le_bytes());
        bytes
    }
}

/// What the end of the directory says, after its tag.
pub struct End {
    pub n_entries: u16,
    pub size: u32,
    pub start: u32,
}

/// The entries with their directory, and the end as `change` leaves it.
pub fn zip(entries: &[Entry], change: impl FnOnce(&mut End)) -> Vec<u8> {
    let (mut bytes, mut places) = (Vec::new(), Vec::new());
    for entry in entries {
        places.push(bytes.len() as u32);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(entry.numbers());
        bytes.extend(entry.name.as_bytes());
        bytes.extend(&entry.extra);
        bytes.extend(&entry.data);
    }
    let start = bytes.len();
    for (entry, place) in entries.iter().zip(places) {
        bytes.extend(b"PK\x01\x02\x14\0");
        bytes.extend(entry.numbers());
        bytes.extend([0; 10]);
        bytes.extend(entry.place.unwrap_or(place).to_le_bytes());
        bytes.extend(entry.name.as_bytes());
        bytes.extend(&entry.extra);
    }
    let mut end = End { n_entries: entries.len() as u16, size: (bytes.len() - start) as u32, start: start as u32 };
    change(&mut end);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(end.n_entries.to_le_bytes().repeat(2));
    bytes.extend(end.size.to_le_bytes());
    bytes.extend(end.start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// A `.npy` file of zeros with any header.
pub fn npy(header: &str, n_bytes: usize) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + n_bytes, 0);
    bytes
}

/// A `.npy` file of f32 zeros with the shape as text.
pub fn zeros(shape: &str, n_values: usize) -> Vec<u8> {
    npy(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"), 4 * n_values)
}

/// A `.safetensors` file of a header and so many bytes.
pub fn safetensors(header: &str, n_bytes: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + n_bytes, 0);
    bytes
}
