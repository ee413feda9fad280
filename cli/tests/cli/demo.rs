//! `sqnr demo`: one folder with everything.

use super::support::Folder;

#[test]
fn the_tour_writes_sounds_pictures_and_a_page_that_names_them() {
    let folder = Folder::new();
    folder.song("a <b>.wav");
    let run = folder.run("demo --clips . -O tour");
    let table = run.succeeds().text();
    assert!(table.contains("6.02B+1.76") && table.contains("8 bits uniform, tpdf"), "{table}");
    assert!(table.contains("codec, "), "the codec is a stop: {table}");
    let compared = String::from_utf8(folder.bytes("tour/a <b>.report.html")).expect("text");
    assert!(
        compared.contains("Bit allocation") && compared.contains("id=\"audio-4\""),
        "five versions and the codec's bits"
    );
    let page = String::from_utf8(folder.bytes("tour/index.html")).expect("text");
    assert!(!page.contains("a <b>"), "a name is not markup");
    for entry in std::fs::read_dir(folder.path("tour")).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("text");
        let in_page = name.replace("<b>", "%3Cb%3E").replace(' ', "%20");
        let is_copy = name.ends_with(".png") || name == "index.html";
        assert!(is_copy || page.contains(&in_page), "{name} is on the page");
    }
    assert!(folder.has("tour/a <b>.8-bits.wav") && folder.has("tour/a <b>.noise.8-bits.svg"));
}

#[test]
fn a_tour_is_not_written_over_another() {
    let folder = Folder::new();
    folder.song("a.wav");
    folder.run("demo --clips . -O tour").succeeds();
    folder.run("demo --clips . -O tour").fails(4, "tour/index.html: exists");
    folder.run("demo --clips . -O tour --force").succeeds();
    folder.run("demo --clips nowhere -O x").fails(3, "no WAV or FLAC file");
}
