//! The page's HTML.

use std::io::{self, Write};

use super::audio::Excerpt;
use super::figures::{figure_text, labelled};
use super::heat;
use super::live::Live;
use super::{Comparison, Page, Parts};
use crate::analysis::Entry;
use crate::report::escape::escaped;
use crate::report::plot::document::stylesheet;
use crate::report::plot::{Style, with_unit};

const SCRIPTS: [&str; 9] = [
    include_str!("assets/format.js"),
    include_str!("assets/plots.js"),
    include_str!("assets/heat.js"),
    include_str!("assets/player.js"),
    include_str!("assets/trials.js"),
    include_str!("assets/rating.js"),
    include_str!("assets/listen.js"),
    include_str!("assets/live.js"),
    include_str!("assets/main.js"),
];

pub(super) fn write_head(page: &Page, live: Option<&Live>, out: &mut impl Write) -> io::Result<()> {
    let title = escaped(&page.title);
    // A file asks nothing of anybody; a live page asks the program that sent it.
    let connect = if live.is_some() { "connect-src 'self'; " } else { "" };
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src \
         'unsafe-inline'; style-src 'unsafe-inline'; {connect}img-src data:; base-uri 'none'; form-action 'none'\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>{}{}{}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
         <p class=\"muted\">{}</p>\n</header>\n<main>\n",
        stylesheet(),
        include_str!("vendor/uPlot.min.css"),
        include_str!("assets/page.css"),
        escaped(&page.subtitle)
    )
}

pub(super) fn write_summary(
    page: &Page,
    live: Option<&Live>,
    excerpt: Option<&Excerpt>,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "<section id=\"summary\" aria-labelledby=\"summary-title\">\n<h2 id=\"summary-title\">Summary</h2>")?;
    // On a live page the sentence beside the knobs says it, and follows them.
    if let (Some(sentence), None) = (closest_and_farthest(page), live) {
        writeln!(out, "<p>{}</p>", escaped(&sentence))?;
    }
    for note in &page.notes {
        writeln!(out, "<p class=\"muted\">{}</p>", escaped(note))?;
    }
    if let Some(note) = excerpt.filter(|e| e.frames.len() < e.total).map(|e| shortened_note(page, e)) {
        writeln!(out, "<p class=\"muted\">{note}</p>")?;
    }
    if page.parts != Parts::ListeningOnly {
        write_figures(page, out)?;
    }
    writeln!(out, "</section>")
}

fn shortened_note(page: &Page, excerpt: &Excerpt) -> String {
    let rate = f64::from(page.versions[0].signal.sample_rate_hz());
    let seconds = |frames: usize| with_unit(frames as f64 / rate, 1, "s");
    format!("Audio to listen to: the first {} of {}.", seconds(excerpt.frames.len()), seconds(excerpt.total))
}

/// Which version lost least and most, by SNR.
fn closest_and_farthest(page: &Page) -> Option<String> {
    let snr_of = |figures: &[Entry]| figures.iter().find(|e| e.key == "snr_db").and_then(|e| e.figure.ok());
    let mut ranked: Vec<(&str, f64)> =
        page.versions.iter().filter_map(|v| Some((v.name.as_str(), snr_of(&v.figures)?))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let db = |snr: f64| with_unit(snr, 1, "dB");
    match ranked.as_slice() {
        [] => None,
        [(name, snr)] => Some(format!("{name} keeps an SNR of {}.", db(*snr))),
        [(best, high), .., (worst, low)] => Some(format!(
            "{best} is nearest to the reference (SNR {}), {worst} farthest from it ({}).",
            db(*high),
            db(*low)
        )),
    }
}

/// Every figure in rows, versions in columns.
fn write_figures(page: &Page, out: &mut impl Write) -> io::Result<()> {
    let mut keys: Vec<&Entry> = Vec::new();
    for entry in page.versions.iter().flat_map(|v| &v.figures) {
        if !keys.iter().any(|k| k.key == entry.key) {
            keys.push(entry);
        }
    }
    if keys.is_empty() {
        return Ok(());
    }
    write!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Figures\"><table>\n<thead><tr><th scope=\"col\">Figure</th>"
    )?;
    for version in &page.versions {
        write!(out, "<th scope=\"col\">{}</th>", escaped(&version.name))?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for key in keys {
        write!(out, "<tr data-key=\"{}\"><th scope=\"row\">{}</th>", escaped(key.key), escaped(&labelled(key)))?;
        for version in &page.versions {
            write!(out, "{}", cell(version.figures.iter().find(|e| e.key == key.key)))?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table></div>")
}

fn cell(entry: Option<&Entry>) -> String {
    let Some(entry) = entry else { return "<td>–</td>".into() };
    let explanation = match &entry.figure {
        Err(reason) => reason.to_string(),
        Ok(_) => entry.formula.clone(),
    };
    format!("<td title=\"{}\">{}</td>", escaped(&explanation), escaped(&figure_text(entry)))
}

pub(super) fn write_plots(page: &Page, out: &mut impl Write) -> io::Result<()> {
    let plot = |id: &str, title: &str| {
        format!("<h2>{title}</h2>\n<div class=\"plot\" id=\"{id}\" data-label=\"{title}\"></div>\n")
    };
    let mut section = String::from("<section id=\"plots\" aria-label=\"Plots\">\n");
    if page.versions.iter().any(|v| v.error_spectrum.is_some()) {
        section += &plot("plot-error", "Spectrum of the error");
    }
    if page.versions.iter().any(|v| v.spectrum.is_some()) {
        section += &plot("plot-signal", "Spectrum");
    }
    let mut n_heat = 0;
    for chart in &page.charts {
        if let Some(panels) = heat::panels(chart) {
            heat::write_places(chart, n_heat, &panels, &mut section);
            n_heat += 1;
            continue;
        }
        let drawing = chart.draw(Style::default());
        section += &format!("<figure tabindex=\"0\">\n{}</figure>\n", drawing.inline_svg());
    }
    writeln!(out, "{section}</section>")
}

pub(super) fn write_listening(page: &Page, excerpt: &Excerpt, out: &mut impl Write) -> io::Result<()> {
    let listening = include_str!("assets/listening.html");
    let hear = page.versions.iter().enumerate().map(|(i, version)| {
        let name = escaped(&version.name);
        format!("<button type=\"button\" id=\"hear-{i}\" aria-pressed=\"false\"><kbd>{}</kbd>{name}</button>\n", i + 1)
    });
    let error = match page.comparison {
        Comparison::WithFirst if page.versions.len() > 1 => include_str!("assets/listening_error.html"),
        _ => "",
    };
    let seconds = excerpt.frames.len() as f64 / f64::from(page.versions[0].signal.sample_rate_hz());
    let filled = listening
        .replace("{hear}", &hear.collect::<String>())
        .replace("{error}", error)
        .replace("{length}", &with_unit(seconds, 1, "s"));
    out.write_all(filled.as_bytes())
}

pub(super) fn write_scripts(out: &mut impl Write) -> io::Result<()> {
    let own = SCRIPTS.concat();
    let plotting = include_str!("vendor/uPlot.iife.min.js");
    write!(
        out,
        "</main>\n<script>{plotting}</script>\n<script>'use strict';(() => {{\n{own}}})();</script>\n</body>\n</html>\n"
    )
}
