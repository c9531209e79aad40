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
}
