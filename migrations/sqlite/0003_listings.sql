-- What can be searched by symbol or name without a request. When the provider sent it is the setting listings_at.
CREATE TABLE listings (
    symbol   TEXT NOT NULL PRIMARY KEY,
    name     TEXT NOT NULL,
    exchange TEXT NOT NULL,
    kind     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
