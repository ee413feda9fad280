//! Help is true: every example in it runs.

use super::support::Folder;

/// Commands whose long help ends with examples.
const COMMANDS: [&str; 19] = [
    "",
    "adc model",
    "adc test",
    "analyze",
    "quantize",
    "encode",
    "decode",
    "verify",
    "compare",
    "generate",
    "info",
    "plot",
    "report",
    "demo",
    "design codebook",
    "design shaper",
    "design modulator",
    "design predictor",
    "sweep",
];

/// The lines below "Examples:" of a command's long help.
fn examples(folder: &Folder, command: &str) -> Vec<String> {
    let help = folder.run(&format!("{command} --help")).text();
    let (_, after) = help.split_once("Examples:").unwrap_or_else(|| panic!("{command} has no examples:\n{help}"));
    after.lines().map(str::trim).filter(|line| line.starts_with("sqnr ")).map(str::to_owned).collect()
}

#[test]
fn every_example_runs() {
    for command in COMMANDS {
        let folder = Folder::new();
        for name in ["song.wav", "speech.wav"] {
            folder.song(name);
        }
        if ["compare", "decode", "info", "verify"].contains(&command) {
            folder.run("encode song.wav -o tune.sqn").succeeds();
        }
        if command == "adc model" {
            folder.write("converter.toml", b"bits = 12\ninl_lsb = [0.0, 0.8, 0.0]\n");
        }
        let examples = examples(&folder, command);
        assert!((2..=8).contains(&examples.len()), "{command}: {examples:?}");
        for line in examples {
            // What a shell would expand.
            let line = line.trim_start_matches("sqnr ").replace("*.wav", "song.wav speech.wav");
            folder.run(&line).succeeds();
        }
    }
}

#[test]
fn short_help_fits_a_screen() {
    let folder = Folder::new();
    for command in COMMANDS {
        let help = folder.run(&format!("{command} -h"));
        assert!(help.succeeds().text().lines().count() <= 60, "{command}: {} lines", help.text().lines().count());
    }
}

#[test]
fn topics_completions_and_manual_are_there() {
    let folder = Folder::new();
    for topic in ["dither", "formats", "metrics", "exit-codes", "json", "quantize"] {
        assert!(folder.run(&format!("help {topic}")).succeeds().text().lines().count() > 8, "{topic}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(folder.run(&format!("completions {shell}")).succeeds().text().contains("quantize"), "{shell}");
    }
    assert!(folder.run("man").succeeds().text().contains(".TH"));
    assert!(folder.run("--version").succeeds().text().starts_with("sqnr "));
}
