//! A stretch of trading around the clock, and its division into shorter ones.
//!
//! A day is given first, then divided: into quarters, hours, and down to minutes. The parts follow
//! each other without a jump, reach the high and the low of the whole, and share its trades and its
//! volume to the last unit. So a long bar is exactly the sum of its minutes, and costs no more than
//! one of them.

use super::noise::{below, float, mix, nearest, unit};

/// A decimal with eight digits after the point, as a whole number.
pub(super) type Units = i64;

/// Seconds in a day.
pub(super) const DAY: i64 = 86_400;
/// Seconds in a minute, which is not divided.
pub(super) const MINUTE: i64 = 60;
/// How many parts a piece of some length has: six hours, an hour, 15, 5 and 1 minutes.
const PARTS: [(i64, i64); 5] = [(DAY, 4), (21_600, 6), (3_600, 4), (900, 3), (300, 5)];
/// The part of a span that the wicks of its parts may take.
const WICKS: f64 = 5.0;
/// A share of a whole is measured in millionths.
const MILLION: i64 = 1_000_000;

/// The longest piece of which bars of a length are made.
pub(super) fn divisor(length: i64) -> i64 {
    let known = PARTS.iter().map(|(known, _)| *known);
    known
        .into_iter()
        .find(|known| length % known == 0)
        .unwrap_or(MINUTE)
}

/// What traded in a stretch of time; without trades it is flat at the last price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// When it begins, and for how long it lasts, in seconds.
    pub start: i64,
    pub length: i64,
    pub open: Units,
    pub high: Units,
    pub low: Units,
    pub close: Units,
    pub volume: Units,
    /// Groups of four trades.
    pub groups: i64,
}

impl Piece {
    /// When it ends.
    pub(super) const fn end(&self) -> i64 {
        self.start + self.length
    }

    /// Both as one; `later` follows.
    pub(super) fn then(self, later: Self) -> Self {
        Self {
            start: self.start,
            length: later.end() - self.start,
            open: self.open,
            high: self.high.max(later.high),
            low: self.low.min(later.low),
            close: later.close,
            volume: self.volume + later.volume,
            groups: self.groups + later.groups,
        }
    }

    /// What is known of it before it has ended: a straight line towards its close.
    pub(super) fn until(self, now: i64, tick: Units) -> Self {
        if now >= self.end() {
            return self;
        }
        let part = float(now - self.start) / float(self.length);
        let moved = nearest(float(self.close - self.open) * part / float(tick)) * tick;
        let close = self.open + moved;
        let some = |whole: i64| nearest(float(whole) * part).clamp(whole.min(1), whole);
        Self {
            high: self.open.max(close),
            low: self.open.min(close),
            close,
            volume: some(self.volume),
            groups: some(self.groups),
            ..self
        }
    }

    /// Its parts, oldest first; none of a minute. Prices are multiples of `tick`.
    pub(super) fn parts(&self, stream: u64, tick: Units) -> Vec<Self> {
        let count = PARTS.iter().find(|(length, _)| *length == self.length);
        let Some((length, count)) = count else {
            return Vec::new();
        };
        let place = mix(stream, self.length.cast_unsigned());
        let draws = Draws(mix(place, self.start.cast_unsigned()));
        let weights = (0..*count).map(|part| 500 + draws.below(part, 1_000));
        let groups = shares(self.groups, weights, draws.below(100, 1_000_000));
        let heavy = |(part, groups): (i64, &i64)| groups * (500 + draws.below(part, 1_000));
        let weights = (200..).zip(&groups).map(heavy);
        let volumes = shares(self.volume - self.groups, weights, 0);
        let mut parts: Vec<Self> = (0..*count)
            .zip(groups.iter().zip(volumes))
            .map(|(part, (groups, volume))| Self {
                start: self.start + part * (length / count),
                length: length / count,
                volume: groups + volume,
                groups: *groups,
                ..*self
            })
            .collect();
        self.draw(&mut parts, &draws, tick);
        parts
    }

