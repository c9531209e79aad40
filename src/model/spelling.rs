//! A symbol however it is spelled: sources write `BRK.B` and `BRK-B`, `BTC-USD` and `BTC/USD`.

/// Whether a symbol begins as it was typed, and how many letters and digits follow. Case, and what
/// stands between letters, do not count.
#[must_use]
pub fn begins(symbol: &str, typed: &str) -> Option<usize> {
    let mut rest = letters(symbol);
    let mut wanted = letters(typed).peekable();
    wanted.peek()?;
    for letter in wanted {
        if rest.next()? != letter {
            return None;
        }
    }
    Some(rest.count())
}

/// Whether a symbol is what was typed, however it is spelled.
#[must_use]
pub fn is(symbol: &str, typed: &str) -> bool {
    begins(symbol, typed) == Some(0)
}

fn letters(text: &str) -> impl Iterator<Item = u8> {
    let counts = |byte: &u8| !matches!(byte, b'-' | b'.' | b'/' | b'_');
    text.bytes()
        .filter(counts)
        .map(|byte| byte.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_is_known_by_any_of_its_spellings() {
        for (symbol, typed, left) in [
            ("BRK-B", "brk.b", Some(0)),
            ("BRK.B", "BRKB", Some(0)),
            ("BTC-USD", "btc/usd", Some(0)),
            ("BTC-USD", "BTCUSD", Some(0)),
            ("BTCUSDT", "BTC-USD", Some(1)),
            ("BTCUSDT", "btc_usdt", Some(0)),
            ("BTC-USD", "BTCUSDT", None),
            ("IBM", "IBMX", None),
            ("IBM", "-", None),
            ("IBM", "", None),
            ("FRA:IQQE", "FRAIQQE", None),
        ] {
            assert_eq!(begins(symbol, typed), left, "{symbol} {typed}");
        }
        assert!(is("BRK-B", "BRK/B") && !is("BTCUSDT", "BTCUSD"));
    }
}
