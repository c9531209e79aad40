-- Dividends and splits, and the factors that follow from them. Dates are text, YYYY-MM-DD.

-- What is known of a symbol's dividends and splits at a source. origin: bars (the daily bars carry them), splits and
-- dividends (the source's lists), jump (nobody reported it: the price jumped as by this split). dividend and closes
-- are in units of 10^-8, and so is split: new shares for one old one. The closes are those of the daily bars of that
-- day and before.
CREATE TABLE corporate_events (
    source       TEXT    NOT NULL,
    symbol       TEXT    NOT NULL,
    date         TEXT    NOT NULL,
    origin       TEXT    NOT NULL,
    dividend     INTEGER NOT NULL,
    split        INTEGER NOT NULL,
    close        INTEGER,
    close_before INTEGER,
    PRIMARY KEY (source, symbol, date, origin)
) STRICT, WITHOUT ROWID;

-- Up to when each list of a symbol's events is complete. kind: splits, dividends.
CREATE TABLE event_lists (
    source  TEXT NOT NULL,
    symbol  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    through TEXT NOT NULL,
    PRIMARY KEY (source, symbol, kind)
) STRICT, WITHOUT ROWID;

-- What a symbol's raw bars of earlier days are multiplied by, back to the next older date; NULL: it cannot be known.
-- The newest date is that after the last day of which anything is known. Factors are exact decimals as text.
CREATE TABLE adjustments (
    source        TEXT NOT NULL,
    symbol        TEXT NOT NULL,
    before_date   TEXT NOT NULL,
    price_factor  TEXT,
    volume_factor TEXT,
    unknown       TEXT,
    PRIMARY KEY (source, symbol, before_date)
) STRICT, WITHOUT ROWID;
