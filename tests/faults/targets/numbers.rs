//! Decimals: what is accepted is the number that was written, to the eighth digit.

use pipeline_tui::model::Price;

/// Texts of any bytes, few of them other than digits.
pub fn prices(data: &[u8]) {
    let text: String = data.iter().take(64).map(|byte| sign(*byte)).collect();
    let Ok((price, rounded)) = Price::parse(&text) else {
        let is_plain =
            text.len() <= 10 && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        assert!(!is_plain, "{text} is a number");
        return;
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    assert!(
        !whole.is_empty() && all_digits(whole) && all_digits(fraction),
        "{text}"
    );
    assert!(
        (0..9_000_000_000_000_000_000).contains(&price.units()),
        "{text}"
    );
    // The digits themselves, cut after the eighth: the price is that, or one more where rounded up.
    let digits: String = fraction.chars().chain("00000000".chars()).take(8).collect();
    let cut: i128 = format!("{whole}{digits}").parse().unwrap();
    let rest = fraction.get(8..).unwrap_or("");
    assert_eq!(rounded, rest.bytes().any(|b| b != b'0'), "{text}");
    let half = match rest.as_bytes() {
        [b'0'..=b'4', ..] | [] => std::cmp::Ordering::Less,
        [b'5', zeros @ ..] if zeros.iter().all(|b| *b == b'0') => std::cmp::Ordering::Equal,
        _ => std::cmp::Ordering::Greater,
    };
    let up = match half {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => cut % 2,
        std::cmp::Ordering::Greater => 1,
    };
    assert_eq!(i128::from(price.units()), cut + up, "{text}");
    assert_eq!(
        Price::parse(&price.to_string()),
        Ok((price, false)),
        "{text}"
    );
    assert_eq!(
        Price::from_decimal(price.to_decimal()),
        Some(price),
        "{text}"
    );
}

/// Most bytes are digits, some are points, the others stand for what they are.
fn sign(byte: u8) -> char {
    match byte {
        b'0'..=b'9' | b'.' => char::from(byte),
        128..=239 => char::from(b'0' + byte % 10),
        240..=247 => '.',
        248..=251 => '０',
        other => char::from(other),
    }
}
