//! `demo`: the tour. Quantizes the clips of `testdata/` in several ways, measures, draws, and writes one folder with
//! everything and a page that shows it.

mod page;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use rayon::prelude::*;
use serde_json::{Value, json};

use sqnr::{
    analysis::error_statistics::full_scale_sine_sqnr_db,
    chain::{FileSink, Form, Plan, Storage},
    recipe::{Method, Recipe},
    report::plot::{Chart, Size, Style, Theme},
    task::{self, picture},
    wav::{Metadata, SampleFormat, Spec},
};

use super::{
    batch,
    exit::{Exit, Failure, display_path},
    inputs::{self, Input},
    options::{Global, Inputs},
    out_file::OutFile,
    outputs::{Existing, Output},
    plot,
    progress::Progress,
    quantize::{self, Files},
    report, sink, source, stdio,
};

/// Shown at the end of `sqnr demo --help`; a test runs each line.
const EXAMPLES: &str = "\
Examples:
  sqnr demo --clips . -O tour
  sqnr demo --clips . -O tour --force --json";

/// Take the tour: quantize clips, measure, draw, and write a page with it all
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct DemoArgs {
    /// Folder with audio files [default: testdata, here or where sqnr was built]
    #[arg(long, value_name = "DIR")]
    clips: Option<PathBuf>,
    /// Folder for the results
    #[arg(short = 'O', long, value_name = "DIR", default_value = "sqnr-demo")]
    output_dir: PathBuf,
}

/// One way to quantize in the tour.
struct Stop {
    /// The part of file names.
    name: &'static str,
    recipe: &'static str,
}

/// The tour: bit depths with dither, what a lack of dither does, shaping, and the quantizers that are not uniform.
const STOPS: [Stop; 8] = [
    Stop { name: "12-bits", recipe: "uniform bits=12" },
    Stop { name: "8-bits", recipe: "uniform bits=8" },
    Stop { name: "6-bits", recipe: "uniform bits=6" },
    Stop { name: "4-bits", recipe: "uniform bits=4" },
    Stop { name: "4-bits-no-dither", recipe: "uniform bits=4 dither=none" },
    Stop { name: "4-bits-mu-law", recipe: "mu-law bits=4" },
    Stop { name: "8-bits-mu-law", recipe: "mu-law bits=8" },
    Stop { name: "4-bits-lloyd-max", recipe: "lloyd-max bits=4" },
];

/// Recipes that each clip is drawn with: dithered, and the loudest difference.
const DRAWN: [&str; 2] = ["uniform bits=8", "uniform bits=4 dither=none"];
/// Recipes whose staircase is drawn.
const STAIRCASES: [&str; 2] = ["uniform bits=4", "mu-law bits=4"];

/// Stops that a clip's page compares with the original, beside the codec.
const COMPARED: [&str; 3] = ["8-bits", "4-bits", "4-bits-no-dither"];
/// The codec's stop.
const CODEC: &str = "codec quality=5";
/// Ending of the codec's file.
pub const CODED: &str = "codec.sqn";

/// A recipe of the tour.
fn recipe(text: &str) -> Recipe {
    text.parse().expect("the recipes of the tour are legal")
}

/// One clip quantized in one way.
pub struct Row {
    pub clip: String,
    pub stop: &'static str,
    pub file: String,
    pub recipe: Recipe,
    pub what: String,
    pub snr_db: Option<f64>,
    pub entropy_bits: Option<f64>,
    /// None for a codebook, which has no full scale to clip at.
    pub clipped_samples: Option<u64>,
    pub bytes: u64,
}

/// Runs `demo`.
pub fn run(args: &DemoArgs, global: &Global) -> Result<Exit, Failure> {
    let clips = clips(args)?;
    let existing = Existing::of(global);
    let index = Output::File(args.output_dir.join("index.html"));
    if super::outputs::clearance(&index, existing)? == super::outputs::Clearance::Skip {
        note(global, &format!("{}: exists, nothing to do", index.display()));
        return Ok(Exit::Done);
    }
    fs::create_dir_all(&args.output_dir).map_err(|error| Failure::output(&args.output_dir, error))?;
    let tour = Tour { folder: &args.output_dir, existing, progress: Progress::new(global) };
    let mut results = tour.quantize_all(&clips)?;
    results.extend(tour.encode_all(&clips)?);
    let order: Vec<String> = clips.iter().map(stem).collect();
    results.sort_by_key(|result| order.iter().position(|clip| *clip == result.clip));
    let pictures = tour.draw_all(&clips)?;
    tour.compare_all(&clips)?;
    sink::write_bytes(&index, existing, page::html(&results, &pictures).as_bytes())?;
    if global.json {
        stdio::print_line(&json(args, &results, &pictures).to_string())?;
    } else {
        stdio::print_bytes(table(&results).as_bytes())?;
        note(global, &format!("\nEverything is in {}; open {}", display_path(&args.output_dir), index.display()));
    }
    Ok(Exit::Done)
}

fn note(global: &Global, text: &str) {
    if !global.quiet {
        stdio::note_line(text);
    }
}

