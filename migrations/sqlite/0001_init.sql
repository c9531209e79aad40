-- Bars: prices and adjustments in units of 10^-8, timestamp in epoch seconds, trading_day in days since 1970-01-01.
CREATE TABLE bars (
    id                INTEGER PRIMARY KEY,
    symbol            TEXT    NOT NULL CHECK (length(symbol) <= 32),
    interval          TEXT    NOT NULL,
    adjusted          INTEGER NOT NULL DEFAULT 0 CHECK (adjusted IN (0, 1)),
    timestamp         INTEGER NOT NULL,
    trading_day       INTEGER NOT NULL,
    open_price        INTEGER NOT NULL,
    high_price        INTEGER NOT NULL,
    low_price         INTEGER NOT NULL,
    close_price       INTEGER NOT NULL,
    volume            INTEGER NOT NULL,
    adjusted_close    INTEGER,
    dividend_amount   INTEGER,
    split_coefficient INTEGER,
    created_at        INTEGER NOT NULL DEFAULT (unixepoch()),
    updated_at        INTEGER NOT NULL DEFAULT (unixepoch()),
    CONSTRAINT stock_data_key UNIQUE (symbol, interval, adjusted, timestamp),
    CONSTRAINT stock_data_values CHECK (
        low_price > 0 AND high_price < 9000000000000000000 AND volume >= 0
        AND low_price <= open_price AND open_price <= high_price
        AND low_price <= close_price AND close_price <= high_price
    )
) STRICT;

-- Over the expressions of the view below, so that queries on the view use them.
CREATE INDEX idx_stock_data_symbol_timestamp ON bars (symbol, datetime(timestamp, 'unixepoch') DESC);
CREATE INDEX idx_stock_data_timestamp ON bars (datetime(timestamp, 'unixepoch'));

CREATE TRIGGER bars_touch AFTER UPDATE ON bars
WHEN OLD.updated_at = NEW.updated_at
    AND (OLD.symbol, OLD.interval, OLD.adjusted, OLD.timestamp, OLD.trading_day, OLD.open_price, OLD.high_price,
         OLD.low_price, OLD.close_price, OLD.volume, OLD.adjusted_close, OLD.dividend_amount, OLD.split_coefficient)
        IS NOT
        (NEW.symbol, NEW.interval, NEW.adjusted, NEW.timestamp, NEW.trading_day, NEW.open_price, NEW.high_price,
         NEW.low_price, NEW.close_price, NEW.volume, NEW.adjusted_close, NEW.dividend_amount, NEW.split_coefficient)
BEGIN
    UPDATE bars SET updated_at = unixepoch() WHERE id = NEW.id;
END;

-- The table of the pipeline this program replaces, with readable times and prices; its query still works:
--   SELECT symbol, timestamp, close_price, volume FROM stock_data
--   WHERE symbol = 'IBM' ORDER BY timestamp DESC LIMIT 10;
CREATE VIEW stock_data AS
SELECT id,
       symbol,
       datetime(timestamp, 'unixepoch')  AS timestamp,
       open_price / 1e8                  AS open_price,
       high_price / 1e8                  AS high_price,
       low_price / 1e8                   AS low_price,
       close_price / 1e8                 AS close_price,
       volume,
       datetime(created_at, 'unixepoch') AS created_at,
       datetime(updated_at, 'unixepoch') AS updated_at,
       interval,
       adjusted,
       date(trading_day * 86400, 'unixepoch') AS trading_date,
       adjusted_close / 1e8              AS adjusted_close,
       dividend_amount / 1e8             AS dividend_amount,
       split_coefficient / 1e8           AS split_coefficient
FROM bars;

-- Times below are text, YYYY-MM-DD HH:MM:SS.mmm in UTC.

-- The watch list.
CREATE TABLE series (
    id       INTEGER PRIMARY KEY,
    symbol   TEXT    NOT NULL,
    interval TEXT    NOT NULL,
    adjusted INTEGER NOT NULL DEFAULT 0,
    provider TEXT    NOT NULL DEFAULT 'alpha_vantage',
    settings TEXT    NOT NULL DEFAULT '{}',
    added_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    CONSTRAINT series_key UNIQUE (symbol, interval, adjusted, provider)
) STRICT;

-- What the engine remembers across restarts, as JSON: schedule, paused, last_tick.
CREATE TABLE settings (
    name       TEXT NOT NULL PRIMARY KEY,
    value      TEXT NOT NULL,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
) STRICT, WITHOUT ROWID;

