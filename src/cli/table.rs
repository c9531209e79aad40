//! Aligned columns.

use unicode_width::UnicodeWidthStr;

/// Lays rows out under their heads; columns whose head starts with `>` are aligned to the right.
pub fn layout(heads: &[&str], rows: &[Vec<String>]) -> String {
    let right: Vec<bool> = heads.iter().map(|head| head.starts_with('>')).collect();
    let heads: Vec<String> = heads
        .iter()
        .map(|head| head.trim_start_matches('>').to_owned())
        .collect();
    let lines = || std::iter::once(&heads).chain(rows);
    let widths: Vec<usize> = (0..heads.len())
        .map(|column| {
            lines()
                .filter_map(|line| line.get(column))
                .map(|cell| cell.width())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for line in lines() {
        let mut out = String::new();
        for ((cell, width), right) in line.iter().zip(&widths).zip(&right) {
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            let (before, after) = if *right {
                (padding.as_str(), "")
            } else {
                ("", padding.as_str())
            };
            if !out.is_empty() {
                out.push_str("  ");
            }
            out.push_str(before);
            out.push_str(cell);
            out.push_str(after);
        }
        text.push_str(out.trim_end());
        text.push('\n');
    }
    text
}

/// A number with its thousands separated.
pub fn thousands(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_cell_width() {
        let rows = vec![
            vec!["株".into(), "1".into()],
            vec!["IBM".into(), "1,000".into()],
        ];
        assert_eq!(
            layout(&["SYMBOL", ">VOLUME"], &rows),
            "SYMBOL  VOLUME\n株           1\nIBM      1,000\n"
        );
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(
            [0, 999, 1_000, -1_234_567].map(thousands),
            ["0", "999", "1,000", "-1,234,567"]
        );
    }
}
