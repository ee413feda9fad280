//! Any bytes are a recipe or an error of one line; a recipe is read back from its text and its JSON.

use sqnr::{Error, recipe::Recipe};

/// Reads `bytes` as text and as JSON.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    check(text.parse());
    check(Recipe::from_json(text));
}

fn check(read: Result<Recipe, Error>) {
    let recipe = match read {
        Ok(recipe) => recipe,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert_eq!(recipe.to_string().parse::<Recipe>().expect("its own text"), recipe);
    assert_eq!(Recipe::from_json(&recipe.to_json()).expect("its own JSON"), recipe);
    let _ = recipe.contradictions();
    let _ = recipe.shell_line("a.wav");
}
