//! Which candles are in view: bars taken together, and the stretch around the cursor.
//! A pure function of the bars, the cursor and the room, so nothing is remembered between frames.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::America::New_York;

use super::Zoom;
use crate::model::{Bar, Interval, Price, Volume};

/// Minutes of the exchange's regular session, 09:30 to 16:00.
const SESSION_MINUTES: i64 = 390;

/// One or more neighbouring bars as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candle {
    /// Open of the oldest bar.
    pub open: Price,
    /// Highest high.
    pub high: Price,
    /// Lowest low.
    pub low: Price,
    /// Close of the newest bar.
    pub close: Price,
    /// Sum of the volumes; stays at the largest number when it would be larger.
    pub volume: Volume,
    /// Label of the oldest bar.
    pub timestamp: DateTime<Utc>,
    /// Trading date of the oldest bar.
    pub trading_date: NaiveDate,
    /// Label of the newest bar.
    pub last: DateTime<Utc>,
}

impl Candle {
    const fn of(bar: &Bar) -> Self {
        Self {
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume,
            timestamp: bar.timestamp,
            trading_date: bar.trading_date,
            last: bar.timestamp,
        }
    }

    fn add_older(&mut self, bar: &Bar) {
        self.open = bar.open;
        self.high = self.high.max(bar.high);
        self.low = self.low.min(bar.low);
        self.volume = self.volume.saturating_add(bar.volume);
        self.timestamp = bar.timestamp;
        self.trading_date = bar.trading_date;
    }

    /// The upper and the lower end of the body.
    #[must_use]
    pub fn body(&self) -> (Price, Price) {
        (self.open.max(self.close), self.open.min(self.close))
    }
}

/// The candles in view.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visible {
    /// Oldest first, as they are drawn from left to right.
    pub candles: Vec<Candle>,
    /// The candle that holds the cursor, counted from the left.
    pub cursor: usize,
    /// The bar left of the first candle, where the window has one.
    pub before: Option<Bar>,
    /// Whether the last candle holds the newest bar of the window.
    pub newest: bool,
}

impl Visible {
    /// The stretch of at most `room` candles around the cursor.
    ///
    /// The cursor stands in the middle, except near the ends of the window: there it moves to the
    /// edge, so that no room stays empty. With the cursor at the newest bar the newest candle is at
    /// the right edge. The middle shows as much of what led to a bar as of what followed, and
    /// keeps the cursor off the edges without a stored offset.
    ///
    /// Touches at most twice as many candles as there is room for, however many bars there are.
    #[must_use]
    pub fn of(bars: &[Bar], interval: Interval, zoom: Zoom, cursor: usize, room: usize) -> Self {
        let Some(last) = bars.len().checked_sub(1) else {
            return Self::default();
        };
        if room == 0 {
            return Self::default();
        }
        let mut grouping = Grouping::new(interval, zoom.bars());
        let cursor = cursor.min(last);
        // Indices of the newest bar of each group: of those newer than the cursor's, nearest first.
        let mut start = grouping.newest_of_group(bars, cursor);
        let mut newer = vec![start];
        while newer.len() < room && start > 0 {
            start = grouping.newest_of_group(bars, start - 1);
            newer.push(start);
        }
        let mut older = Vec::with_capacity(room);
        let mut at = newer.first().copied().unwrap_or(0);
        let mut before = None;
        while older.len() < room {
            let (candle, next) = grouping.candle(bars, at);
            let Some(candle) = candle else { break };
            older.push((candle, next));
            at = next;
        }
        let most_newer = newer.len() - 1;
        let most_older = older.len().saturating_sub(1);
        let right = most_newer.min((room / 2).max((room - 1).saturating_sub(most_older)));
        let left = most_older.min(room - 1 - right);
        let mut candles = Vec::with_capacity(left + 1 + right);
        for (candle, next) in older.iter().take(left + 1).rev() {
            if candles.is_empty() {
                before = bars.get(*next).copied();
            }
            candles.push(*candle);
        }
        for start in newer.iter().skip(1).take(right) {
            candles.extend(grouping.candle(bars, *start).0);
        }
        Self {
            candles,
            cursor: left,
            before,
            newest: newer.get(right) == Some(&0),
        }
    }
}

