"""The asset that a user of Dagster writes for one series: fetch, parse, upsert."""

import os

import dagster
import psycopg2
import requests
from bars import batched, rows_of
from fetch import INTERVAL, answer


@dagster.asset
def stock_data() -> None:
    """The newest 100 bars of IBM."""
    symbol = "IBM"
    with requests.Session() as session:
        document = answer(session, os.environ["PEER_BASE_URL"], symbol, "compact")
    connection = psycopg2.connect(os.environ["PEER_DATABASE_URL"])
    batched(connection, rows_of(document, symbol, INTERVAL))
    connection.commit()
    connection.close()


defs = dagster.Definitions(
    assets=[stock_data],
    jobs=[dagster.define_asset_job("refresh", [stock_data])],
)
