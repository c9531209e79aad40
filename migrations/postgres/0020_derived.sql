-- Bars that were rolled up from the finer ones of another series are marked in the coverage.

-- derived: rolled up from finer bars after they could change no more; deriving: rolled up, and they may change.
ALTER TABLE coverage DROP CONSTRAINT coverage_known_check;
ALTER TABLE coverage ADD CONSTRAINT coverage_known_check
    CHECK (known IN ('settled', 'asked', 'refused', 'restated', 'derived', 'deriving'));