/// The clips: every WAV or FLAC file of the folder, by name.
fn clips(args: &DemoArgs) -> Result<Vec<Input>, Failure> {
    let built_from = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join("testdata");
    let folder = match &args.clips {
        Some(folder) => folder.clone(),
        None if Path::new("testdata").is_dir() => "testdata".into(),
        None if built_from.is_dir() => built_from,
        None => {
            return Err(Failure::usage("there is no folder testdata here; --clips names a folder with audio files"));
        }
    };
    let walked = Inputs {
        inputs: vec![folder.clone()],
        recursive: true,
        ext: vec!["wav".into(), "flac".into()],
        files_from: None,
        jobs: None,
        keep_going: false,
        fail_fast: false,
        dry_run: false,
    };
    let all = inputs::collect(&walked)
        .map_err(|_| Failure::input(&folder, "has no WAV or FLAC file; --clips names another folder"))?;
    let clips: Vec<Input> = all.into_iter().filter(|input| input.path.parent() == Some(&folder)).collect();
    match clips.is_empty() {
        true => Err(Failure::input(&folder, "has no WAV or FLAC file; --clips names another folder")),
        false => Ok(clips),
    }
}

/// Where the tour writes.
struct Tour<'a> {
    folder: &'a Path,
    existing: Existing,
    progress: Progress,
}

/// A picture of the tour.
pub struct Picture {
    pub file: String,
    pub caption: String,
}

impl Tour<'_> {
    fn quantize_all(&self, clips: &[Input]) -> Result<Vec<Row>, Failure> {
        let jobs: Vec<(&Input, &Stop)> =
            clips.iter().flat_map(|clip| STOPS.iter().map(move |stop| (clip, stop))).collect();
        jobs.par_iter().enumerate().map(|(i, (clip, stop))| self.quantize(clip, stop, (i + 1, jobs.len()))).collect()
    }

    fn quantize(&self, clip: &Input, stop: &Stop, (number, total): (usize, usize)) -> Result<Row, Failure> {
        let recipe = recipe(stop.recipe);
        let plan = Plan::new(&recipe).map_err(Failure::of_recipe)?;
        let name = stem(clip);
        let file = format!("{name}.{}.wav", stop.name);
        let output = Output::File(self.folder.join(&file));
        let files = Files { input: clip, output: &output, error: None, existing: self.existing };
        let done = quantize::convert(&plan, files, &self.progress.file(number, total, &file))?;
        Ok(Row {
            clip: name,
            stop: stop.name,
            file,
            recipe: recipe.clone(),
            what: done.outcome.description,
            snr_db: done.outcome.figures.snr_db.ok(),
            entropy_bits: done.outcome.figures.entropy_bits.ok(),
            clipped_samples: done.outcome.clipped_samples,
            bytes: done.bytes.1,
        })
    }

    fn encode_all(&self, clips: &[Input]) -> Result<Vec<Row>, Failure> {
        clips.par_iter().map(|clip| self.encode(clip)).collect()
    }

    /// The clip through the codec: the `.sqn` file, and what it decodes to.
    fn encode(&self, clip: &Input) -> Result<Row, Failure> {
        let mut source = source::open(clip)?;
        let spec = Spec { sample_format: SampleFormat::FLOAT32, ..source.info().spec };
        let signal = source.read_to_end().map_err(|error| source::unreadable(clip, error))?;
        let failed = |error| Failure::of(error, &clip.path);
        let recipe = recipe(CODEC);
        let Method::Codec(request) = &recipe.method else { unreachable!("the codec's stop asks for the codec") };
        let made = task::codec_round_trip(&signal, spec.channel_mask, request).map_err(failed)?;
        let name = stem(clip);
        let output = |ending: &str| Output::File(self.folder.join(format!("{name}.{ending}")));
        sink::write_bytes(&output(CODED), self.existing, &made.bytes)?;
        let file = format!("{name}.codec.wav");
        let n_frames = Some(signal.len() as u64);
        let (wav, seeking) = OutFile::create(&output("codec.wav"), self.existing)?;
        let form = Form::Wav { spec, storage: Storage::Level };
        let mut wav = FileSink::new(wav, seeking, &form, n_frames, &Metadata::default()).map_err(failed)?;
        wav.write_planar(made.quantized.signal.channels()).map_err(failed)?;
        wav.finish(None, &[]).and_then(OutFile::commit).map_err(failed)?;
        Ok(Row {
            clip: name,
            stop: "codec",
            file,
            what: made.quantized.outcome.description.clone(),
            snr_db: made.quantized.snr_db().ok(),
            recipe,
            entropy_bits: None,
            clipped_samples: None,
            bytes: made.bytes.len() as u64,
        })
    }

    /// A page for each clip: original, three quantized versions and the codec's, to zoom into and to hear blind.
    fn compare_all(&self, clips: &[Input]) -> Result<(), Failure> {
        let named = |file: String| Input { below: file.clone().into(), path: self.folder.join(file), obstacle: None };
        clips.par_iter().try_for_each(|clip| {
            let name = stem(clip);
            let mut versions: Vec<Input> = COMPARED.iter().map(|stop| named(format!("{name}.{stop}.wav"))).collect();
            versions.push(named(format!("{name}.{CODED}")));
            let output = Output::File(self.folder.join(page::report_name(&name)));
            report::compare(clip, &versions, &output, self.existing, &self.progress)
        })
    }

    /// Pictures of every clip at 8 bits and of the loudest difference, 4 bits without dither; the staircases once.
    fn draw_all(&self, clips: &[Input]) -> Result<Vec<Picture>, Failure> {
        let jobs: Vec<(&Input, &str)> =
            clips.iter().flat_map(|clip| DRAWN.iter().map(move |&recipe| (clip, recipe))).collect();
        let drawn: Result<Vec<[Picture; 2]>, Failure> =
            jobs.par_iter().map(|(clip, text)| self.draw_clip(clip, &recipe(text))).collect();
        let mut pictures: Vec<Picture> = drawn?.into_iter().flatten().collect();
        for text in STAIRCASES {
            let plan = Plan::new(&recipe(text)).map_err(Failure::of_recipe)?;
            let quantizer = plan.fixed_quantizer().map_err(Failure::of_recipe)?;
            let method = plan.recipe().method.word();
            let caption = format!("4 bits, {method}: output and error against input");
            pictures.push(self.draw(
                &picture::transfer(&plan, quantizer.as_ref()),
                format!("transfer.{method}"),
                caption,
            )?);
        }
        Ok(pictures)
    }

    fn draw_clip(&self, clip: &Input, recipe: &Recipe) -> Result<[Picture; 2], Failure> {
        let progress = self.progress.file(1, 1, &clip.display());
        let [noise, histogram] = plot::of_quantization(clip, recipe, &progress)?;
        let (name, bits) = (stem(clip), recipe.bits().unwrap_or_default());
        let noise =
            self.draw(&noise, format!("{name}.noise.{bits}-bits"), format!("{name}, {bits} bits: signal and noise"))?;
        let histogram = self.draw(
            &histogram,
            format!("{name}.histogram.{bits}-bits"),
            format!("{name}, {bits} bits: the error's density"),
        )?;
        Ok([noise, histogram])
    }

    /// Writes SVG and PNG; the page shows the SVG.
    fn draw(&self, chart: &Chart, stem: String, caption: String) -> Result<Picture, Failure> {
        let drawing = chart.draw(Style { theme: Theme::Light, size: Size::default() });
        let output = |ending: &str| Output::File(self.folder.join(format!("{stem}.{ending}")));
        let png = drawing.png().map_err(|error| Failure::output(self.folder, error))?;
        sink::write_bytes(&output("svg"), self.existing, drawing.svg().as_bytes())?;
        sink::write_bytes(&output("png"), self.existing, &png)?;
        Ok(Picture { file: format!("{stem}.svg"), caption })
    }
}

