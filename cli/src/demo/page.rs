//! The page of the tour: the table with a player in each row, and the pictures. It needs no network and no script.

use std::fmt::Write as _;

use sqnr::report::escape::{escaped, relative_address};

use super::{CODED, Picture, Row};

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>sqnr: the tour</title>
<style>
:root { color-scheme: light dark; --ink: #1b1f24; --muted: #57606a; --line: #d0d7de; --paper: #ffffff; --link: #0037c4; --card: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --muted: #9198a1; --line: #3d444d; --paper: #0d1117; --link: #58a6ff; } }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; font-size: 1.2rem; }
p { max-width: 42rem; color: var(--muted); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .35rem .75rem .35rem 0; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
audio { height: 2rem; width: 16rem; }
figure { margin: 1.5rem 0; } figure img { width: 100%; max-width: 60rem; background: var(--card); border: 1px solid var(--line); }
figcaption { color: var(--muted); } a { color: var(--link); }
</style>
</head>
<body>
<h1>What quantization does to sound</h1>
<p>Each row is one clip, quantized and reconstructed. Fewer bits, more noise: 6.02 dB for each. Listen to 4 bits with dither
and without: noise is easier on the ear than distortion that follows the music. Companding and trained quantizers spend
their levels where the samples are. The codec spends about a tenth of the file's bits where the ear would notice.</p>
"#;

/// The whole page.
pub fn html(results: &[Row], pictures: &[Picture]) -> String {
    let mut page = HEAD.to_owned();
    for rows in results.chunk_by(|a, b| a.clip == b.clip) {
        section(&mut page, rows);
    }
    page.push_str("<h2>Pictures</h2>\n");
    for picture in pictures {
        let (file, caption) = (escaped(&picture.file), escaped(&picture.caption));
        let _ = writeln!(
            page,
            "<figure><img src=\"{}\" alt=\"{caption}\" loading=\"lazy\"><figcaption>{caption} (<a href=\"{file}\">{file}</a>)</figcaption></figure>",
            relative_address(&picture.file),
        );
    }
    page.push_str("</body>\n</html>\n");
    page
}

/// The name of a clip's report page.
pub fn report_name(clip: &str) -> String {
    format!("{clip}.report.html")
}

fn section(page: &mut String, rows: &[Row]) {
    let clip = &rows[0].clip;
    let _ = writeln!(
        page,
        "<h2>{}</h2>\n<p><a href=\"{}\">Zoom in, switch while it plays, and test yourself blind</a>: the original, 8 bits, \
         4 bits with and without dither, and the codec (<a href=\"{}\">its file</a>) with its bit allocation.</p>",
        escaped(clip),
        relative_address(&report_name(clip)),
        relative_address(&format!("{clip}.{CODED}")),
    );
    page.push_str("<div class=\"scroll\"><table><thead><tr><th>quantizer</th><th class=\"number\">SQNR</th><th class=\"number\">entropy</th><th class=\"number\">clipped</th><th>listen</th></tr></thead><tbody>\n");
    for row in rows {
        let figure = |value: Option<f64>, unit: &str| value.map_or("–".into(), |v| format!("{v:.2} {unit}"));
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td><audio controls preload=\"none\" src=\"{}\" aria-label=\"{}\"></audio></td></tr>",
            escaped(&row.what),
            figure(row.snr_db, "dB"),
            figure(row.entropy_bits, "bit"),
            row.clipped_samples.map_or("–".into(), |n| n.to_string()),
            relative_address(&row.file),
            escaped(&row.file),
        );
    }
    page.push_str("</tbody></table></div>\n");
}
