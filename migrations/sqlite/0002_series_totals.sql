-- The bars of each series, so that nobody has to count them. The transaction that stores an answer
-- adds what it inserted; the trigger takes off what is deleted, by whomever.
CREATE TABLE series_totals (
    symbol   TEXT    NOT NULL,
    interval TEXT    NOT NULL,
    adjusted INTEGER NOT NULL,
    bars     INTEGER NOT NULL,
    PRIMARY KEY (symbol, interval, adjusted)
) STRICT, WITHOUT ROWID;

INSERT INTO series_totals (symbol, interval, adjusted, bars)
SELECT symbol, interval, adjusted, count(*) FROM bars GROUP BY symbol, interval, adjusted;

CREATE TRIGGER bars_deleted AFTER DELETE ON bars
BEGIN
    UPDATE series_totals SET bars = bars - 1
    WHERE symbol = OLD.symbol AND interval = OLD.interval AND adjusted = OLD.adjusted;
END;

-- Milliseconds that reading the answer took.
ALTER TABLE requests ADD COLUMN parse_ms INTEGER;
