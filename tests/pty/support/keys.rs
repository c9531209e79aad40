//! What a terminal sends for a key.

/// The bytes of a key: `f`, `enter`, `ctrl-c`, `f12`, …
pub fn bytes(key: &str) -> Vec<u8> {
    let sequence = match key {
        "enter" => "\r",
        "esc" => "\x1b",
        "tab" => "\t",
        "backtab" => "\x1b[Z",
        "backspace" => "\x7f",
        "space" => " ",
        "up" => "\x1b[A",
        "down" => "\x1b[B",
        "right" => "\x1b[C",
        "left" => "\x1b[D",
        "home" => "\x1b[H",
        "end" => "\x1b[F",
        "pageup" => "\x1b[5~",
        "pagedown" => "\x1b[6~",
        "delete" => "\x1b[3~",
        "f1" => "\x1bOP",
        "f12" => "\x1b[24~",
        _ => return other(key),
    };
    sequence.into()
}

fn other(key: &str) -> Vec<u8> {
    let letter = |text: &str| {
        let mut characters = text.chars();
        characters.next().filter(|_| characters.next().is_none())
    };
    if let Some(character) = letter(key) {
        return character.to_string().into_bytes();
    }
    match key.strip_prefix("ctrl-").and_then(letter) {
        Some(character @ 'a'..='z') => vec![u8::try_from(character).unwrap() & 0x1f],
        _ => panic!("no key is called {key:?}"),
    }
}
