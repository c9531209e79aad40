#!/usr/bin/env python3
"""Writes the tables of src/model/calendar from the Python package exchange_calendars.

    python3 -m venv venv && venv/bin/pip install exchange_calendars==4.13.2
    venv/bin/python scripts/calendars.py

data/NAME.txt holds what differs from an ordinary weekday, tests/golden/NAME.txt every session as
the package gives it, in UTC. The program needs neither Python nor this script.
"""

import datetime
import hashlib
import pathlib
import warnings
from importlib.metadata import version

import exchange_calendars
import pandas

warnings.simplefilter("ignore")

FOLDER = pathlib.Path(__file__).parent.parent / "src" / "model" / "calendar"
FIRST, LAST = "2000-01-01", "2028-12-31"
EXCHANGES = ["XNYS", "XTSE", "XLON", "XETR", "XBOM", "XSHG"]

# The package's names, as people say them.
SAID = {
    "Dr. Martin Luther King Jr. Day": "Martin Luther King Day",
    "President's Day": "Presidents' Day",
    "Juneteenth National Independence Day": "Juneteenth",
    "July 4th": "Independence Day",
    "Canadian Thanksgiving": "Thanksgiving",
    "Weekend Christmas": "Christmas",
    "Weekend Boxing Day": "Boxing Day",
}
LABOUR = {"XTSE": {"Labor Day": "Labour Day"}}

# Days that the package gives without a name: closed once, for a reason of their own.
SPECIAL = {
    "XNYS": {
        "2001-09-11": "September 11",
        "2001-09-12": "September 11",
        "2001-09-13": "September 11",
        "2001-09-14": "September 11",
        "2004-06-11": "mourning for President Reagan",
        "2007-01-02": "mourning for President Ford",
        "2012-10-29": "Hurricane Sandy",
        "2012-10-30": "Hurricane Sandy",
        "2018-12-05": "mourning for President Bush",
        "2025-01-09": "mourning for President Carter",
    },
    "XTSE": {"2001-09-11": "September 11", "2001-09-12": "September 11"},
    "XLON": {
        "2002-06-03": "Golden Jubilee",
        "2002-06-04": "Spring Bank Holiday",
        "2011-04-29": "Royal Wedding",
        "2012-06-04": "Spring Bank Holiday",
        "2012-06-05": "Diamond Jubilee",
        "2020-05-08": "Early May Bank Holiday",
        "2022-06-02": "Spring Bank Holiday",
        "2022-06-03": "Platinum Jubilee",
        "2022-09-19": "State Funeral",
        "2023-05-08": "Coronation",
    },
    "XETR": {"2007-05-28": "Whit Monday", "2017-10-31": "Reformation Day"},
    "XSHG": {"2015-09-03": "Victory Day", "2015-09-04": "Victory Day"},
}

# The package has no names for these two: what falls on or near the day of a standing holiday has
# its name, the rest is a holiday without one.
BOMBAY = {
    (1, 26): "Republic Day",
    (4, 14): "Ambedkar Jayanti",
    (5, 1): "Maharashtra Day",
    (8, 15): "Independence Day",
    (10, 2): "Gandhi Jayanti",
    (12, 25): "Christmas",
}
SHANGHAI = [
    ((1, 1), (1, 3), "New Year's Day"),
    ((1, 15), (2, 28), "Spring Festival"),
    ((4, 2), (4, 7), "Qingming Festival"),
    ((4, 28), (5, 7), "Labour Day"),
    ((5, 28), (6, 30), "Dragon Boat Festival"),
    ((9, 8), (9, 27), "Mid-Autumn Festival"),
    ((10, 1), (10, 8), "National Day"),
    ((12, 31), (12, 31), "New Year's Day"),
]


def easter(year):
    """Easter Sunday, by the anonymous Gregorian algorithm."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return datetime.date(year, f // 31, f % 31 + 1)


def guessed(name, day):
    """The name of a day that the package does not name, or nothing."""
    if name == "XBOM":
        if day == easter(day.year) - datetime.timedelta(days=2):
            return "Good Friday"
        return BOMBAY.get((day.month, day.day), "")
    for first, last, said in SHANGHAI:
        if first <= (day.month, day.day) <= last:
            return said
    return ""


def calendar(name):
    end = exchange_calendars.get_calendar(name).bound_max()
    end = LAST if end is None else min(LAST, str(end.date()))
    return exchange_calendars.get_calendar(name, start=FIRST, end=end), end


def table(name, cal, end):
    """What differs from an ordinary weekday."""
    schedule = cal.schedule
    local = pandas.DataFrame(
        {column: schedule[column].dt.tz_convert(cal.tz).dt.strftime("%H:%M") for column in schedule}
    )
    usual = {column: local[column].mode(dropna=False)[0] for column in local}
    assert all(day.weekday() < 5 for day in schedule.index), "a session on a weekend"
    for column in ["open", "break_start", "break_end"]:
        assert local[column].nunique(dropna=False) == 1, f"{column} changes"
    lines = [f"zone {cal.tz}", f"hours {usual['open']} {usual['close']}"]
    if isinstance(usual["break_start"], str):
        lines.append(f"pause {usual['break_start']} {usual['break_end']}")
    lines.append(f"covers {FIRST} {end}")

    names = {}
    if cal.regular_holidays is not None:
        names = cal.regular_holidays.holidays(FIRST, end, return_name=True).to_dict()
    days = []
    for day in pandas.bdate_range(FIRST, end):
        date = str(day.date())
        if day in schedule.index:
            close = local["close"][day]
            if close != usual["close"]:
                days.append(f"early {date} {close}")
        elif date in SPECIAL.get(name, {}):
            days.append(f"special {date} {SPECIAL[name][date]}")
        elif day in names:
            said = SAID.get(names[day], names[day])
            days.append(f"holiday {date} {LABOUR.get(name, {}).get(said, said)}")
        else:
            days.append(f"holiday {date} {guessed(name, day.date())}".rstrip())
    return lines + days


def golden(cal):
    """Every session: a line for each month, days after the hours in UTC that they share."""
    lines, month, hours = [], None, None
    for day, row in cal.schedule.iterrows():
        parts = [row["open"], row["break_start"], row["break_end"], row["close"]]
        parts = [part for part in parts if not pandas.isna(part)]
        assert all(part.date() == day.date() for part in parts), "not the same date in UTC"
        said = "-".join(part.strftime("%H:%M") for part in parts)
        if day.strftime("%Y-%m") != month:
            month, hours = day.strftime("%Y-%m"), None
            lines.append(month)
        if said != hours:
            hours = said
            lines[-1] += f" {hours}"
        lines[-1] += f" {day.day:02}"
    return lines


def main():
    origin = f"exchange_calendars {version('exchange_calendars')}, written by scripts/calendars.py"
    sums = []
    for name in EXCHANGES:
        cal, end = calendar(name)
        head = f"# {name} from {origin}"
        text = "\n".join([head, *table(name, cal, end)]) + "\n"
        (FOLDER / "data" / f"{name}.txt").write_text(text)
        sums.append(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}.txt\n")
        text = "\n".join([head, *golden(cal)]) + "\n"
        (FOLDER / "tests" / "golden" / f"{name}.txt").write_text(text)
    (FOLDER / "data" / "SHA256SUMS").write_text("".join(sums))


main()
