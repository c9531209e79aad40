"""Reads answers of Alpaca and Binance with json and Decimal."""

import json
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

from orders import serve

state = {}


def load(folder):
    """Takes both answers into memory."""
    for name in ("alpaca", "binance"):
        state[name] = (Path(folder) / f"{name}.json").read_text(encoding="utf-8")


def alpaca():
    """A page of bars of several symbols."""
    document = json.loads(state["alpaca"], parse_float=Decimal)
    rows = [
        (symbol, datetime.fromisoformat(bar["t"].replace("Z", "+00:00")), *map(bar.get, "ohlcv"))
        for symbol, bars in document["bars"].items()
        for bar in bars
    ]
    return len(rows)


def binance(times):
    """Rows of one pair, so many answers."""
    count = 0
    for _ in range(times):
        rows = [
            (datetime.fromtimestamp(row[0] / 1000, timezone.utc), *map(Decimal, row[1:6]))
            for row in json.loads(state["binance"])
        ]
        count += len(rows)
    return count


serve({"load": load, "alpaca": alpaca, "binance": binance})
