-- What a person should know, and what is sent about it. Times are in UTC, by the clock of the engine.

-- kind: failed, behind, holes, about_to_be_lost, quota_spent_early, no_engine, disk_near_full, store_near_full.
-- subject: a series, a source, a place. gone_at: since when it no longer holds; recovered_at: when it was over for good.
CREATE TABLE alerts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT NOT NULL,
    subject      TEXT NOT NULL,
    severity     TEXT NOT NULL,
    text         TEXT NOT NULL,
    opened_at    TEXT NOT NULL,
    gone_at      TEXT,
    recovered_at TEXT
) STRICT;

CREATE UNIQUE INDEX idx_alerts_open ON alerts (kind, subject) WHERE recovered_at IS NULL;

-- One row for each message and channel: webhook or command. Whoever sends it first moves next_at past the time that
-- sending takes. ended_at: when it was delivered or given up; outcome: how the last attempt ended.
CREATE TABLE alert_deliveries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    channel    TEXT    NOT NULL,
    payload    TEXT    NOT NULL,
    created_at TEXT    NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_at    TEXT    NOT NULL,
    ended_at   TEXT,
    outcome    TEXT
) STRICT;

CREATE INDEX idx_alert_deliveries_waiting ON alert_deliveries (channel, id) WHERE ended_at IS NULL;
