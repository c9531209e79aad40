//! An asset traded at a venue around the clock: its days, and its bars of any length.

use std::ops::Range;

use chrono::{DateTime, NaiveDate, Utc};

use super::assets::{Asset, Listing};
use super::noise::{float, mix, mix_text, nearest, smooth, unit};
use super::piece::{DAY, MINUTE, Piece, Units, divisor};
use super::plant::What;

/// Layers of the price path, each four times as long and twice as high as the one before: from a
/// day to eleven years.
const LAYERS: u64 = 7;
/// Spread of the logarithm of a price in a day.
const SPREAD: f64 = 0.022;
/// How far apart two venues are, as a fraction of the price.
const APART: f64 = 0.000_4;
/// The beginning of 2026, when the prices of the assets were theirs.
const KNOWN_AT: i64 = 1_767_225_600;
const SECONDS_A_YEAR: f64 = 31_557_600.0;
/// One as a number of units.
const ONE: f64 = 1e8;

/// An asset at a venue.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    asset: &'static Asset,
    /// The same at all venues.
    path: u64,
    stream: u64,
    tick: Units,
    /// When it is traded, in seconds.
    traded: Range<i64>,
    gaps: Vec<Gap>,
}

/// Minutes whose bars are not there, in seconds.
#[derive(Debug, Clone)]
struct Gap {
    minutes: Range<i64>,
    /// When their bars appear; `None` for never.
    filled: Option<i64>,
}

impl Pair {
    /// An asset at a venue, with what is planted for it; `None` for an unknown asset.
    pub(super) fn new<'a>(
        seed: u64,
        venue: &str,
        listing: &Listing,
        planted: impl Iterator<Item = &'a What>,
    ) -> Option<Self> {
        let asset = Asset::named(listing.base)?;
        let path = mix_text(seed, listing.base);
        let mut pair = Self {
            asset,
            path,
            stream: mix_text(mix_text(path, venue), listing.quote),
            tick: 10_i64.pow(8_u32.saturating_sub(asset.decimals)),
            traded: second(listing.first_day())..listing.end().map_or(i64::MAX, second),
            gaps: Vec::new(),
        };
        for what in planted {
            pair.plant(what);
        }
        Some(pair)
    }

    fn plant(&mut self, what: &What) {
        let seconds =
            |minutes: &Range<DateTime<Utc>>| minutes.start.timestamp()..minutes.end.timestamp();
        match what {
            What::Halt(minutes) => self.stop(seconds(minutes)),
            What::Late { minutes, appear } => self.gaps.push(Gap {
                minutes: seconds(minutes),
                filled: Some(appear.timestamp()),
            }),
            What::Listed(date) => self.traded.start = second(*date),
            // The others are about companies and exchanges that close, or about requests.
            _ => {}
        }
    }

    /// No bars ever of some seconds.
    pub(super) fn stop(&mut self, minutes: Range<i64>) {
        self.gaps.push(Gap {
            minutes,
            filled: None,
        });
    }

    /// From when until when it is traded, in seconds.
    pub(super) const fn traded(&self) -> &Range<i64> {
        &self.traded
    }

    /// Bars, oldest first: of those that begin in `range` what is known at `now`.
    ///
    /// `label` gives the beginning of the bar that holds a second, and `length` is that of a bar, or
    /// of the shortest. Where nothing trades a bar is flat, and
    /// where there are none by a halt it is missing.
    pub(super) fn bars(
        &self,
        range: Range<i64>,
        now: i64,
        length: i64,
        label: impl Fn(i64) -> i64,
    ) -> Vec<(i64, Piece)> {
        let from = range.start.max(self.traded.start);
        let until = range.end.min(self.traded.end).min(now);
        let mut bars: Vec<(i64, Piece)> = Vec::new();
        let divisor = divisor(length);
        let mut day = from - from.rem_euclid(DAY);
        while day < until {
            self.walk(self.day(day), &(from..until), now, divisor, &mut |piece| {
                let start = label(piece.start);
                match bars.last_mut() {
                    Some((last, bar)) if *last == start => *bar = bar.then(piece),
                    _ => bars.push((start, piece)),
                }
            });
            day += DAY;
        }
        bars
    }

    fn walk(
        &self,
        piece: Piece,
        range: &Range<i64>,
        now: i64,
        divisor: i64,
        emit: &mut impl FnMut(Piece),
    ) {
        if piece.start >= range.end || piece.end() <= range.start {
            return;
        }
        let is_within = range.start <= piece.start && piece.end() <= range.end;
        let is_whole = is_within && piece.end() <= now && !self.lacks_some(&piece, now);
        if is_whole && piece.length <= divisor {
            emit(piece);
        } else if piece.length > MINUTE {
            for part in piece.parts(self.stream, self.tick) {
                self.walk(part, range, now, divisor, emit);
            }
        } else if !self.lacks_some(&piece, now) {
            emit(piece.until(now, self.tick));
        }
    }

    fn lacks_some(&self, piece: &Piece, now: i64) -> bool {
        self.gaps.iter().any(|gap| {
            let meets = gap.minutes.start < piece.end() && piece.start < gap.minutes.end;
            meets && gap.filled.is_none_or(|filled| now < filled)
        })
    }

    /// The day that begins at a second.
    fn day(&self, start: i64) -> Piece {
        let word = mix(self.stream, start.cast_unsigned());
        let (open, close) = (self.price(start), self.price(start + DAY));
        let ticks = |price: f64| nearest(price / float(self.tick)) * self.tick;
        let wick = |index| ticks(unit(mix(word, index)) * SPREAD * float(open.max(close)));
        let busy = 0.5 + unit(mix(word, 3));
        let groups = nearest(f64::from(self.asset.groups) * busy).max(1);
        let volume = self.asset.turnover / self.asset.price * ONE * busy;
        Piece {
            start,
            length: DAY,
            open,
            high: open.max(close) + wick(1),
            low: (open.min(close) - wick(2))
                .max(self.tick)
                .min(open.min(close)),
            close,
            volume: nearest(volume * (0.8 + 0.4 * unit(mix(word, 4)))).max(groups),
            groups,
        }
    }

    /// The price at the beginning of a day.
    fn price(&self, at: i64) -> Units {
        let mut period = DAY;
        let mut height = SPREAD;
        let mut wander = 0.0;
        for layer in 0..LAYERS {
            let level = |at| smooth(mix(self.path, 200 + layer), at, period);
            wander += height * (level(at) - level(KNOWN_AT));
            period *= 4;
            height *= 2.0;
        }
        let years = float(at - KNOWN_AT) / SECONDS_A_YEAR;
        let apart = APART * (unit(mix(self.stream, at.cast_unsigned())) - 0.5);
        let price = self.asset.price * (self.asset.growth * years + wander + apart).exp();
        (nearest(price * ONE / float(self.tick)) * self.tick).max(self.tick)
    }
}

