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
    assert!(data["spectra"]["errors"][1].as_str().is_some_and(|e| e.len() > 300));
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
fn twelve_files_are_a_page_of_two_megabytes() {
    let folder = Folder::new();
    folder.run("generate white --rate 48000 --seconds 20 --level -6 -b 16 -o v0.wav").succeeds();
    let names: Vec<String> = (1..11).map(|i| format!("v{i}.wav")).collect();
    for name in &names {
        std::fs::copy(folder.path("v0.wav"), folder.path(name)).expect("copied");
    }
    folder.run("quantize -b 6 v0.wav -o v11.wav").succeeds();
    folder.run(&format!("report --no-audio --ref v0.wav {} v11.wav -o page.html", names.join(" "))).succeeds();
    let page = folder.bytes("page.html");
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    folder
        .run(&format!("report --ref v0.wav {} v11.wav v0.wav -o more.html", names.join(" ")))
        .fails(2, "12 are the most");
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
}

#[test]
fn versions_of_another_form_are_heard_and_not_measured() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("generate sine --rate 44100 --seconds 0.5 --frequency 500 --channels 2 -o other.wav").succeeds();
    folder.run("report --ref song.wav other.wav -o page.html").succeeds();
    let text = String::from_utf8(folder.bytes("page.html")).expect("UTF-8");
    assert!(text.contains("mixed from 2 channels"), "it says so");
    assert!(text.contains("resampled from 44100 Hz") && text.contains("no error is measured"));
    assert!(!text.contains("id=\"plot-error\"") && text.contains("id=\"audio-1\""));
    let data = data(&folder, "page.html");
    assert_eq!((data["audio"]["rate"].as_u64(), data["audio"]["channels"].as_u64()), (Some(8_000), Some(1)));
    // Half a second of it, in columns as long as the reference's.
    let columns = data["overview"]["versions"][1]["low"].as_array().expect("columns").len() as f64;
    assert!((columns * data["overview"]["column_s"].as_f64().expect("s") - 0.5).abs() < 0.01);
}

#[test]
fn a_late_version_is_shifted_for_listening() {
    let folder = Folder::new();
    let noise: Vec<i16> = (0..6_000_i64).map(|i| (i * i * 31 % 30_011 - 15_000) as i16).collect();
    folder.wav16("x.wav", &noise);
    folder.wav16("late.wav", &[vec![0; 137], noise].concat());
    folder.run("report --ref x.wav late.wav -o page.html").succeeds();
    let text = String::from_utf8(folder.bytes("page.html")).expect("UTF-8");
    assert!(text.contains("late.wav: 137 samples late, shifted for listening"), "it says so");
    assert!(text.contains("longer than the reference"));
    let audio = |i: usize| {
        let start = text.split(&format!("id=\"audio-{i}\">")).nth(1).expect("audio");
        start[..8_000].to_owned()
    };
    assert!(audio(0) == audio(1), "what is heard is the same, sample by sample");
}

#[test]
fn an_sqn_file_brings_its_bit_allocation() {
    let folder = Folder::new();
    folder.run("generate pink --rate 48000 --seconds 1 --level -12 -b 16 -o noise.wav").succeeds();
    folder.run("encode noise.wav -o coded.sqn").succeeds();
    folder.run("report --ref noise.wav coded.sqn -o page.html").succeeds();
    let text = String::from_utf8(folder.bytes("page.html")).expect("UTF-8");
    for part in ["Bit allocation", "Bits per coefficient", "Noise to mask", "Shape of the error", "Spectrogram"] {
        assert!(text.contains(part), "{part}");
    }
    folder.run("plot bits coded.sqn -o alone.svg --csv").succeeds();
    assert!(
        String::from_utf8(folder.bytes("alone.csv"))
            .expect("text")
            .starts_with("panel,time_s,frequency_hz,bits_per_coefficient")
    );
    folder.run("plot bits --ref noise.wav coded.sqn -o both.svg --csv").succeeds();
    let both = String::from_utf8(folder.bytes("both.csv")).expect("text");
    assert!(
        both.lines().any(|l| l.starts_with("bits_per_coefficient,")) && both.lines().any(|l| l.starts_with("nmr_db,"))
    );
    folder.run("plot bits noise.wav -o x.svg").fails(3, "noise.wav");
}