    /// Gives the parts their prices.
    fn draw(&self, parts: &mut [Self], draws: &Draws, tick: Units) {
        let span = float(self.high - self.low);
        let ticks = |price: f64| nearest(price / float(tick)) * tick;
        let traded: i64 = parts.iter().map(|part| part.groups.min(1)).sum();
        let (mut last, mut place) = (self.open, 0);
        for (index, part) in (300..).zip(parts.iter_mut()) {
            part.open = last;
            if part.groups > 0 {
                place += 1;
                let way = float(place) / float(traded);
                let line = float(self.close - self.open) * way;
                let aside = draws.signed(index) * span * (way * (1.0 - way)).sqrt();
                last = self.open + ticks(line + aside);
                last = last.clamp(self.low, self.high);
            }
            if place == traded {
                last = self.close;
            }
            part.close = last;
            let wick = |index| ticks(draws.unit(index).powi(2) * span / WICKS);
            let reach = if part.groups > 0 {
                (wick(index + 100), wick(index + 200))
            } else {
                (0, 0)
            };
            part.high = (part.open.max(part.close) + reach.0).min(self.high);
            part.low = (part.open.min(part.close) - reach.1).max(self.low);
        }
        let mut busy: Vec<&mut Self> = parts.iter_mut().filter(|part| part.groups > 0).collect();
        if let Some(top) = busy.iter_mut().max_by_key(|part| part.open.max(part.close)) {
            top.high = self.high;
        }
        if let Some(bottom) = busy.iter_mut().min_by_key(|part| part.open.min(part.close)) {
            bottom.low = self.low;
        }
    }
}

/// Random numbers of one piece.
struct Draws(u64);

impl Draws {
    fn word(&self, index: i64) -> u64 {
        mix(self.0, index.cast_unsigned())
    }

    fn below(&self, index: i64, bound: u32) -> i64 {
        i64::from(below(self.word(index), bound))
    }

    fn unit(&self, index: i64) -> f64 {
        unit(self.word(index))
    }

    fn signed(&self, index: i64) -> f64 {
        self.unit(index) - 0.5
    }
}

/// A whole number shared by weights, to the last unit. The offset, in millionths, moves the borders,
/// so that a small number does not always go to the same parts.
fn shares(whole: i64, weights: impl Iterator<Item = i64>, offset: i64) -> Vec<i64> {
    let weights: Vec<i64> = weights.collect();
    let all = i128::from(weights.iter().sum::<i64>().max(1));
    let million = i128::from(MILLION);
    let (mut weighed, mut given) = (0, 0);
    let share = |weight: &i64| {
        weighed += i128::from(*weight);
        let border = i128::from(whole) * weighed * million + i128::from(offset) * all;
        let border = i64::try_from(border / (all * million)).unwrap_or(whole);
        let share = border - given;
        given = border;
        share
    };
    weights.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn merged(parts: &[Piece]) -> Piece {
        parts.iter().copied().reduce(Piece::then).unwrap()
    }

    proptest! {
        #[test]
        fn parts_are_the_whole(
            stream: u64,
            day in 0_i64..30_000,
            low in 1_i64..1_000_000,
            span in 0_i64..10_000,
            ends in (0_i64..=10_000, 0_i64..=10_000),
            groups in 1_i64..5_000,
            volume in 0_i64..10_i64.pow(15),
        ) {
            let tick = 1_000;
            let at = |end: i64| (low + end.min(span)) * tick;
            let mut pieces = vec![Piece {
                start: day * DAY,
                length: DAY,
                open: at(ends.0),
                high: at(span),
                low: at(0),
                close: at(ends.1),
                volume: groups + volume,
                groups,
            }];
            while pieces[0].length > MINUTE {
                let longer = std::mem::take(&mut pieces);
                for piece in &longer {
                    let parts = piece.parts(stream, tick);
                    prop_assert_eq!(merged(&parts), *piece);
                    pieces.extend(parts);
                }
            }
            prop_assert_eq!(pieces.len(), 1_440);
            prop_assert!(pieces[0].parts(stream, tick).is_empty());
            for piece in &pieces {
                let Piece { open, high, low, close, .. } = *piece;
                prop_assert!(low <= open.min(close) && open.max(close) <= high, "{:?}", piece);
                prop_assert!([open, high, low, close].iter().all(|price| price % tick == 0));
                prop_assert_eq!(piece.groups == 0, piece.volume == 0);
                prop_assert!(piece.groups > 0 || high == low);
            }
        }
    }

    #[test]
    fn bars_are_made_of_the_longest_pieces_that_fit() {
        let pairs = [
            (60, 60),
            (180, 60),
            (300, 300),
            (1_800, 900),
            (28_800, 3_600),
        ];
        for (length, piece) in pairs.into_iter().chain([(43_200, 21_600), (7 * DAY, DAY)]) {
            assert_eq!(divisor(length), piece, "{length}");
        }
    }

    #[test]
    fn a_running_piece_grows() {
        let whole = Piece {
            start: 600,
            length: MINUTE,
            open: 100,
            high: 190,
            low: 90,
            close: 160,
            volume: 120,
            groups: 3,
        };
        let half = whole.until(630, 1);
        assert_eq!(
            (half.open, half.close, half.high, half.low),
            (100, 130, 130, 100)
        );
        assert_eq!((half.volume, half.groups), (60, 2));
        assert_eq!(whole.until(660, 1), whole);
    }
}
