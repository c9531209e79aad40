-- Which times of a series were asked for, and how many bars each of its months has.

-- When the newest bars of a series were last asked for.
CREATE TABLE asked (
    series_id INTEGER PRIMARY KEY REFERENCES series_totals (id) ON DELETE CASCADE,
    asked_at  TEXT
) STRICT;

-- What answers spoke for, from an instant up to and without another, none over another:
-- settled: a bar that is not there, the provider does not have; asked: corrections may follow;
-- refused: the provider refuses to answer.
CREATE TABLE coverage (
    series_id INTEGER NOT NULL REFERENCES series_totals (id) ON DELETE CASCADE,
    from_at   TEXT    NOT NULL CHECK (length(from_at) = 19),
    to_at     TEXT    NOT NULL CHECK (length(to_at) = 19 AND to_at > from_at),
    known     TEXT    NOT NULL CHECK (known IN ('settled', 'asked', 'refused')),
    PRIMARY KEY (series_id, from_at)
) STRICT, WITHOUT ROWID;

-- The bars of a series by the month of their trading day. As in series_totals, the transaction that
-- stores an answer adds, and the trigger takes off.
CREATE TABLE held_counts (
    series_id INTEGER NOT NULL REFERENCES series_totals (id) ON DELETE CASCADE,
    month     TEXT    NOT NULL CHECK (length(month) = 7),
    bars      INTEGER NOT NULL,
    PRIMARY KEY (series_id, month)
) STRICT, WITHOUT ROWID;

INSERT INTO held_counts (series_id, month, bars)
SELECT series_id, strftime('%Y-%m', trading_day * 86400, 'unixepoch') AS month, count(*)
FROM bars GROUP BY series_id, month;

-- A bar that somebody deletes counts as never asked for.
DROP TRIGGER bars_deleted;

CREATE TRIGGER bars_deleted AFTER DELETE ON bars
BEGIN
    UPDATE series_totals SET bars = bars - 1 WHERE id = OLD.series_id;
    UPDATE held_counts SET bars = bars - 1
    WHERE series_id = OLD.series_id AND month = strftime('%Y-%m', OLD.trading_day * 86400, 'unixepoch');
    INSERT INTO coverage (series_id, from_at, to_at, known)
    SELECT series_id, datetime(OLD.timestamp, '+1 second'), to_at, known FROM coverage
    WHERE series_id = OLD.series_id AND from_at <= OLD.timestamp AND to_at > datetime(OLD.timestamp, '+1 second');
    UPDATE coverage SET to_at = OLD.timestamp
    WHERE series_id = OLD.series_id AND from_at < OLD.timestamp AND to_at > OLD.timestamp;
    DELETE FROM coverage WHERE series_id = OLD.series_id AND from_at = OLD.timestamp;
END;

