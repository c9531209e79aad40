-- Dividends and splits, and the factors that follow from them.

-- What is known of a symbol's dividends and splits at a source. origin: bars (the daily bars carry them), splits and
-- dividends (the source's lists), jump (nobody reported it: the price jumped as by this split). split: new shares for
-- one old one. The closes are those of the daily bars of that day and before.
CREATE TABLE corporate_events (
    source       varchar(32)    NOT NULL,
    symbol       varchar(32)    NOT NULL,
    date         date           NOT NULL,
    origin       varchar(16)    NOT NULL,
    dividend     numeric(20, 8) NOT NULL,
    split        numeric(20, 8) NOT NULL,
    close        numeric(20, 8),
    close_before numeric(20, 8),
    PRIMARY KEY (source, symbol, date, origin)
);

-- Up to when each list of a symbol's events is complete. kind: splits, dividends.
CREATE TABLE event_lists (
    source  varchar(32) NOT NULL,
    symbol  varchar(32) NOT NULL,
    kind    varchar(16) NOT NULL,
    through date        NOT NULL,
    PRIMARY KEY (source, symbol, kind)
);

-- What a symbol's raw bars of earlier days are multiplied by, back to the next older date; NULL: it cannot be known.
-- The newest date is that after the last day of which anything is known.
CREATE TABLE adjustments (
    source        varchar(32) NOT NULL,
    symbol        varchar(32) NOT NULL,
    before_date   date        NOT NULL,
    price_factor  numeric,
    volume_factor numeric,
    unknown       varchar(32),
    PRIMARY KEY (source, symbol, before_date)
);

-- The bars of stock_data, each series on one scale: raw ones times their factors, those that the source adjusted as
-- they are, weekly and monthly ones by the source's adjusted close. NULL where it cannot be known.
CREATE VIEW stock_data_adjusted AS
SELECT b.id, b.symbol, b.timestamp,
       round(b.open_price * f.price, 8) AS open_price,
       round(b.high_price * f.price, 8) AS high_price,
       round(b.low_price * f.price, 8) AS low_price,
       round(b.close_price * f.price, 8) AS close_price,
       trim_scale(round(b.volume * f.volume, 8)) AS volume,
       b.created_at, b.updated_at, b.interval, b.adjusted, b.final, b.trading_date, b.source,
       b.adjusted_close, b.dividend_amount, b.split_coefficient
FROM stock_data b
LEFT JOIN LATERAL (
    SELECT price_factor, volume_factor FROM adjustments
    WHERE source = b.source::text AND symbol = b.symbol AND before_date > b.trading_date
    ORDER BY before_date LIMIT 1
) a ON NOT b.adjusted AND b.interval NOT IN ('weekly', 'monthly')
CROSS JOIN LATERAL (
    SELECT CASE WHEN b.adjusted THEN 1
                WHEN b.interval IN ('weekly', 'monthly') THEN b.adjusted_close / b.close_price
                ELSE a.price_factor END AS price,
           CASE WHEN b.adjusted THEN 1 ELSE a.volume_factor END AS volume
) f;

-- Whoever may read the bars may read them adjusted, and who stores bars stores what follows from them.
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
            EXECUTE format('GRANT SELECT ON stock_data_adjusted, corporate_events, event_lists, adjustments TO %s', who);
        END IF;
        IF allowed.writes THEN
            EXECUTE format(
                'GRANT SELECT, INSERT, UPDATE, DELETE ON corporate_events, event_lists, adjustments TO %s', who);
        END IF;
    END LOOP;
END
$$;
