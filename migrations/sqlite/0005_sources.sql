-- Bars by series and time, from any source; volumes with a fraction; one spelling of a symbol.
DROP TRIGGER bars_touch;

DROP TRIGGER bars_deleted;

DROP INDEX idx_stock_data_symbol_timestamp;

DROP INDEX idx_stock_data_timestamp;

ALTER TABLE bars RENAME TO bars_before;

DROP VIEW stock_data;

DROP TABLE series_totals;

-- The series that have bars, and how many each has. The transaction that stores an answer adds what
-- it inserted; the trigger takes off what is deleted, by whomever. The series of a symbol have the
-- places 0, 1, 2 and so on, by which `stock_data` merges them in the order of time.
CREATE TABLE series_totals (
    id       INTEGER PRIMARY KEY,
    source   TEXT    NOT NULL CHECK (length(source) <= 32),
    symbol   TEXT    NOT NULL CHECK (length(symbol) <= 32),
    interval TEXT    NOT NULL,
    adjusted INTEGER NOT NULL CHECK (adjusted IN (0, 1)),
    place    INTEGER NOT NULL,
    bars     INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT series_totals_key UNIQUE (source, symbol, interval, adjusted)
) STRICT;

CREATE UNIQUE INDEX idx_stock_data_symbol_timestamp ON series_totals (symbol, place);

-- Bars: timestamp as the view shows it, YYYY-MM-DD HH:MM:SS in UTC, so that the key answers in its
-- order; prices, adjustments and the volume's fraction in units of 10^-8; trading_day in days since
-- 1970-01-01; created_at and updated_at in epoch seconds.
CREATE TABLE bars (
    series_id         INTEGER NOT NULL,
    timestamp         TEXT    NOT NULL,
    trading_day       INTEGER NOT NULL,
    open_price        INTEGER NOT NULL,
    high_price        INTEGER NOT NULL,
    low_price         INTEGER NOT NULL,
    close_price       INTEGER NOT NULL,
    volume            INTEGER NOT NULL,
    volume_fraction   INTEGER NOT NULL DEFAULT 0 CHECK (volume_fraction BETWEEN 0 AND 99999999),
    final             INTEGER NOT NULL DEFAULT 1 CHECK (final BETWEEN 0 AND 1),
    adjusted_close    INTEGER,
    dividend_amount   INTEGER,
    split_coefficient INTEGER,
    created_at        INTEGER NOT NULL DEFAULT (unixepoch()),
    updated_at        INTEGER NOT NULL DEFAULT (unixepoch()),
    CONSTRAINT stock_data_key PRIMARY KEY (series_id, timestamp),
    CONSTRAINT stock_data_values CHECK (
        low_price > 0 AND high_price < 9000000000000000000 AND volume >= 0
        AND low_price <= open_price AND open_price <= high_price
        AND low_price <= close_price AND close_price <= high_price
    )
) STRICT, WITHOUT ROWID;

-- The bars are moved here, piece by piece.

DROP TABLE bars_before;

CREATE TRIGGER bars_touch AFTER UPDATE ON bars
WHEN OLD.updated_at = NEW.updated_at
    AND (OLD.series_id, OLD.timestamp, OLD.trading_day, OLD.open_price, OLD.high_price, OLD.low_price,
         OLD.close_price, OLD.volume, OLD.volume_fraction, OLD.final, OLD.adjusted_close, OLD.dividend_amount,
         OLD.split_coefficient)
        IS NOT
        (NEW.series_id, NEW.timestamp, NEW.trading_day, NEW.open_price, NEW.high_price, NEW.low_price,
         NEW.close_price, NEW.volume, NEW.volume_fraction, NEW.final, NEW.adjusted_close, NEW.dividend_amount,
         NEW.split_coefficient)
BEGIN
    UPDATE bars SET updated_at = unixepoch() WHERE series_id = NEW.series_id AND timestamp = NEW.timestamp;
END;

CREATE TRIGGER bars_deleted AFTER DELETE ON bars
BEGIN
    UPDATE series_totals SET bars = bars - 1 WHERE id = OLD.series_id;
END;

-- The watch list: of two spellings, the one that was added first stays.
ALTER TABLE series RENAME COLUMN provider TO source;

DELETE FROM series WHERE id NOT IN (SELECT min(id) FROM series GROUP BY upper(symbol), interval, adjusted, source);

UPDATE series SET symbol = upper(symbol);

-- What a run did for two spellings is one row: counts added, and the worse end.
ALTER TABLE run_series RENAME TO run_series_before;

DROP INDEX idx_run_series_fetched;

CREATE TABLE run_series (
    run_id        INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    source        TEXT    NOT NULL DEFAULT 'alpha_vantage',
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
    set_aside     INTEGER NOT NULL DEFAULT 0,
    first_at      TEXT,
    last_at       TEXT,
    attempts      INTEGER NOT NULL DEFAULT 0,
    requests      INTEGER NOT NULL DEFAULT 0,
    retries       INTEGER NOT NULL DEFAULT 0,
    error_class   TEXT,
    error_message TEXT,
    finished_at   TEXT,
    PRIMARY KEY (run_id, source, symbol, interval, adjusted)
) STRICT, WITHOUT ROWID;