/// When a date begins.
fn second(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default())
        .num_seconds()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BITCOIN: Listing = Listing {
        symbol: "BTC-USD",
        base: "BTC",
        quote: "USD",
        since: (2015, 7, 20),
        until: None,
    };

    fn pair(planted: &[What]) -> Pair {
        Pair::new(1, "here", &BITCOIN, planted.iter()).unwrap()
    }

    fn at(text: &str) -> i64 {
        text.parse::<DateTime<Utc>>().unwrap().timestamp()
    }

    fn bars(pair: &Pair, range: Range<i64>, now: i64, length: i64) -> Vec<(i64, Piece)> {
        pair.bars(range, now, length, |at| at - at.rem_euclid(length))
    }

    #[test]
    fn long_bars_are_the_sums_of_minutes_also_around_a_halt_and_now() {
        let halt = "2026-05-02T03:10:00Z".parse().unwrap().."2026-05-02T05:20:00Z".parse().unwrap();
        let pair = pair(&[What::Halt(halt)]);
        let (from, now) = (at("2026-05-01T00:00:00Z"), at("2026-05-03T17:23:41Z"));
        let minutes = bars(&pair, from..now, now, MINUTE);
        assert_eq!(minutes.len(), (2 * 1_440 + 17 * 60 + 24) - 130);
        for length in [300, 900, 3_600, 21_600, DAY] {
            let mut sums: Vec<(i64, Piece)> = Vec::new();
            for (start, minute) in &minutes {
                let label = start - start.rem_euclid(length);
                match sums.last_mut() {
                    Some((last, sum)) if *last == label => *sum = sum.then(*minute),
                    _ => sums.push((label, *minute)),
                }
            }
            assert_eq!(bars(&pair, from..now, now, length), sums, "{length}");
        }
    }

    #[test]
    fn venues_differ_a_little() {
        let there = Pair::new(1, "there", &BITCOIN, [].iter()).unwrap();
        let now = at("2026-05-16T10:00:30Z");
        let close = |pair: &Pair| float(bars(pair, now - DAY..now, now, MINUTE)[9].1.close);
        let ratio = close(&pair(&[])) / close(&there);
        assert!(
            (ratio - 1.0).abs() < 0.02 && (ratio - 1.0).abs() > 0.0,
            "{ratio}"
        );
    }

    #[test]
    fn a_history_has_every_day_and_ends_now() {
        let now = at("2026-05-16T10:00:30Z");
        let days = bars(&pair(&[]), 0..i64::MAX, now, DAY);
        assert_eq!(days.first().unwrap().0, at("2015-07-20T00:00:00Z"));
        assert_eq!(days.len(), 3_954);
        let minutes = bars(&pair(&[]), now - 90..now, now, MINUTE);
        assert_eq!(minutes.last().unwrap().0, at("2026-05-16T10:00:00Z"));
    }
}
