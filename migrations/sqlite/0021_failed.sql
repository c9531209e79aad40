-- The newest failure of a series is looked up whenever the watch list is read.

CREATE INDEX idx_run_series_failed ON run_series (source, symbol, interval, adjusted, run_id)
    WHERE status = 'failed';
