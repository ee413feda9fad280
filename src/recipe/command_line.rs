//! A recipe as the options of `sqnr quantize` or `sqnr encode`.

use super::{Method, NamedMethod, Recipe};

impl Recipe {
    /// The command of `sqnr` that takes [`command_line`](Self::command_line): `encode` for the codec, else `quantize`.
    pub fn command(&self) -> &'static str {
        if matches!(self.method, Method::Codec(_)) { "encode" } else { "quantize" }
    }

    /// The options that ask for this recipe, an argument each, without input and output.
    pub fn command_line(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for field in self.fields() {
            let value = field.value.to_string();
            match (field.key, &self.method) {
                ("method", Method::Named(NamedMethod::Uniform) | Method::Codec(_)) => {}
                ("method", Method::Coder(_) | Method::Format(_)) => arguments.extend(["--format".into(), value]),
                ("symmetry", _) => arguments.push("--symmetric".into()),
                (key, _) => arguments.extend([option(key), value]),
            }
        }
        arguments
    }

    /// Command, options and input as one line for a shell; what a shell would take apart is quoted.
    ///
    /// ```
    /// use sqnr::recipe::{NamedMethod, Recipe};
    ///
    /// let recipe = Recipe::of_bits(NamedMethod::LloydMax, 4);
    /// assert_eq!(recipe.shell_line("my song.wav"), "sqnr quantize -m lloyd-max -b 4 'my song.wav'");
    /// ```
    pub fn shell_line(&self, input: &str) -> String {
        let mut line = format!("sqnr {}", self.command());
        for word in self.command_line().iter().map(String::as_str).chain([input]) {
            line.push(' ');
            line.push_str(&quoted(word));
        }
        line
    }
}

/// The option of a field.
fn option(key: &str) -> String {
    match key {
        "method" => "-m".into(),
        "bits" => "-b".into(),
        "dither" => "-d".into(),
        "shape" => "-s".into(),
        "quality" => "-q".into(),
        "bitrate" => "-r".into(),
        key => format!("--{}", key.replace('_', "-")),
    }
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./+,=@%:".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        assert_eq!(quoted("a/b-1.wav"), "a/b-1.wav");
        assert_eq!(quoted("it's a.wav"), "'it'\\''s a.wav'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn recipes_become_commands() {
        for (text, command) in [
            ("uniform bits=8 dither=none", "sqnr quantize -b 8 -d none a.wav"),
            ("mu-law bits=8 law=continuous", "sqnr quantize -m mu-law -b 8 --law continuous a.wav"),
            ("dependent rate=1.5", "sqnr quantize -m dependent --rate 1.5 a.wav"),
            (
                "int8 granularity=group:32 symmetry=symmetric",
                "sqnr quantize --format int8 --granularity group:32 --symmetric a.wav",
            ),
            ("dsd64 paths=8", "sqnr quantize --format dsd64 --paths 8 a.wav"),
            ("codec quality=7.5", "sqnr encode -q 7.5 a.wav"),
            ("codec bitrate=96 band_quantizer=trellis", "sqnr encode -r 96 --band-quantizer trellis a.wav"),
        ] {
            assert_eq!(text.parse::<Recipe>().expect(text).shell_line("a.wav"), command);
        }
    }
}
