//! Texts that others wrote: they are made harmless, and so are errors about them.

use pipeline_tui::model::text;
use pipeline_tui::model::{Interval, Symbol};
use pipeline_tui::simulate::{Fault, Plant};
use unicode_width::UnicodeWidthChar as _;

use super::harmless::assert_harmless;

/// The sanitizer, and what is built on it.
pub fn clean(data: &[u8]) {
    let (bound, body) = match data {
        [first, body @ ..] if *first < 64 => (usize::from(*first), body),
        body => (512, body),
    };
    let dirty = characters(body);
    let safe = text::clean_to(&dirty, bound);
    assert_harmless(&safe, bound);
    let mut marks = 0;
    for c in safe.chars() {
        marks = if c.width() == Some(0) { marks + 1 } else { 0 };
        assert!(marks <= 8, "{safe:?}");
    }
    if safe.chars().count() <= bound {
        assert_eq!(
            text::clean_to(&safe, bound),
            safe,
            "cleaning twice changes nothing"
        );
        let printable = dirty
            .chars()
            .filter(|c| !c.is_ascii() || c.is_ascii_graphic() || *c == ' ');
        let is_plain = printable.clone().all(|c| c.is_ascii()) && printable.count() == dirty.len();
        assert!(
            !is_plain || safe == dirty,
            "plain text is unchanged: {dirty:?}"
        );
    }
    let cell = text::without_formula(&safe);
    let is_number = cell.parse::<f64>().is_ok();
    assert!(
        is_number || !cell.starts_with(['=', '+', '-', '@']),
        "{cell:?}"
    );
    if let Err(error) = dirty.parse::<Symbol>() {
        assert_harmless(&error.to_string(), 200);
    }
    if let Err(error) = dirty.parse::<Interval>() {
        assert_harmless(&error.to_string(), 700);
    }
}

/// UTF-8 as far as it is, else a character for each two bytes, which reaches all planes' lower parts.
fn characters(body: &[u8]) -> String {
    std::str::from_utf8(body).map_or_else(
        |_| {
            let pairs = body.chunks_exact(2);
            pairs
                .map(|pair| match pair {
                    // Every block that holds characters without width, or that act.
                    [high @ 0..=0x0f, low] => 0x2000 + u32::from(*high) * 16 + u32::from(*low),
                    [high @ 0x10..=0x1f, low] => {
                        0xe0000 + u32::from(*high & 1) * 256 + u32::from(*low)
                    }
                    [high @ 0x20..=0x2f, low] => {
                        0xfe00 + u32::from(*high & 1) * 256 + u32::from(*low)
                    }
                    [high @ 0x30..=0x5f, low] => {
                        0x300 + u32::from(*high & 3) * 256 + u32::from(*low)
                    }
                    [high, low] => u32::from(*high) * 256 + u32::from(*low),
                    _ => 0,
                })
                .filter_map(char::from_u32)
                .collect()
        },
        str::to_owned,
    )
}

/// The simulator's grammars of faults and of plants.
pub fn faults(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let refused = [
        text.parse::<Fault>().err().map(|error| error.to_string()),
        text.parse::<Plant>().err().map(|error| error.to_string()),
    ];
    for error in refused.into_iter().flatten() {
        assert_harmless(&error, 1_500);
        assert!(!error.is_empty());
    }
}