INSERT INTO run_series (run_id, symbol, interval, adjusted, status, received, inserted, changed, unchanged, rejected,
                        rounded, set_aside, first_at, last_at, attempts, requests, retries, error_class,
                        error_message, finished_at)
SELECT run_id, upper(symbol), interval, adjusted, status, received, inserted, changed, unchanged, rejected,
       rounded, set_aside, first_at, last_at, attempts, requests, retries, error_class, error_message, finished_at
FROM (
    SELECT run_id, symbol, interval, adjusted, status, error_class, error_message, finished_at,
           sum(received) OVER two AS received, sum(inserted) OVER two AS inserted,
           sum(changed) OVER two AS changed, sum(unchanged) OVER two AS unchanged,
           sum(rejected) OVER two AS rejected, sum(rounded) OVER two AS rounded,
           sum(set_aside) OVER two AS set_aside, min(first_at) OVER two AS first_at,
           max(last_at) OVER two AS last_at, sum(attempts) OVER two AS attempts,
           sum(requests) OVER two AS requests,
           sum(CASE WHEN attempts > 1 THEN attempts - 1 ELSE 0 END) OVER two AS retries,
           row_number() OVER (two ORDER BY status = 'succeeded', finished_at DESC) AS rank
    FROM run_series_before
    WINDOW two AS (PARTITION BY run_id, upper(symbol), interval, adjusted)
)
WHERE rank = 1;

DROP TABLE run_series_before;

CREATE INDEX idx_run_series_fetched ON run_series (source, symbol, interval, adjusted, finished_at)
    WHERE status = 'succeeded';

-- The series that a request is about: none for a request about symbols, several where a source
-- answers for many at once.
CREATE TABLE request_series (
    request_id INTEGER NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
    source     TEXT    NOT NULL,
    symbol     TEXT    NOT NULL,
    interval   TEXT    NOT NULL,
    adjusted   INTEGER NOT NULL,
    PRIMARY KEY (source, symbol, interval, adjusted, request_id)
) STRICT, WITHOUT ROWID;

INSERT INTO request_series (request_id, source, symbol, interval, adjusted)
SELECT id, 'alpha_vantage', upper(symbol), interval, adjusted FROM requests WHERE symbol <> '';

CREATE INDEX idx_request_series_request ON request_series (request_id);

DROP INDEX idx_requests_series;

ALTER TABLE requests DROP COLUMN symbol;

ALTER TABLE requests DROP COLUMN interval;

ALTER TABLE requests DROP COLUMN adjusted;

-- Nobody reads it.
ALTER TABLE requests DROP COLUMN body_bytes;

ALTER TABLE requests RENAME COLUMN function TO endpoint;

ALTER TABLE requests RENAME COLUMN query TO parameters;

ALTER TABLE requests ADD COLUMN source TEXT NOT NULL DEFAULT 'alpha_vantage';

-- 1 for the first page of an answer.
ALTER TABLE requests ADD COLUMN page INTEGER NOT NULL DEFAULT 1;

ALTER TABLE rejected_rows ADD COLUMN source TEXT NOT NULL DEFAULT 'alpha_vantage';

UPDATE rejected_rows SET symbol = upper(symbol) WHERE symbol <> upper(symbol);

ALTER TABLE entitlements RENAME TO entitlements_before;

CREATE TABLE entitlements (
    key_fingerprint TEXT    NOT NULL,
    source          TEXT    NOT NULL DEFAULT 'alpha_vantage',
    endpoint        TEXT    NOT NULL,
    parameter       TEXT    NOT NULL DEFAULT '',
    plan            TEXT    NOT NULL,
    granted         INTEGER NOT NULL,
    message         TEXT,
    learnt_at       TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    PRIMARY KEY (key_fingerprint, source, endpoint, parameter, plan)
) STRICT, WITHOUT ROWID;

INSERT INTO entitlements (key_fingerprint, endpoint, parameter, plan, granted, message, learnt_at)
SELECT key_fingerprint, function, parameter, plan, granted, message, learnt_at FROM entitlements_before;

DROP TABLE entitlements_before;

ALTER TABLE listings RENAME TO listings_before;

CREATE TABLE listings (
    source   TEXT NOT NULL DEFAULT 'alpha_vantage',
    symbol   TEXT NOT NULL,
    name     TEXT NOT NULL,
    exchange TEXT NOT NULL,
    kind     TEXT NOT NULL,
    PRIMARY KEY (source, symbol)
) STRICT, WITHOUT ROWID;

INSERT INTO listings (symbol, name, exchange, kind)
SELECT upper(symbol), name, exchange, kind FROM listings_before
WHERE symbol IN (SELECT min(symbol) FROM listings_before GROUP BY upper(symbol));

DROP TABLE listings_before;

-- When each source sent its list.
UPDATE settings SET name = 'listings_at_alpha_vantage' WHERE name = 'listings_at';
