-- Which times of a series were asked for, and how many bars each of its months has.

-- When the newest bars of a series were last asked for.
CREATE TABLE asked (
    source   varchar(32) NOT NULL,
    symbol   varchar(32) NOT NULL,
    interval varchar(8)  NOT NULL,
    adjusted boolean     NOT NULL,
    asked_at timestamptz,
    PRIMARY KEY (source, symbol, interval, adjusted)
);

-- What answers spoke for, from an instant up to and without another, none over another:
-- settled: a bar that is not there, the provider does not have; asked: corrections may follow;
-- refused: the provider refuses to answer.
CREATE TABLE coverage (
    source   varchar(32) NOT NULL,
    symbol   varchar(32) NOT NULL,
    interval varchar(8)  NOT NULL,
    adjusted boolean     NOT NULL,
    from_at  timestamptz NOT NULL,
    to_at    timestamptz NOT NULL CHECK (to_at > from_at),
    known    varchar(8)  NOT NULL CHECK (known IN ('settled', 'asked', 'refused')),
    PRIMARY KEY (source, symbol, interval, adjusted, from_at)
);

-- The bars of a series by the month of their trading day. As in series_totals, the transaction that
-- stores an answer adds, and the trigger takes off.
CREATE TABLE held_counts (
    source   varchar(32) NOT NULL,
    symbol   varchar(32) NOT NULL,
    interval varchar(8)  NOT NULL,
    adjusted boolean     NOT NULL,
    month    varchar(7)  NOT NULL,
    bars     bigint      NOT NULL,
    PRIMARY KEY (source, symbol, interval, adjusted, month)
);

INSERT INTO held_counts (source, symbol, interval, adjusted, month, bars)
SELECT source::text, symbol, interval, adjusted, to_char(trading_date, 'YYYY-MM'), count(*)
FROM stock_data GROUP BY 1, 2, 3, 4, 5;

-- Bars that somebody deletes count as never asked for.
CREATE OR REPLACE FUNCTION stock_data_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    d record;
BEGIN
    UPDATE held_counts h SET bars = h.bars - g.bars
    FROM (SELECT source, symbol, interval, adjusted, to_char(trading_date, 'YYYY-MM') AS month, count(*) AS bars
          FROM gone GROUP BY 1, 2, 3, 4, 5) g
    WHERE h.source = g.source::text AND h.symbol = g.symbol AND h.interval = g.interval AND h.adjusted = g.adjusted
      AND h.month = g.month;
    FOR d IN
        SELECT source::text AS source, symbol, interval, adjusted, count(*) AS bars, min(timestamp) AS first,
               max(timestamp) + '1 second'::interval AS last
        FROM gone GROUP BY 1, 2, 3, 4
    LOOP
        UPDATE series_totals t SET bars = t.bars - d.bars
        WHERE t.source = d.source AND t.symbol = d.symbol AND t.interval = d.interval AND t.adjusted = d.adjusted;
        INSERT INTO coverage (source, symbol, interval, adjusted, from_at, to_at, known)
        SELECT c.source, c.symbol, c.interval, c.adjusted, d.last, c.to_at, c.known FROM coverage c
        WHERE c.source = d.source AND c.symbol = d.symbol AND c.interval = d.interval AND c.adjusted = d.adjusted
          AND c.from_at < d.last AND c.to_at > d.last;
        UPDATE coverage c SET to_at = d.first
        WHERE c.source = d.source AND c.symbol = d.symbol AND c.interval = d.interval AND c.adjusted = d.adjusted
          AND c.from_at < d.first AND c.to_at > d.first;
        DELETE FROM coverage c
        WHERE c.source = d.source AND c.symbol = d.symbol AND c.interval = d.interval AND c.adjusted = d.adjusted
          AND c.from_at >= d.first AND c.from_at < d.last;
    END LOOP;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION stock_data_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM series_totals;
    DELETE FROM held_counts;
    DELETE FROM coverage;
    RETURN NULL;
END
$$;

-- Whoever may read or change the bars may do so with what belongs to them.
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
            EXECUTE format('GRANT SELECT ON asked, coverage, held_counts TO %s', who);
        END IF;
        IF allowed.writes THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON asked, coverage, held_counts TO %s', who);
        END IF;
    END LOOP;
END
$$;