fn stem(input: &Input) -> String {
    input.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The figures as a table.
fn table(results: &[Row]) -> String {
    let width = results.iter().map(|r| r.clip.chars().count()).max().unwrap_or(0).max(4);
    let mut text = format!(
        "{:width$}  {:28}  {:>9}  {:>11}  {:>9}  {:>7}\n",
        "clip", "quantizer", "SQNR dB", "6.02B+1.76", "entropy", "clipped"
    );
    for result in results {
        let _ = writeln!(
            text,
            "{:width$}  {:28}  {:>9}  {:>11}  {:>9}  {:>7}",
            result.clip,
            result.what,
            result.snr_db.map_or("-".into(), |v| format!("{v:.2}")),
            result.recipe.bits().map_or("-".into(), |bits| format!("{:.2}", full_scale_sine_sqnr_db(f64::from(bits)))),
            result.entropy_bits.map_or("-".into(), |v| format!("{v:.2} bit")),
            result.clipped_samples.map_or("-".into(), |n| n.to_string()),
        );
    }
    text
}

fn json(args: &DemoArgs, results: &[Row], pictures: &[Picture]) -> Value {
    let rows: Vec<Value> = results
        .iter()
        .map(|r| {
            json!({
                "clip": r.clip, "stop": r.stop, "output": r.file, "bits": r.recipe.bits(), "recipe": batch::json_recipe(&r.recipe), "quantizer": r.what,
                "snr_db": r.snr_db, "entropy_bits": r.entropy_bits, "clipped_samples": r.clipped_samples, "bytes": r.bytes,
            })
        })
        .collect();
    let pictures: Vec<&str> = pictures.iter().map(|p| p.file.as_str()).collect();
    let clips = results.chunk_by(|a, b| a.clip == b.clip);
    let reports: Vec<String> = clips.map(|rows| page::report_name(&rows[0].clip)).collect();
    json!({
        "schema": batch::JSON_SCHEMA, "command": "demo", "output": display_path(&args.output_dir), "results": rows,
        "pictures": pictures, "reports": reports, "warnings": [],
    })
}
