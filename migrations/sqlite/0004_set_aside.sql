-- Adjusted closes, dividends and splits of an answer that cannot be used: their bars are stored without them.
ALTER TABLE run_series ADD COLUMN set_aside INTEGER NOT NULL DEFAULT 0;
