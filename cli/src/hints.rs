//! What was probably meant.

use strsim::levenshtein;

/// "did you mean X?", or the list of choices when nothing is near.
pub fn choose(text: &str, names: &[&str], otherwise: &str) -> String {
    let mut choices = names.join(", ");
    if !otherwise.is_empty() {
        choices += ", ";
        choices += otherwise;
    }
    match nearest(text, names) {
        Some(name) => format!("did you mean '{name}'? Choices: {choices}"),
        None => format!("choose from {choices}"),
    }
}

/// The name that differs from `text` by a slip of the finger, if there is one.
pub fn nearest<S: AsRef<str>>(text: &str, names: &[S]) -> Option<String> {
    let best = names.iter().map(AsRef::as_ref).min_by_key(|name| levenshtein(text, name))?;
    (levenshtein(text, best) <= 2.max(text.len() / 5)).then(|| best.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_offered() {
        assert_eq!(nearest("unifrom", &["uniform", "mid-rise"]), Some("uniform".into()));
        assert_eq!(nearest("trellis", &["uniform", "mid-rise"]), None);
    }
}
