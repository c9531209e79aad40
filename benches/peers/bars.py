"""Reading an answer, and upserting bars, as a Python program does it."""

from datetime import datetime, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from psycopg2.extras import execute_values

EASTERN = ZoneInfo("US/Eastern")
COLUMNS = (
    "symbol, interval, adjusted, timestamp, trading_date, "
    "open_price, high_price, low_price, close_price, volume"
)
VALUES = ("open_price", "high_price", "low_price", "close_price", "volume")
UPDATE = (
    " ON CONFLICT ({}) DO UPDATE SET " + ", ".join(f"{name} = EXCLUDED.{name}" for name in VALUES)
)
KEY = "source, symbol, interval, adjusted, timestamp"
PER_ROW = f"INSERT INTO stock_data ({COLUMNS}) VALUES ({', '.join(['%s'] * 10)}){UPDATE.format(KEY)}"
BATCHED = f"INSERT INTO stock_data ({COLUMNS}) VALUES %s{UPDATE.format(KEY)}"
SQLITE_COLUMNS = "series_id, timestamp, trading_day, " + ", ".join(VALUES)
EXECUTEMANY = (
    f"INSERT INTO bars ({SQLITE_COLUMNS}) VALUES ({', '.join(['?'] * 8)})"
    + UPDATE.format("series_id, timestamp")
)
NUMBER = """
    INSERT INTO series_totals (id, source, symbol, interval, adjusted, place)
    VALUES (?, 'alpha_vantage', ?, ?, ?, 0) ON CONFLICT DO NOTHING
"""
PAGE = 1000
EPOCH_DAY = datetime(1970, 1, 1).toordinal()


def parse(document):
    """The rows of a decoded answer: label, day, four prices, volume, in the exchange's time."""
    rows = next(value for name, value in document.items() if name.startswith("Time Series"))
    for label, row in rows.items():
        at = datetime.strptime(label, "%Y-%m-%d %H:%M:%S")
        yield (
            at,
            Decimal(row["1. open"]),
            Decimal(row["2. high"]),
            Decimal(row["3. low"]),
            Decimal(row["4. close"]),
            int(row["5. volume"]),
        )


def rows_of(document, symbol, interval):
    """The rows as stock_data keeps them."""
    return [
        (symbol, interval, False, at.replace(tzinfo=EASTERN), at.date(), *values)
        for at, *values in parse(document)
    ]


def for_sqlite(number, row):
    """A row in the units of the table bars, of the series with this number."""
    _symbol, _interval, _adjusted, at, day, *prices, volume = row
    units = (int(price * 100_000_000) for price in prices)
    at = at.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    return (number, at, day.toordinal() - EPOCH_DAY, *units, volume)


def per_row(connection, rows):
    """One statement a row; the caller commits."""
    with connection.cursor() as cursor:
        for row in rows:
            cursor.execute(PER_ROW, row)


def batched(connection, rows):
    """execute_values in pages; the caller commits."""
    with connection.cursor() as cursor:
        execute_values(cursor, BATCHED, rows, page_size=PAGE)
