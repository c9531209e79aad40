//! Attack strings, and what an output must not contain. Shares nothing with the program's own list.

use fastrand::Rng;

/// What attacks are made of: sequences of every kind, controls, direction, marks, quotes, formulas.
const PIECES: &[&str] = &[
    "\u{1b}[2J",
    "\u{1b}[31m",
    "\u{1b}[6n",
    "\u{1b}[?1049h",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]8;;http://x\u{1b}\\",
    "\u{1b}]50;#3\u{7}",
    "\u{1b}]52;c;aGk=\u{7}",
    "\u{1b}Pq\u{1b}\\",
    "\u{1b}_G\u{1b}\\",
    "\u{1b}c",
    "\u{1b}(0",
    "\u{1b}[8;1;1t",
    "\u{9b}31m",
    "\u{9d}0;t\u{9c}",
    "\u{90}q\u{9c}",
    "\u{85}",
    "\u{0}",
    "\u{7}",
    "\u{8}\u{8}\u{8}",
    "\u{b}",
    "\u{c}",
    "\r",
    "\n",
    "\r\n",
    "\t",
    "\u{7f}",
    "\u{202e}",
    "\u{202d}",
    "\u{2066}",
    "\u{2069}",
    "\u{200e}",
    "\u{200f}",
    "\u{61c}",
    "\u{200b}",
    "\u{200d}",
    "\u{2060}",
    "\u{feff}",
    "\u{2028}",
    "\u{2029}",
    "\u{e0041}",
    "a\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "é",
    "株式",
    "🏦",
    "\u{fffd}",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    "\"",
    "'",
    "\\",
    "`",
    "$(id)",
    "${HOME}",
    "%s%n",
    "%1b",
    "%00",
    "../../etc/passwd",
    "'; DROP TABLE bars; --",
    "<script>",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "=",
    "#",
    "&",
    "?",
    "/",
    " ",
    "IBM",
    "2024-02-20",
    "1e400",
    "NaN",
    "9999999999999999999999",
    "demo",
    "postgres://u:p@h/d",
    "sqlite://",
];

/// This many strings, the same ones for the same seed.
pub fn strings(seed: u64, count: usize) -> impl Iterator<Item = String> {
    let mut random = Rng::with_seed(seed);
    (0..count).map(move |number| {
        // Each piece alone, then mixtures of them.
        if let Some(piece) = PIECES.get(number) {
            return (*piece).to_owned();
        }
        let most = if random.u8(..) == 0 { 300 } else { 12 };
        (0..random.usize(1..=most))
            .map(|_| match random.u8(..) {
                0..=15 => random.char('\0'..='\u{9f}').to_string(),
                16..=31 => random.char(..).to_string(),
                _ => PIECES[random.usize(..PIECES.len())].to_owned(),
            })
            .collect()
    })
}

/// What a terminal, a log or a reader would be deceived by.
pub fn is_hostile(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Asserts that a text of the program is one harmless line of bounded length.
#[track_caller]
pub fn assert_harmless(place: &str, text: &str) {
    assert!(!text.contains(is_hostile), "{place}: {text:?}");
    let most = text.chars().count();
    assert!(most < 8_192, "{place} has {most} characters");
    let mut marks = 0;
    for c in text.chars() {
        marks = if matches!(c, '\u{300}'..='\u{36f}') {
            marks + 1
        } else {
            0
        };
        assert!(marks <= 8, "{place}: {text:?}");
    }
}

/// The same of an output of many lines.
#[track_caller]
pub fn assert_harmless_lines(place: &str, text: &str) {
    for line in text.split('\n') {
        assert_harmless(place, line);
    }
}

#[test]
fn the_corpus_holds_what_it_promises() {
    let all: Vec<String> = strings(1, 10_000).collect();
    let hostile = all.iter().filter(|text| text.contains(is_hostile)).count();
    assert!(hostile > 6_000, "{hostile}");
    assert!(all.iter().any(|text| text.len() > 1_000));
    let distinct: std::collections::BTreeSet<&String> = all.iter().collect();
    assert!(distinct.len() > 9_000, "{}", distinct.len());
    assert_eq!(
        strings(7, 50).collect::<Vec<_>>(),
        strings(7, 50).collect::<Vec<_>>()
    );
}
