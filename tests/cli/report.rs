//! `report`: one page for one or several files.

use super::support::Folder;

/// The text of a page's data element.
fn data(folder: &Folder, page: &str) -> serde_json::Value {
    let text = String::from_utf8(folder.bytes(page)).expect("UTF-8");
    let data = text.split("id=\"data\">").nth(1).and_then(|t| t.split("</script>").next()).expect("data");
    serde_json::from_str(data).expect("JSON")
}

#[test]
fn a_comparison_has_figures_spectra_and_audio() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("quantize -b 6 song.wav -o q6.wav").succeeds();
    folder.run("report --ref song.wav q6.wav").succeeds();
    let data = data(&folder, "q6.report.html");
    assert_eq!(data["versions"][0]["name"], "song.wav");
    assert!(data["spectra"]["errors"][0].is_null());
    assert!(data["spectra"]["errors"][1].as_array().is_some_and(|e| e.len() > 100));
    let text = String::from_utf8(folder.bytes("q6.report.html")).expect("UTF-8");
    assert!(text.contains("SQNR (dB)") && text.contains("id=\"audio-1\"") && text.contains("Error of q6.wav"));
    assert!(!text.contains("src=\"http") && !text.contains("href=\"http"));
}

#[test]
fn the_snr_is_the_one_that_quantize_prints() {
    let folder = Folder::new();
    folder.song("song.wav");
    let printed = folder.json("quantize -b 6 song.wav -o q6.wav")["snr_db"].as_f64().expect("an SNR");
    folder.run("report --ref song.wav q6.wav -o page.html").succeeds();
    let text = String::from_utf8(folder.bytes("page.html")).expect("UTF-8");
    let cell = text.split("SQNR (dB)").nth(1).and_then(|t| t.split("</tr>").next()).expect("a row");
    assert!(cell.contains(&format!("{printed:.2}")), "{printed} not in {cell}");
}

#[test]
fn parts_can_be_left_out() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("report --no-audio song.wav -o a.html").succeeds();
    assert!(!String::from_utf8_lossy(&folder.bytes("a.html")).contains("id=\"listen\""));
    assert!(folder.bytes("a.html").len() < 2_000_000);
    folder.run("report --listening-only song.wav -o b.html").succeeds();
    assert!(!String::from_utf8_lossy(&folder.bytes("b.html")).contains("id=\"plot-signal\""));
    assert_eq!(folder.run("report --no-audio --listening-only song.wav").code, 2);
}

#[test]
fn odd_inputs_are_answered() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.write("text.wav", b"no audio");
    assert_eq!(folder.run("report text.wav").code, 3);
    assert_eq!(folder.run("report missing.wav").code, 3);
    assert_eq!(folder.run("report song.wav -o song.wav").code, 2);
    folder.run("report song.wav").succeeds();
    assert_eq!(folder.run("report song.wav").code, 4);
    folder.run("report -n song.wav").succeeds();
    folder.run("report -f song.wav").succeeds();
    assert_eq!(folder.names(), ["song.report.html", "song.wav", "text.wav"]);
    folder.run("generate sine --rate 44100 --seconds 0.1 -o low.wav").succeeds();
    let other = folder.run("report --ref song.wav low.wav");
    assert_eq!(other.code, 3, "{}", other.stderr);
    assert!(other.stderr.contains("one page holds one form"), "{}", other.stderr);
}

#[test]
fn a_single_sample_and_a_hostile_name_make_a_page() {
    let folder = Folder::new();
    let name = "<img src=x onerror=alert(1)>.wav";
    let mut wav = Vec::new();
    wav.extend_from_slice(
        b"RIFF\x26\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x02\0\0\0\0\x40",
    );
    folder.write(name, &wav);
    let mut command = folder.command();
    let out = command.args(["report", name, "-o", "page.html"]).output().expect("runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(!String::from_utf8_lossy(&folder.bytes("page.html")).contains("<img"));
}
