//! The characters of a candle: two price steps a row, and which way the price went without colour.
//!
//! In one column a heavy line is the body and a light line the wick. The tick at the top of the
//! body is that of OHLC charts: to the left is the open, to the right the close. So a candle that
//! fell carries its flag at the left (`┪`) and one that rose at the right (`┢`):
//!
//! ```text
//!  │ │
//!  ┪ ┢
//!  ┃ ┃
//!  ╿ ╿
//!  │
//! ```
//!
//! Box drawing has a character for every mix of light, heavy and tick, so no step is lost and a
//! body of one step still shows its way. A hollow double line has no half with a wick, dim or bold
//! are lost in a copied text, and a flag also shows where a row of candles touches.
//! In three columns there is room for the usual signs: filled fell, hollow rose.

/// What half a row of a candle's middle column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Nothing.
    Empty,
    /// Between high and low.
    Wick,
    /// Between open and close.
    Body,
}

/// Which way the price went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The close is above the open.
    Rose,
    /// The close is below the open.
    Fell,
    /// The close is the open.
    Stood,
}

/// A candle in price steps, counted from the top.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// First step of the wick.
    pub high: u16,
    /// First step of the body.
    pub top: u16,
    /// Last step of the body.
    pub bottom: u16,
    /// Last step of the wick.
    pub low: u16,
    /// Which way the price went.
    pub way: Direction,
}

impl Shape {
    fn half(&self, step: u16) -> Half {
        if (self.top..=self.bottom).contains(&step) {
            Half::Body
        } else if (self.high..=self.low).contains(&step) {
            Half::Wick
        } else {
            Half::Empty
        }
    }

    fn halves(&self, row: u16) -> (Half, Half) {
        let upper = row.saturating_mul(2);
        (self.half(upper), self.half(upper.saturating_add(1)))
    }

    fn is_top(&self, row: u16) -> bool {
        self.top / 2 == row
    }

    /// The character of a row in a candle of one column.
    #[must_use]
    pub fn narrow(&self, row: u16) -> char {
        use Half::{Body, Empty, Wick};
        if self.way == Direction::Stood && self.is_top(row) {
            return self.stood();
        }
        let halves = self.halves(row);
        let flag = self.is_top(row).then_some(self.way);
        match (halves, flag) {
            ((Body, Body), Some(Direction::Rose)) => '┣',
            ((Body, Empty), Some(Direction::Rose)) => '┗',
            ((Body, Wick), Some(Direction::Rose)) => '┡',
            ((Empty, Body), Some(Direction::Rose)) => '┏',
            ((Wick, Body), Some(Direction::Rose)) => '┢',
            ((Body, Body), Some(Direction::Fell)) => '┫',
            ((Body, Empty), Some(Direction::Fell)) => '┛',
            ((Body, Wick), Some(Direction::Fell)) => '┩',
            ((Empty, Body), Some(Direction::Fell)) => '┓',
            ((Wick, Body), Some(Direction::Fell)) => '┪',
            _ => line(halves),
        }
    }

    /// The characters of a row in a candle of three columns.
    #[must_use]
    pub fn wide(&self, row: u16) -> [char; 3] {
        if self.way == Direction::Stood {
            return if self.is_top(row) {
                ['╺', self.stood(), '╸']
            } else {
                [' ', line(self.halves(row)), ' ']
            };
        }
        let (upper, lower) = self.halves(row);
        let (left, right) = match (upper == Half::Body, lower == Half::Body) {
            (true, true) => ('▐', '▌'),
            (true, false) => ('▝', '▘'),
            (false, true) => ('▗', '▖'),
            (false, false) => (' ', ' '),
        };
        let middle = if self.way == Direction::Rose {
            let hollow = |half| {
                if half == Half::Body {
                    Half::Empty
                } else {
                    half
                }
            };
            line((hollow(upper), hollow(lower)))
        } else {
            match (upper, lower) {
                (Half::Body, Half::Body) => '█',
                (Half::Body, Half::Empty) => '▀',
                (Half::Empty, Half::Body) => '▄',
                mixed => line(mixed),
            }
        };
        [left, middle, right]
    }

    /// The character of a row where only ASCII may be drawn.
    #[must_use]
    pub fn ascii(&self, row: u16) -> char {
        let (upper, lower) = self.halves(row);
        match (upper == Half::Body || lower == Half::Body, self.way) {
            (true, Direction::Rose) => 'O',
            (true, Direction::Fell) => '#',
            (true, Direction::Stood) => '-',
            (false, _) if upper == Half::Wick || lower == Half::Wick => '|',
            (false, _) => ' ',
        }
    }

    const fn stood(&self) -> char {
        match (self.high < self.top, self.low > self.bottom) {
            (true, true) => '┿',
            (true, false) => '┷',
            (false, true) => '┯',
            (false, false) => '━',
        }
    }
}

const fn line(halves: (Half, Half)) -> char {
    use Half::{Body, Empty, Wick};
    match halves {
        (Empty, Empty) => ' ',
        (Empty, Wick) => '╷',
        (Empty, Body) => '╻',
        (Wick, Empty) => '╵',
        (Wick, Wick) => '│',
        (Wick, Body) => '╽',
        (Body, Empty) => '╹',
        (Body, Wick) => '╿',
        (Body, Body) => '┃',
    }
}

/// The character of a row of a histogram's column that is filled to this many parts of `per_row`.
#[must_use]
pub fn filled(parts: u16, ascii: bool) -> char {
    const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 4] = [' ', '.', ':', '|'];
    let steps: &[char] = if ascii { &ASCII } else { &BLOCKS };
    let parts = usize::from(parts).min(steps.len() - 1);
    steps.get(parts).copied().unwrap_or(' ')
}