#[test]
fn a_version_that_fails_is_left_out_unless_told_otherwise() {
    let folder = Folder::new();
    folder.song("song.wav");
    folder.run("quantize -b 6 song.wav -o q6.wav").succeeds();
    folder.write("text.wav", b"no audio");
    let run = folder.run("report --ref song.wav q6.wav text.wav -o page.html -j 2");
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("text.wav") && folder.has("page.html"));
    assert_eq!(data(&folder, "page.html")["versions"].as_array().map(Vec::len), Some(2));
    assert_eq!(folder.run("report --ref song.wav q6.wav text.wav -o b.html --fail-fast").code, 3);
    assert_eq!(folder.run("report --ref text.wav q6.wav -o b.html").code, 3);
    assert_eq!(folder.run("report --ref song.wav text.wav -o b.html").code, 3);
    assert!(!folder.has("b.html"));
    let dry = folder.run("report --ref song.wav q6.wav -o b.html --dry-run");
    assert_eq!(dry.succeeds().text().trim(), "report song.wav, q6.wav -> b.html");
    assert!(!folder.has("b.html"));
    let threads = ["-j 1", "-j 4"].map(|jobs| {
        folder.run(&format!("report --ref song.wav q6.wav {jobs} -o t.html -f")).succeeds();
        folder.bytes("t.html")
    });
    assert!(threads[0] == threads[1], "as many threads as you like, the same page");
}

#[test]
fn odd_signals_make_a_page() {
    let folder = Folder::new();
    folder.run("generate silence --seconds 0.2 -b 16 -o silence.wav").succeeds();
    folder.run("generate pink --seconds 0.2 --channels 8 -b 16 -o eight.wav").succeeds();
    folder.run("quantize -b 8 eight.wav -o q.wav").succeeds();
    folder.wav16("none.wav", &[]);
    folder.run("report silence.wav -o a.html").succeeds();
    folder.run("report --ref silence.wav silence.wav -o b.html").succeeds();
    folder.run("report --ref eight.wav q.wav -o c.html").succeeds();
    assert_eq!(data(&folder, "c.html")["audio"]["channels"], 8);
    folder.run("report none.wav -o d.html").succeeds();
    folder.run("report --ref eight.wav silence.wav none.wav -o e.html").succeeds();
}

#[test]
fn a_single_sample_and_hostile_names_make_a_page() {
    for name in [
        "<img src=x onerror=alert(1)>.wav",
        "\"><script>alert(1)<x>.wav",
        "'onload='alert(1)😀日本.wav",
        "{hear}${alert(1)}`.wav",
    ] {
        a_single_sample_makes_a_page(name);
    }
    #[cfg(unix)]
    a_single_sample_makes_a_page("a\nb\u{1b}]0;x\u{7}\u{202e}gpj.wav");
}

fn a_single_sample_makes_a_page(name: &str) {
    let folder = Folder::new();
    let mut wav = Vec::new();
    wav.extend_from_slice(
        b"RIFF\x26\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x02\0\0\0\0\x40",
    );
    folder.write(name, &wav);
    let mut command = folder.command();
    let out = command.args(["report", name, "-o", "page.html"]).output().expect("runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(folder.bytes("page.html")).expect("UTF-8");
    assert!(!text.contains("<img") && !text.contains("<script>alert"), "{name}");
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "control characters are shown, not written");
    assert_eq!(data(&folder, "page.html")["versions"].as_array().map(Vec::len), Some(1), "its data are whole: {name}");
}
