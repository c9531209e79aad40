//! What a line must match to be shown.

/// A filter with or without a word.
#[must_use]
pub fn toggled(filter: &str, word: &str) -> String {
    let mut words: Vec<&str> = filter.split_whitespace().collect();
    let before = words.len();
    words.retain(|other| *other != word);
    if words.len() == before {
        words.push(word);
    }
    words.join(" ")
}

/// Whether a line matches every word of a filter: `ibm`, a field as `state:failed`, `!` for the
/// opposite. `is` says whether it matches one word, in lower case, of a field or of any.
pub fn matches(filter: &str, is: impl Fn(Option<&str>, &str) -> bool) -> bool {
    filter.split_whitespace().all(|word| {
        let (word, wanted) = match word.strip_prefix('!') {
            Some(rest) if !rest.is_empty() => (rest, false),
            _ => (word, true),
        };
        let word = word.to_lowercase();
        let found = match word.split_once(':') {
            Some((field, text)) => is(Some(field), text),
            None => is(None, &word),
        };
        found == wanted
    })
}
