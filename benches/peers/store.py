"""Upserts bars from memory into the program's schema."""

import csv
import io
import sqlite3
from datetime import date, datetime
from decimal import Decimal

import psycopg2
from bars import COLUMNS, EXECUTEMANY, KEY, NUMBER, UPDATE, batched, for_sqlite, per_row
from orders import serve

state = {}


def load(name, path):
    """Reads rows that the driver wrote, as Python values and in the units of SQLite."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = [
            (
                symbol,
                interval,
                False,
                datetime.fromisoformat(at),
                date.fromisoformat(day),
                *map(Decimal, prices),
                int(volume),
            )
            for symbol, interval, at, day, *prices, volume in csv.reader(file)
        ]
    state[name] = rows
    numbers = {}
    for row in rows:
        numbers.setdefault(row[:3], len(numbers) + 1)
    state["series " + name] = [(number, *series) for series, number in numbers.items()]
    state["sqlite " + name] = [for_sqlite(numbers[row[:3]], row) for row in rows]


def connect(url):
    """A session that lasts."""
    if "postgres" in state:
        state["postgres"].close()
    state["postgres"] = psycopg2.connect(url)


def rows_one_by_one(name):
    per_row(state["postgres"], state[name])
    state["postgres"].commit()


def rows_in_pages(name):
    batched(state["postgres"], state[name])
    state["postgres"].commit()


def copied_and_merged(name):
    """COPY into a temporary table, then one upsert from it."""
    text = io.StringIO()
    csv.writer(text).writerows(state[name])
    text.seek(0)
    with state["postgres"].cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {COLUMNS} FROM stock_data WITH NO DATA"
        )
        cursor.copy_expert(f"COPY incoming ({COLUMNS}) FROM STDIN (FORMAT csv)", text)
        cursor.execute(
            f"INSERT INTO stock_data ({COLUMNS}) SELECT {COLUMNS} FROM incoming{UPDATE.format(KEY)}"
        )
    state["postgres"].commit()


def open_file(path):
    if "sqlite" in state:
        state["sqlite"].close()
    state["sqlite"] = sqlite3.connect(path)


def executemany(name):
    state["sqlite"].executemany(NUMBER, state["series " + name])
    state["sqlite"].executemany(EXECUTEMANY, state["sqlite " + name])
    state["sqlite"].commit()


serve(
    {
        "load": load,
        "connect": connect,
        "per row": rows_one_by_one,
        "execute_values": rows_in_pages,
        "copy": copied_and_merged,
        "open": open_file,
        "executemany": executemany,
    }
)
