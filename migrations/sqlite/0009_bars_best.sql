-- One row for each bar, of whichever sources: the view bars_best, which the program makes.

-- Which source's bar is shown where several have one: that with the lowest rank.
CREATE TABLE source_ranks (
    source TEXT    NOT NULL PRIMARY KEY CHECK (length(source) <= 32),
    rank   INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

INSERT INTO source_ranks SELECT source, row_number() OVER (ORDER BY min(id)) - 1 FROM series_totals GROUP BY source;
