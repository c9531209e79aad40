-- Bars that were rolled up from the finer ones of another series are marked in the coverage.

-- SQLite changes no check: the table is made again.
CREATE TABLE coverage_before (
    series_id INTEGER NOT NULL,
    from_at   TEXT    NOT NULL,
    to_at     TEXT    NOT NULL,
    known     TEXT    NOT NULL
) STRICT;

INSERT INTO coverage_before SELECT series_id, from_at, to_at, known FROM coverage;

DROP TABLE coverage;

-- What answers spoke for, from an instant up to and without another, none over another:
-- settled: a bar that is not there, the provider does not have; asked: corrections may follow;
-- refused: the provider refuses to answer; restated: asked for, and the series was adjusted again since, so that it
-- counts as never asked for; derived, deriving: settled or asked as finer bars, from which the series' were rolled up.
CREATE TABLE coverage (
    series_id INTEGER NOT NULL REFERENCES series_totals (id) ON DELETE CASCADE,
    from_at   TEXT    NOT NULL CHECK (length(from_at) = 19),
    to_at     TEXT    NOT NULL CHECK (length(to_at) = 19 AND to_at > from_at),
    known     TEXT    NOT NULL CHECK (known IN ('settled', 'asked', 'refused', 'restated', 'derived', 'deriving')),
    PRIMARY KEY (series_id, from_at)
) STRICT, WITHOUT ROWID;

INSERT INTO coverage SELECT series_id, from_at, to_at, known FROM coverage_before;

DROP TABLE coverage_before;
