//! Whether a text may be shown: a list of its own, so that a hole in the sanitizer's is seen.

/// The characters that an escape of one character takes at most: `\u{10ffff}`.
const ESCAPE: usize = 10;

/// Panics unless nothing in `text` acts on a terminal or a log, and it has at most `max` characters
/// and their escapes.
#[track_caller]
pub fn assert_harmless(text: &str, max: usize) {
    for c in text.chars() {
        // Control characters of ASCII and Latin-1; marks of direction, embeddings, overrides and
        // isolates; zero-width characters, line and paragraph separators, tags.
        let acts = matches!(
            u32::from(c),
            0x00..=0x1f | 0x7f..=0x9f
                | 0x061c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069
                | 0x200b..=0x200d | 0x2060 | 0xfeff | 0x2028 | 0x2029 | 0xe0000..=0xe007f
        );
        assert!(!acts, "{c:?} in {text:?}");
    }
    let chars = text.chars().count();
    assert!(chars <= max * ESCAPE + 1, "{chars} characters: {text:?}");
}