/// Maps a bar to its candle.
///
/// Candles are cut by the calendar and not by counting: a bar's candle follows from its own date
/// and time. So candles neither flicker when the cursor moves nor when older or newer bars are
/// loaded, and no absolute index is needed: a store paged by key has none. A candle holds fewer
/// bars than the zoom says where bars are missing and where a session ends.
///
/// - Intraday: slots of this many minutes, counted from 09:30 at the exchange, within one trading
///   date; so the open begins a candle every day. Slots as long as a regular session or longer
///   are whole trading dates.
/// - Daily: trading days counted Monday to Friday, so five are a week. A weekend's bar joins Friday.
/// - Weekly and monthly: calendar weeks and months.
struct Grouping {
    interval: Interval,
    bars: i64,
    /// The date met last and its 09:30, because bars come in runs of one date.
    open: Option<(NaiveDate, i64)>,
}

impl Grouping {
    fn new(interval: Interval, bars: u32) -> Self {
        Self {
            interval,
            bars: i64::from(bars.max(1)),
            open: None,
        }
    }

    fn key(&mut self, bar: &Bar) -> (i64, i64) {
        let date = bar.trading_date;
        match self.interval {
            Interval::Weekly => (weeks(date).div_euclid(self.bars), 0),
            Interval::Monthly => {
                let months = i64::from(date.year()) * 12 + i64::from(date.month0());
                (months.div_euclid(self.bars), 0)
            }
            Interval::Daily => (trading_days(date).div_euclid(self.bars), 0),
            intraday => {
                let minutes = i64::from(intraday.minutes().unwrap_or(1));
                let slot = minutes * self.bars;
                if slot >= SESSION_MINUTES {
                    (trading_days(date).div_euclid(slot / SESSION_MINUTES), 0)
                } else {
                    let since = bar.timestamp.timestamp().saturating_sub(self.open_of(date));
                    (trading_days(date), since.div_euclid(slot * 60))
                }
            }
        }
    }

    fn open_of(&mut self, date: NaiveDate) -> i64 {
        match self.open {
            Some((known, open)) if known == date => open,
            _ => {
                let open = NaiveTime::from_hms_opt(9, 30, 0)
                    .and_then(|time| {
                        New_York
                            .from_local_datetime(&date.and_time(time))
                            .earliest()
                    })
                    .map_or(0, |open| open.timestamp());
                self.open = Some((date, open));
                open
            }
        }
    }

    /// The newest bar that shares a candle with this one.
    fn newest_of_group(&mut self, bars: &[Bar], index: usize) -> usize {
        if self.bars == 1 {
            return index;
        }
        let Some(key) = bars.get(index).map(|bar| self.key(bar)) else {
            return index;
        };
        let newer = bars.get(..index).unwrap_or_default();
        let same = newer.iter().rev().take_while(|bar| self.key(bar) == key);
        index - same.count()
    }

    /// The candle whose newest bar is at `start`, and where the next older one starts.
    fn candle(&mut self, bars: &[Bar], start: usize) -> (Option<Candle>, usize) {
        let rest = bars.get(start..).unwrap_or_default();
        let Some((newest, older)) = rest.split_first() else {
            return (None, start);
        };
        let mut candle = Candle::of(newest);
        let mut next = start + 1;
        if self.bars > 1 {
            let key = self.key(newest);
            for bar in older.iter().take_while(|bar| self.key(bar) == key) {
                candle.add_older(bar);
                next += 1;
            }
        }
        (Some(candle), next)
    }
}

/// Weeks since Monday, 1 January of the year 1.
fn weeks(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce() - 1).div_euclid(7)
}

/// Days since that Monday without weekends.
fn trading_days(date: NaiveDate) -> i64 {
    let weekday = i64::from(date.weekday().num_days_from_monday());
    weeks(date) * 5 + weekday.min(4)
}
