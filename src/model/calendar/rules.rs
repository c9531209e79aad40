//! Standing holidays and early closes by rule, for the years that no table covers. What is set from
//! year to year (lunar holidays, elections, mourning) has no rule.

use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Weekday};

use super::CalendarId;

/// The rules of one exchange.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    holidays: &'static [(&'static str, On)],
    early: &'static [On],
    early_close: NaiveTime,
}

/// The day of a year that a rule is about.
#[derive(Debug, Clone, Copy)]
enum On {
    /// A date, and where it goes from a weekend.
    Date(u32, u32, Weekend),
    /// The nth such day of a month, and so many days later.
    Nth(u8, Weekday, u32, u64),
    /// The last Monday up to a date.
    MondayBy(u32, u32),
    /// So many days from Easter Sunday.
    Easter(i64),
    /// So many days from the first day of the Chinese year.
    Spring(i64),
}

/// Where a date goes that falls on a weekend.
#[derive(Debug, Clone, Copy)]
enum Weekend {
    /// It is lost.
    Lost,
    /// To the Friday before.
    Before,
    /// To the Monday after.
    After,
    /// From Saturday to Friday, from Sunday to Monday.
    Nearest,
    /// From Sunday to Monday; a Saturday is lost.
    Sunday,
    /// Two days on: the two days of Christmas.
    TwoOn,
}

use Weekday::{Mon, Thu};
use Weekend::{After, Before, Lost, Nearest, Sunday, TwoOn};

const NEW_YORK: Rules = Rules {
    holidays: &[
        ("New Year's Day", On::Date(1, 1, Sunday)),
        ("Martin Luther King Day", On::Nth(3, Mon, 1, 0)),
        ("Presidents' Day", On::Nth(3, Mon, 2, 0)),
        ("Good Friday", On::Easter(-2)),
        ("Memorial Day", On::MondayBy(5, 31)),
        ("Juneteenth", On::Date(6, 19, Nearest)),
        ("Independence Day", On::Date(7, 4, Nearest)),
        ("Labor Day", On::Nth(1, Mon, 9, 0)),
        ("Thanksgiving", On::Nth(4, Thu, 11, 0)),
        ("Christmas", On::Date(12, 25, Nearest)),
    ],
    early: &[
        On::Date(7, 3, Lost),
        On::Nth(4, Thu, 11, 1),
        On::Date(12, 24, Lost),
    ],
    early_close: time(13, 0),
};

const TORONTO: Rules = Rules {
    holidays: &[
        ("New Year's Day", On::Date(1, 1, After)),
        ("Family Day", On::Nth(3, Mon, 2, 0)),
        ("Good Friday", On::Easter(-2)),
        ("Victoria Day", On::MondayBy(5, 24)),
        ("Canada Day", On::Date(7, 1, After)),
        ("Civic Holiday", On::Nth(1, Mon, 8, 0)),
        ("Labour Day", On::Nth(1, Mon, 9, 0)),
        ("Thanksgiving", On::Nth(2, Mon, 10, 0)),
        ("Christmas", On::Date(12, 25, TwoOn)),
        ("Boxing Day", On::Date(12, 26, TwoOn)),
    ],
    early: &[On::Date(12, 24, Lost)],
    early_close: time(13, 0),
};

const LONDON: Rules = Rules {
    holidays: &[
        ("New Year's Day", On::Date(1, 1, After)),
        ("Good Friday", On::Easter(-2)),
        ("Easter Monday", On::Easter(1)),
        ("Early May Bank Holiday", On::Nth(1, Mon, 5, 0)),
        ("Spring Bank Holiday", On::MondayBy(5, 31)),
        ("Summer Bank Holiday", On::MondayBy(8, 31)),
        ("Christmas", On::Date(12, 25, TwoOn)),
        ("Boxing Day", On::Date(12, 26, TwoOn)),
    ],
    early: &[On::Date(12, 24, Before), On::Date(12, 31, Before)],
    early_close: time(12, 30),
};

const FRANKFURT: Rules = Rules {
    holidays: &[
        ("New Year's Day", On::Date(1, 1, Lost)),
        ("Good Friday", On::Easter(-2)),
        ("Easter Monday", On::Easter(1)),
        ("Labour Day", On::Date(5, 1, Lost)),
        ("Christmas Eve", On::Date(12, 24, Lost)),
        ("Christmas", On::Date(12, 25, Lost)),
        ("Boxing Day", On::Date(12, 26, Lost)),
        ("New Year's Eve", On::Date(12, 31, Lost)),
    ],
    early: &[On::Date(12, 30, Before)],
    early_close: time(14, 0),
};

const BOMBAY: Rules = Rules {
    holidays: &[
        ("Republic Day", On::Date(1, 26, Lost)),
        ("Good Friday", On::Easter(-2)),
        ("Ambedkar Jayanti", On::Date(4, 14, Lost)),
        ("Maharashtra Day", On::Date(5, 1, Lost)),
        ("Independence Day", On::Date(8, 15, Lost)),
        ("Gandhi Jayanti", On::Date(10, 2, Lost)),
        ("Christmas", On::Date(12, 25, Lost)),
    ],
    ..Rules::NONE
};

