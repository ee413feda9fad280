//! What reading the inputs found wrong and could be lived with. Whatever reads them, and however often, the user hears each
//! thing once.

use std::sync::{Mutex, PoisonError};

/// Name of the input, and a warning of it.
type Note = (String, String);

static NOTES: Mutex<Vec<Note>> = Mutex::new(Vec::new());

/// Notes the warnings of an input that was read.
pub fn add(input: &str, warnings: &[String]) {
    let mut notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    for warning in warnings {
        let is_known = |(name, text): &Note| name == input && text == warning;
        if !notes.iter().any(is_known) {
            notes.push((input.to_owned(), warning.clone()));
        }
    }
}

/// Takes out those of one input.
pub fn take(input: &str) -> Vec<String> {
    let mut notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    let (own, others) = std::mem::take(&mut *notes).into_iter().partition(|(name, _)| name == input);
    *notes = others;
    own.into_iter().map(|(_, warning)| warning).collect()
}

/// Takes out all, a line each with the input's name.
pub fn take_all() -> Vec<String> {
    let mut notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *notes).into_iter().map(|(name, warning)| format!("{name}: {warning}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_told_once() {
        let warnings = ["cut short".to_owned(), "odd size".to_owned()];
        add("notes-a.wav", &warnings);
        add("notes-a.wav", &warnings);
        add("notes-b.wav", &warnings[..1]);
        assert_eq!(take("notes-a.wav"), warnings);
        assert_eq!(take("notes-a.wav"), [""; 0]);
        assert!(take_all().contains(&"notes-b.wav: cut short".to_owned()));
    }
}
