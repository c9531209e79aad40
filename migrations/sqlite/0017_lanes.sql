-- The engines that use this file, and what each alone does. Times are by the clock of the database.

-- beat_at: when it was last heard of. ended_at: when it ended in order.
CREATE TABLE engines (
    id         TEXT PRIMARY KEY,
    host       TEXT NOT NULL,
    pid        INTEGER NOT NULL,
    version    TEXT NOT NULL,
    started_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    beat_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    ended_at   TEXT
) STRICT;

-- A lane is a lease: the scheduled requests to one source, or the upkeep of the store. epoch: grows by one each time it
-- is taken; a write that carries another one is refused. last_tick: the last instant of the schedule that was acted on,
-- by the clock of the engine.
CREATE TABLE lanes (
    source    TEXT PRIMARY KEY,
    engine    TEXT,
    epoch     INTEGER NOT NULL DEFAULT 0,
    until     TEXT,
    taken_at  TEXT,
    last_tick TEXT
) STRICT;

-- The engine whose schedule sent it; none: a person asked.
ALTER TABLE requests ADD COLUMN engine TEXT;
CREATE INDEX idx_requests_engine ON requests (engine, reserved_at) WHERE engine IS NOT NULL;

-- One engine followed the schedule of all sources: each goes on where it was.
INSERT INTO lanes (source, last_tick)
SELECT known.source, strftime('%Y-%m-%d %H:%M:%f', settings.value)
FROM settings
CROSS JOIN (SELECT source FROM series UNION SELECT source FROM ticks UNION SELECT 'upkeep') AS known
WHERE settings.name = 'last_tick' AND strftime('%Y-%m-%d %H:%M:%f', settings.value) IS NOT NULL;

DELETE FROM settings WHERE name = 'last_tick';