const SHANGHAI: Rules = Rules {
    holidays: &[
        ("New Year's Day", On::Date(1, 1, Lost)),
        ("Spring Festival", On::Spring(-1)),
        ("Spring Festival", On::Spring(0)),
        ("Spring Festival", On::Spring(1)),
        ("Spring Festival", On::Spring(2)),
        ("Spring Festival", On::Spring(3)),
        ("Spring Festival", On::Spring(4)),
        ("Spring Festival", On::Spring(5)),
        ("Spring Festival", On::Spring(6)),
        ("Labour Day", On::Date(5, 1, Lost)),
        ("Labour Day", On::Date(5, 2, Lost)),
        ("Labour Day", On::Date(5, 3, Lost)),
        ("National Day", On::Date(10, 1, Lost)),
        ("National Day", On::Date(10, 2, Lost)),
        ("National Day", On::Date(10, 3, Lost)),
        ("National Day", On::Date(10, 4, Lost)),
        ("National Day", On::Date(10, 5, Lost)),
        ("National Day", On::Date(10, 6, Lost)),
        ("National Day", On::Date(10, 7, Lost)),
    ],
    ..Rules::NONE
};

/// The first day of each Chinese year, from 2024 on.
const CHINESE_YEARS: [(u32, u32); 12] = [
    (2, 10),
    (1, 29),
    (2, 17),
    (2, 6),
    (1, 26),
    (2, 13),
    (2, 3),
    (1, 23),
    (2, 11),
    (1, 31),
    (2, 19),
    (2, 8),
];

const fn time(hour: u32, minute: u32) -> NaiveTime {
    match NaiveTime::from_hms_opt(hour, minute, 0) {
        Some(time) => time,
        None => NaiveTime::MIN,
    }
}

impl Rules {
    /// No holidays.
    pub(super) const NONE: Self = Self {
        holidays: &[],
        early: &[],
        early_close: NaiveTime::MIN,
    };

    /// Those of an exchange.
    pub(super) const fn of(id: CalendarId) -> Self {
        match id {
            CalendarId::Xnys => NEW_YORK,
            CalendarId::Xtse => TORONTO,
            CalendarId::Xlon => LONDON,
            CalendarId::Xetr => FRANKFURT,
            CalendarId::Xbom => BOMBAY,
            CalendarId::Xshg => SHANGHAI,
            CalendarId::Always | CalendarId::Weekdays => Self::NONE,
        }
    }

    /// The name of the holiday on a date.
    pub(super) fn holiday(&self, date: NaiveDate) -> Option<&'static str> {
        let holiday = |(_, on): &&(_, On)| on.in_year(date.year()) == Some(date);
        self.holidays.iter().find(holiday).map(|(name, _)| *name)
    }

    /// When the exchange closes, if earlier than usual. A holiday goes first.
    pub(super) fn early(&self, date: NaiveDate) -> Option<NaiveTime> {
        let is_early = |on: &On| on.in_year(date.year()) == Some(date);
        (self.early.iter().any(is_early) && self.holiday(date).is_none())
            .then_some(self.early_close)
    }
}

impl On {
    fn in_year(self, year: i32) -> Option<NaiveDate> {
        match self {
            Self::Date(month, day, weekend) => {
                weekend.moved(NaiveDate::from_ymd_opt(year, month, day)?)
            }
            Self::Nth(nth, weekday, month, later) => {
                NaiveDate::from_weekday_of_month_opt(year, month, weekday, nth)?
                    .checked_add_days(Days::new(later))
            }
            Self::MondayBy(month, day) => {
                let last = NaiveDate::from_ymd_opt(year, month, day)?;
                Some(last.week(Mon).first_day())
            }
            Self::Easter(days) => easter(year)?.checked_add_signed(TimeDelta::days(days)),
            Self::Spring(days) => {
                let at = usize::try_from(year - 2024).ok()?;
                let (month, day) = CHINESE_YEARS.get(at)?;
                NaiveDate::from_ymd_opt(year, *month, *day)?
                    .checked_add_signed(TimeDelta::days(days))
            }
        }
    }
}

impl Weekend {
    fn moved(self, date: NaiveDate) -> Option<NaiveDate> {
        let days = match (date.weekday(), self) {
            (Weekday::Sat, Before | Nearest) => -1,
            (Weekday::Sat, After | TwoOn) | (Weekday::Sun, TwoOn) => 2,
            (Weekday::Sun, Before) => -2,
            (Weekday::Sun, After | Nearest | Sunday) => 1,
            (Weekday::Sat, Lost | Sunday) | (Weekday::Sun, Lost) => return None,
            _ => 0,
        };
        date.checked_add_signed(TimeDelta::days(days))
    }
}

/// Easter Sunday, by the anonymous Gregorian algorithm.
fn easter(year: i32) -> Option<NaiveDate> {
    let (cycle, century, rest) = (year % 19, year / 100, year % 100);
    let leap = century - century / 4 - (century - (century + 8) / 25 + 1) / 3;
    let moon = (19 * cycle + leap + 15) % 30;
    let sunday = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
    let days = moon + sunday - 7 * ((cycle + 11 * moon + 22 * sunday) / 451) + 114;
    let month = u32::try_from(days / 31).ok()?;
    let day = u32::try_from(days % 31 + 1).ok()?;
    NaiveDate::from_ymd_opt(year, month, day)
}
