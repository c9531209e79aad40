-- What has happened, in order, for readers outside: a line each, kept for a while.

-- name: run_started, run_ended, series_ended, alert_opened, alert_recovered. detail: JSON.
CREATE TABLE events (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    name   TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE TRIGGER events_run_started AFTER INSERT ON runs
BEGIN
    INSERT INTO events (name, detail) VALUES ('run_started', json_object('run', NEW.id, 'trigger', NEW.trigger));
END;

CREATE TRIGGER events_run_ended AFTER UPDATE OF status ON runs
WHEN OLD.status = 'running' AND NEW.status <> 'running'
BEGIN
    INSERT INTO events (name, detail)
    VALUES ('run_ended', json_object('run', NEW.id, 'trigger', NEW.trigger, 'status', NEW.status));
END;

CREATE TRIGGER events_series_ended AFTER UPDATE OF status ON run_series
WHEN OLD.status = 'running' AND NEW.status <> 'running'
BEGIN
    INSERT INTO events (name, detail)
    VALUES ('series_ended', json_object(
        'run', NEW.run_id, 'source', NEW.source, 'symbol', NEW.symbol, 'interval', NEW.interval,
        'adjusted', json(iif(NEW.adjusted, 'true', 'false')), 'status', NEW.status,
        'inserted', NEW.inserted, 'changed', NEW.changed,
        'class', NEW.error_class, 'message', NEW.error_message));
END;

CREATE TRIGGER events_alert_opened AFTER INSERT ON alerts
BEGIN
    INSERT INTO events (name, detail)
    VALUES ('alert_opened', json_object(
        'kind', NEW.kind, 'subject', NEW.subject, 'severity', NEW.severity, 'text', NEW.text));
END;

CREATE TRIGGER events_alert_recovered AFTER UPDATE OF recovered_at ON alerts
WHEN OLD.recovered_at IS NULL AND NEW.recovered_at IS NOT NULL
BEGIN
    INSERT INTO events (name, detail)
    VALUES ('alert_recovered', json_object(
        'kind', NEW.kind, 'subject', NEW.subject, 'severity', NEW.severity, 'text', NEW.text));
END;
