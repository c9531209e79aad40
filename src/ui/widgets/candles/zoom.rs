//! The closed scale of the chart: how wide a candle is, or how many bars it takes together.

use std::fmt;

/// Columns a candle takes, and bars in a candle; widest first. One of the two is always 1.
const SCALE: [(u16, u32); 12] = [
    (3, 1),
    (2, 1),
    (1, 1),
    (1, 2),
    (1, 5),
    (1, 10),
    (1, 20),
    (1, 50),
    (1, 100),
    (1, 200),
    (1, 500),
    (1, 1000),
];

/// A place on the scale, from three columns per bar to a thousand bars per column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zoom(usize);

impl Default for Zoom {
    /// Two columns per bar: the closest together at which candles stay apart.
    fn default() -> Self {
        Self(1)
    }
}

impl Zoom {
    /// Every place on the scale, widest candles first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SCALE.len()).map(Self)
    }

    /// One step closer; stays at the closest.
    #[must_use]
    pub const fn zoom_in(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// One step further away; stays at the furthest.
    #[must_use]
    pub fn zoom_out(self) -> Self {
        Self(self.0.saturating_add(1).min(SCALE.len() - 1))
    }

    /// The columns of a candle with its gap.
    #[must_use]
    pub fn cells(self) -> u16 {
        SCALE.get(self.0).map_or(1, |(cells, _)| *cells)
    }

    /// The bars of a candle.
    #[must_use]
    pub fn bars(self) -> u32 {
        SCALE.get(self.0).map_or(1, |(_, bars)| *bars)
    }
}

impl fmt::Display for Zoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&match (self.cells(), self.bars()) {
            (1, 1) => "1 bar per column".to_owned(),
            (1, bars) => format!("{bars} bars per column"),
            (cells, _) => format!("{cells} columns per bar"),
        })
    }
}
