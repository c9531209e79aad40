"""Reads one month of 1min bars in four Python ways."""

import io
import json
from pathlib import Path

import pandas
from bars import parse
from orders import serve

state = {}


def load(folder):
    """Takes both bodies into memory."""
    for kind in ("json", "csv"):
        state[kind] = (Path(folder) / f"month.{kind}").read_text(encoding="utf-8")


def idiom():
    """json, strptime and Decimal; times stay local."""
    return len(list(parse(json.loads(state["json"]))))


def frame():
    """json and a frame: dates parsed and brought to UTC, prices as binary floats."""
    document = json.loads(state["json"])
    rows = document["Time Series (1min)"]
    table = pandas.DataFrame.from_dict(rows, orient="index").astype(float)
    table.index = pandas.to_datetime(table.index).tz_localize("US/Eastern").tz_convert("UTC")
    return len(table)


def read_csv():
    """The CSV: dates parsed and brought to UTC, prices as binary floats."""
    table = pandas.read_csv(io.StringIO(state["csv"]), parse_dates=["timestamp"])
    table["timestamp"] = table["timestamp"].dt.tz_localize("US/Eastern").dt.tz_convert("UTC")
    return len(table)


serve({"load": load, "idiom": idiom, "frame": frame, "csv": read_csv})
