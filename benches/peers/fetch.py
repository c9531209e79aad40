"""Fetches series one after the other and upserts them, as the script of a tutorial does."""

import resource
import sqlite3

import psycopg2
import requests
from bars import EXECUTEMANY, NUMBER, batched, for_sqlite, per_row, rows_of

INTERVAL = "5min"


def answer(session, base_url, symbol, outputsize="full"):
    """One series of 5min bars, decoded."""
    query = {
        "function": "TIME_SERIES_INTRADAY",
        "symbol": symbol,
        "interval": INTERVAL,
        "outputsize": outputsize,
        "apikey": "peer",
    }
    response = session.get(base_url, params=query, timeout=60)
    response.raise_for_status()
    return response.json()


def fetch(base_url, symbols, url, how):
    """All series, a commit after each; returns bars and the most that was resident, in KiB."""
    session = requests.Session()
    is_sqlite = how == "executemany"
    connection = sqlite3.connect(url) if is_sqlite else psycopg2.connect(url)
    bars = 0
    for number, symbol in enumerate(symbols, 1):
        rows = rows_of(answer(session, base_url, symbol), symbol, INTERVAL)
        if is_sqlite:
            connection.execute(NUMBER, (number, symbol, INTERVAL, False))
            connection.executemany(EXECUTEMANY, (for_sqlite(number, row) for row in rows))
        elif how == "per row":
            per_row(connection, rows)
        else:
            batched(connection, rows)
        connection.commit()
        bars += len(rows)
    connection.close()
    return {"bars": bars, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


if __name__ == "__main__":
    from orders import serve

    serve({"fetch": fetch})
