-- What a provider last said is left of a window, by key. start: when the request started whose answer said so;
-- until: when the window ends.
CREATE TABLE stated_left (
    key_fingerprint text PRIMARY KEY,
    start           timestamptz NOT NULL,
    left_after      bigint      NOT NULL,
    until           timestamptz NOT NULL
);

-- Whoever may read the bars may read it, and who stores bars writes it.
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
            EXECUTE format('GRANT SELECT ON stated_left TO %s', who);
        END IF;
        IF allowed.writes THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON stated_left TO %s', who);
        END IF;
    END LOOP;
END
$$;
