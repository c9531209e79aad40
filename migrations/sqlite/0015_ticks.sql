-- Instants of the schedule, each once for a source, and what became of it. Times are by the clock of the engine.

-- outcome: due, done, skipped, missed, refused. why: paused, not_due, blocked, busy, day_spent, no_room.
-- run_id: the run that began, or that made up for a missed instant.
CREATE TABLE ticks (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         TEXT NOT NULL,
    source     TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    why        TEXT,
    run_id     INTEGER,
    decided_at TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX idx_ticks_at ON ticks (at, source);
CREATE INDEX idx_ticks_due ON ticks (at) WHERE outcome = 'due';