-- A run holds an operating-system lock on the file <database>-run-<lock_key>.lock.
CREATE TABLE runs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    status      TEXT    NOT NULL DEFAULT 'running',
    trigger     TEXT    NOT NULL,
    lock_key    INTEGER NOT NULL,
    started_at  TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    finished_at TEXT
) STRICT;

CREATE INDEX idx_runs_running ON runs (id) WHERE status = 'running';

CREATE TABLE run_series (
    run_id        INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    symbol        TEXT    NOT NULL,
    interval      TEXT    NOT NULL,
    adjusted      INTEGER NOT NULL,
    status        TEXT    NOT NULL DEFAULT 'running',
    received      INTEGER NOT NULL DEFAULT 0,
    inserted      INTEGER NOT NULL DEFAULT 0,
    changed       INTEGER NOT NULL DEFAULT 0,
    unchanged     INTEGER NOT NULL DEFAULT 0,
    rejected      INTEGER NOT NULL DEFAULT 0,
    rounded       INTEGER NOT NULL DEFAULT 0,
    first_at      TEXT,
    last_at       TEXT,
    attempts      INTEGER NOT NULL DEFAULT 0,
    requests      INTEGER NOT NULL DEFAULT 0,
    error_class   TEXT,
    error_message TEXT,
    finished_at   TEXT,
    PRIMARY KEY (run_id, symbol, interval, adjusted)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_run_series_fetched ON run_series (symbol, interval, adjusted, finished_at)
    WHERE status = 'succeeded';

-- The quota ledger: one row for every request, written before it is sent.
-- state: reserved, not_sent, answered (kept, not yet stored), stored, refused, failed, in_doubt.
CREATE TABLE requests (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    attempt_id      TEXT    NOT NULL UNIQUE,
    run_id          INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    symbol          TEXT    NOT NULL,
    interval        TEXT    NOT NULL,
    adjusted        INTEGER NOT NULL,
    function        TEXT    NOT NULL,
    query           TEXT    NOT NULL,
    key_fingerprint TEXT    NOT NULL,
    plan            TEXT    NOT NULL,
    attempt         INTEGER NOT NULL,
    state           TEXT    NOT NULL DEFAULT 'reserved',
    class           TEXT,
    message         TEXT,
    http_status     INTEGER,
    body_bytes      INTEGER,
    elapsed_ms      INTEGER,
    reserved_at     TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    ended_at        TEXT
) STRICT;

CREATE INDEX idx_requests_ledger ON requests (key_fingerprint, reserved_at);
CREATE INDEX idx_requests_run ON requests (run_id);
CREATE INDEX idx_requests_series ON requests (symbol, interval, adjusted, id) WHERE state = 'stored';
CREATE INDEX idx_requests_answered ON requests (id) WHERE state = 'answered';
CREATE INDEX idx_requests_reserved ON requests (id) WHERE state = 'reserved';

-- What the provider sent, gzip-compressed, with secrets replaced. Bounded: the oldest go first.
CREATE TABLE answers (
    request_id   INTEGER NOT NULL PRIMARY KEY REFERENCES requests (id) ON DELETE CASCADE,
    received_at  TEXT    NOT NULL,
    http_status  INTEGER NOT NULL,
    content_type TEXT,
    stored_bytes INTEGER NOT NULL,
    body         BLOB    NOT NULL
) STRICT;

CREATE INDEX idx_answers_size ON answers (request_id, stored_bytes);

CREATE TABLE rejected_rows (
    id         INTEGER PRIMARY KEY,
    request_id INTEGER NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
    symbol     TEXT    NOT NULL,
    interval   TEXT    NOT NULL,
    adjusted   INTEGER NOT NULL,
    label      TEXT    NOT NULL,
    content    TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    created_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
) STRICT;

CREATE INDEX idx_rejected_rows_request ON rejected_rows (request_id);

-- What a key was seen to be allowed. parameter is '' for the whole function.
CREATE TABLE entitlements (
    key_fingerprint TEXT    NOT NULL,
    function        TEXT    NOT NULL,
    parameter       TEXT    NOT NULL DEFAULT '',
    plan            TEXT    NOT NULL,
    granted         INTEGER NOT NULL,
    message         TEXT,
    learnt_at       TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    PRIMARY KEY (key_fingerprint, function, parameter, plan)
) STRICT, WITHOUT ROWID;
