-- Bars of which the provider has restated the series since are on an earlier scale.

-- restated: asked for, and the series was adjusted again since; it counts as never asked for.
ALTER TABLE coverage DROP CONSTRAINT coverage_known_check;
ALTER TABLE coverage ADD CONSTRAINT coverage_known_check
    CHECK (known IN ('settled', 'asked', 'refused', 'restated'));
