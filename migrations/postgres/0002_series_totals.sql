-- The bars of each series, so that nobody has to count them. The transaction that stores an answer
-- adds what it inserted; the triggers take off what is deleted, by whomever.
CREATE TABLE series_totals (
    symbol   varchar(32) NOT NULL,
    interval varchar(8)  NOT NULL,
    adjusted boolean     NOT NULL,
    bars     bigint      NOT NULL,
    PRIMARY KEY (symbol, interval, adjusted)
);

-- Nobody may write between the count and the triggers.
LOCK TABLE stock_data IN SHARE ROW EXCLUSIVE MODE;

INSERT INTO series_totals (symbol, interval, adjusted, bars)
SELECT symbol, interval, adjusted, count(*) FROM stock_data GROUP BY symbol, interval, adjusted;

CREATE FUNCTION stock_data_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE series_totals t SET bars = t.bars - d.bars
    FROM (SELECT symbol, interval, adjusted, count(*) AS bars FROM gone GROUP BY symbol, interval, adjusted) d
    WHERE t.symbol = d.symbol AND t.interval = d.interval AND t.adjusted = d.adjusted;
    RETURN NULL;
END
$$;

CREATE TRIGGER stock_data_deleted AFTER DELETE ON stock_data
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION stock_data_deleted();

CREATE FUNCTION stock_data_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM series_totals;
    RETURN NULL;
END
$$;

CREATE TRIGGER stock_data_emptied AFTER TRUNCATE ON stock_data
    FOR EACH STATEMENT EXECUTE FUNCTION stock_data_emptied();

-- Milliseconds that reading the answer took.
ALTER TABLE requests ADD COLUMN parse_ms integer;
