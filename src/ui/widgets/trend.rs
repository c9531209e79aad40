//! A series of closes as one word of block characters, or as a picture of several lines. Draws
//! nothing itself.

use super::candles::filled;
use crate::model::Price;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 5] = ['_', '.', '-', '=', '^'];

/// The closes, oldest first, as exactly `width` characters; nothing when there are no closes.
///
/// Each character is the last close of its share, so the last one is always the last close.
/// Equal closes are a flat line at half height, which says "no move" where the lowest block would
/// say "at the bottom".
#[must_use]
pub fn trend(closes: &[Price], width: usize, ascii: bool) -> String {
    let glyphs: &[char] = if ascii { &ASCII } else { &BLOCKS };
    levels(closes, width, glyphs.len().saturating_sub(1))
        .iter()
        .filter_map(|level| glyphs.get(*level))
        .collect()
}

/// The closes as a picture of `height` lines, from the top: a column is filled up to its close,
/// the lowest by the least that can be seen.
#[must_use]
pub fn area(closes: &[Price], width: usize, height: usize, ascii: bool) -> Vec<String> {
    let per_row = if ascii { 3 } else { 8 };
    let top = (per_row * height).saturating_sub(1);
    let levels = levels(closes, width, top);
    let row = |above_base: usize| {
        let parts = |level: &usize| (level + 1).saturating_sub(above_base * per_row);
        levels
            .iter()
            .map(|level| filled(u16::try_from(parts(level)).unwrap_or(u16::MAX), ascii))
            .collect()
    };
    (0..height).rev().map(row).collect()
}

/// How high each column is, from 0 to `top`.
fn levels(closes: &[Price], width: usize, top: usize) -> Vec<usize> {
    let sampled = || {
        (1..=width).filter_map(|end| {
            let end = end.saturating_mul(closes.len()).div_ceil(width.max(1));
            closes
                .get(end.saturating_sub(1))
                .map(|close| i128::from(close.units()))
        })
    };
    let (Some(low), Some(high)) = (sampled().min(), sampled().max()) else {
        return vec![];
    };
    let level = |close: i128| {
        if low == high {
            return top / 2;
        }
        let steps = i128::try_from(top).unwrap_or(0);
        let span = high - low;
        usize::try_from(((close - low) * steps * 2 + span) / (span * 2)).unwrap_or(0)
    };
    sampled().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closes(values: &[i64]) -> Vec<Price> {
        values
            .iter()
            .map(|value| Price::from_units(*value))
            .collect()
    }

    #[test]
    fn a_rise_climbs_from_the_lowest_block_to_the_highest() {
        let rise = closes(&[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(trend(&rise, 8, false), "▁▂▃▄▅▆▇█");
        assert_eq!(trend(&rise, 4, false), "▁▃▆█");
        assert_eq!(trend(&rise, 8, true), "_..--==^");
    }

    #[test]
    fn a_picture_is_filled_up_to_each_close() {
        let rise = closes(&[1, 2, 3, 4]);
        assert_eq!(area(&rise, 4, 2, false), ["  ▃█", "▁▆██"]);
        assert_eq!(area(&rise, 4, 2, true), ["  .|", ".|||"]);
        assert_eq!(area(&closes(&[5, 5]), 3, 2, false), ["   ", "███"]);
        assert_eq!(area(&[], 3, 2, false), ["", ""]);
        assert_eq!(area(&rise, 0, 1, false), [""]);
        assert_eq!(area(&rise, 3, 0, true), Vec::<String>::new());
    }

    #[test]
    fn equal_closes_are_flat_at_half_height() {
        assert_eq!(trend(&closes(&[5, 5, 5]), 6, false), "▄▄▄▄▄▄");
        assert_eq!(trend(&closes(&[5]), 3, true), "---");
    }

    #[test]
    fn fewer_closes_are_stretched_and_the_last_one_is_kept() {
        assert_eq!(trend(&closes(&[1, 9]), 6, false), "▁▁▁███");
        assert_eq!(trend(&closes(&[1, 1, 1, 1, 9]), 2, false), "▁█");
    }

    #[test]
    fn nothing_and_extremes_are_drawn_too() {
        assert_eq!(trend(&[], 5, false), "");
        assert_eq!(trend(&closes(&[1, 2]), 0, false), "");
        assert_eq!(trend(&closes(&[i64::MIN, i64::MAX]), 2, false), "▁█");
    }
}
