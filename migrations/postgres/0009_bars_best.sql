-- One row for each bar, of whichever sources.

-- Which source's bar is shown where several have one: that with the lowest rank.
CREATE TABLE source_ranks (
    source bar_source NOT NULL PRIMARY KEY,
    rank   integer    NOT NULL UNIQUE
);

INSERT INTO source_ranks
SELECT source, place - 1 FROM unnest(enum_range(NULL::bar_source)) WITH ORDINALITY AS known (source, place);

-- The bars of stock_data, of each symbol, interval, adjusted and timestamp that of the source with the lowest rank,
-- which the column source names.
CREATE VIEW bars_best AS
SELECT b.*
FROM stock_data b
LEFT JOIN source_ranks mine ON mine.source = b.source
WHERE NOT EXISTS (
    SELECT FROM source_ranks better
    JOIN stock_data other ON other.symbol = b.symbol AND other.interval = b.interval AND other.adjusted = b.adjusted
        AND other.source = better.source AND other.timestamp = b.timestamp
    WHERE better.rank < coalesce(mine.rank, 2147483647)
);

-- Whoever may read the bars may read the best of them, and who stores bars ranks their sources.
DO $$
DECLARE
    allowed record;
    who text;
BEGIN
    FOR allowed IN
        SELECT grantee, bool_or(privilege_type = 'SELECT') AS reads, bool_or(privilege_type = 'INSERT') AS writes
        FROM pg_class, aclexplode(relacl)
        WHERE oid = 'stock_data'::regclass AND grantee <> relowner
        GROUP BY grantee
    LOOP
        who := CASE allowed.grantee WHEN 0 THEN 'PUBLIC' ELSE allowed.grantee::regrole::text END;
        IF allowed.reads THEN
            EXECUTE format('GRANT SELECT ON bars_best, source_ranks TO %s', who);
        END IF;
        IF allowed.writes THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON source_ranks TO %s', who);
        END IF;
    END LOOP;
END
$$;
