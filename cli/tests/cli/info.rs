//! `sqnr info`.

use super::support::Folder;

#[test]
fn facts_of_a_plain_file() {
    let folder = Folder::new();
    folder.wav16("x.wav", &[0, 256, -512, 1_024]);
    let json = folder.json("info x.wav");
    assert_eq!((&json["bits"], &json["sample_rate_hz"], &json["channels"]), (&16.into(), &8_000.into(), &1.into()));
    assert_eq!(json["samples"], 4);
    // All codes are multiples of 256: 8 of 16 bits are used.
    assert_eq!(json["bits_used"], 8);
    let table = folder.run("info x.wav").text();
    assert!(table.contains("8 of 16 in the first"), "{table}");
}

#[test]
fn other_formats_are_named() {
    let folder = Folder::new();
    folder.copy("quartet_24bit.wav", "x.wav");
    let json = folder.json("info x.wav");
    assert_eq!((&json["bits"], &json["channels"], &json["samples"]), (&24.into(), &2.into(), &192_000.into()));
}
