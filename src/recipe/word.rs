//! Closed sets of words: one list a set holds each word, what it stands for, and what it means.

use crate::{Error, Result};

/// A choice that is written as a word, such as a kind of dither.
///
/// ```
/// use sqnr::recipe::{NamedMethod, Word};
///
/// assert_eq!(NamedMethod::of_word("lloyd-max")?, NamedMethod::LloydMax);
/// assert_eq!(NamedMethod::LloydMax.word(), "lloyd-max");
/// // A wrong word is answered with all the right ones.
/// assert!(NamedMethod::of_word("loyd").unwrap_err().to_string().contains("lloyd-max"));
/// # Ok::<(), sqnr::Error>(())
/// ```
pub trait Word: Copy + PartialEq + Sized + 'static {
    /// The field that takes these words, as errors name it.
    const FIELD: &'static str;
    /// Each word, the value it stands for, and its meaning in a few words (empty where the word says it). The first
    /// word of a value is the one that is written; later ones are other spellings.
    const WORDS: &'static [(&'static str, Self, &'static str)];

    /// The word for this value.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value, _)| *value == self).map_or("", |(word, ..)| word)
    }

    /// The value that `text` stands for.
    ///
    /// # Errors
    /// `InvalidParameter` with all the words when it is none of them.
    fn of_word(text: &str) -> Result<Self> {
        let found = Self::WORDS.iter().find(|(word, ..)| *word == text);
        found.map(|(_, value, _)| *value).ok_or_else(|| Error::invalid(Self::FIELD, text, Self::list()))
    }

    /// All words, with commas between them.
    fn list() -> String {
        let words: Vec<&str> = Self::WORDS.iter().map(|(word, ..)| *word).collect();
        words.join(", ")
    }
}
