//! What was probably meant.

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
    let best = names.iter().map(AsRef::as_ref).min_by_key(|name| edit_distance(text, name))?;
    (edit_distance(text, best) <= 2.max(text.len() / 5)).then(|| best.to_owned())
}

/// Levenshtein distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distance_of_known_pairs() {
        for (a, b, expected) in
            [("", "abc", 3), ("song.wav", "sogn.wav", 2), ("same", "same", 0), ("kitten", "sitting", 3)]
        {
            assert_eq!(edit_distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_near_names_are_offered() {
        assert_eq!(nearest("unifrom", &["uniform", "mid-rise"]), Some("uniform".into()));
        assert_eq!(nearest("trellis", &["uniform", "mid-rise"]), None);
    }
}
