"""Reads an exported Parquet file with DuckDB and with pandas, and compares every value and type with
the same bars as JSON lines. Prints the number of equal rows, or fails with the first difference.

read.py FILE.parquet FILE.jsonl
"""

import datetime
import decimal
import json
import sys

import duckdb
import pandas
import pyarrow.parquet

PRICES = ["open_price", "high_price", "low_price", "close_price"]
EXTRAS = ["adjusted_close", "dividend_amount", "split_coefficient"]
TYPES = {
    "symbol": "VARCHAR",
    "interval": "VARCHAR",
    "adjusted": "BOOLEAN",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "trading_date": "DATE",
    **dict.fromkeys(PRICES, "DECIMAL(19,8)"),
    "volume": "DECIMAL(27,8)",
    **dict.fromkeys(EXTRAS, "DECIMAL(19,8)"),
    "source": "VARCHAR",
    "final": "BOOLEAN",
    "currency": "VARCHAR",
}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def expected(path):
    """The bars as the program wrote them for programs: decimals as they stand there."""
    bars = []
    with open(path) as lines:
        for line in lines:
            bar = dict.fromkeys(TYPES) | json.loads(line, parse_int=decimal.Decimal, parse_float=decimal.Decimal)
            for name in PRICES + EXTRAS:
                bar[name] = bar[name] and decimal.Decimal(bar[name])
            instant = datetime.datetime.fromisoformat(bar["timestamp"])
            bar["timestamp"] = (instant - EPOCH) // datetime.timedelta(microseconds=1)
            bar["trading_date"] = datetime.date.fromisoformat(bar["trading_date"])
            bars.append(bar)
    return bars


def by_duckdb(path):
    described = duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
    types = {name: kind for name, kind, *_ in described}
    assert types == TYPES, types
    rows = duckdb.sql(f"SELECT * REPLACE (epoch_us(timestamp) AS timestamp) FROM '{path}'").fetchall()
    return [dict(zip(TYPES, row)) for row in rows]


def by_pandas(path):
    frame = pandas.read_parquet(path)
    assert list(frame.columns) == list(TYPES), list(frame.columns)
    assert str(frame["timestamp"].dtype) == "datetime64[us, UTC]", frame["timestamp"].dtype
    kinds = pyarrow.parquet.read_schema(path)
    assert str(kinds.field("volume").type) == "decimal128(27, 8)", kinds
    frame["timestamp"] = frame["timestamp"].astype("int64")
    rows = frame.astype(object).where(frame.notna(), None)
    return rows.to_dict("records")


def main():
    parquet, lines = sys.argv[1:]
    bars = expected(lines)
    for reader in (by_duckdb, by_pandas):
        rows = reader(parquet)
        assert len(rows) == len(bars), (reader.__name__, len(rows), len(bars))
        for row, bar in zip(rows, bars):
            for name, value in bar.items():
                assert row[name] == value, (reader.__name__, name, row[name], value)
        print(f"{reader.__name__}: {len(rows)} rows are equal")


main()
