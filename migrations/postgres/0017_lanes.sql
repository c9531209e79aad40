-- The engines that share this database, and what each alone does. Times are by the clock of the database.

-- beat_at: when it was last heard of. ended_at: when it ended in order.
CREATE TABLE engines (
    id         uuid        PRIMARY KEY,
    host       varchar(255) NOT NULL,
    pid        bigint      NOT NULL,
    version    varchar(64) NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    beat_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz
);

-- A lane is a lease: the scheduled requests to one source, or the upkeep of the store. epoch: grows by one each time it
-- is taken; a write that carries another one is refused. last_tick: the last instant of the schedule that was acted on,
-- by the clock of the engine.
CREATE TABLE lanes (
    source    varchar(32) PRIMARY KEY,
    engine    uuid,
    epoch     bigint NOT NULL DEFAULT 0,
    until     timestamptz,
    taken_at  timestamptz,
    last_tick timestamptz
);

-- The engine whose schedule sent it; none: a person asked.
ALTER TABLE requests ADD COLUMN engine uuid;
CREATE INDEX idx_requests_engine ON requests (engine, reserved_at) WHERE engine IS NOT NULL;

-- One engine followed the schedule of all sources: each goes on where it was.
INSERT INTO lanes (source, last_tick)
SELECT known.source, CAST(settings.value AS timestamptz)
FROM settings
CROSS JOIN (SELECT source FROM series UNION SELECT source FROM ticks UNION SELECT 'upkeep') AS known
WHERE settings.name = 'last_tick'
  AND settings.value ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$';

DELETE FROM settings WHERE name = 'last_tick';

-- Whoever may read the bars may see the engines, and who stores bars may be one.
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
            EXECUTE format('GRANT SELECT ON engines, lanes TO %s', who);
        END IF;
        IF allowed.writes THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON engines, lanes TO %s', who);
        END IF;
    END LOOP;
END
$$;
