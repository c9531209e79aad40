-- A symbol may mean two instruments at two sources: their bars are not joined.

-- The bars of stock_data, of each symbol, interval, adjusted and timestamp that of the source with the lowest rank,
-- which the column source names. A series is left out where the listing of a source with a lower rank that has the same
-- series names another currency or other trading hours.
CREATE OR REPLACE VIEW bars_best AS
SELECT b.*
FROM stock_data b
LEFT JOIN source_ranks mine ON mine.source = b.source
WHERE NOT EXISTS (
    SELECT FROM source_ranks better
    JOIN stock_data other ON other.symbol = b.symbol AND other.interval = b.interval AND other.adjusted = b.adjusted
        AND other.source = better.source AND other.timestamp = b.timestamp
    WHERE better.rank < coalesce(mine.rank, 2147483647)
) AND NOT EXISTS (
    SELECT FROM listings its
    JOIN listings another ON another.symbol = its.symbol
        AND (another.currency <> its.currency OR another.calendar <> its.calendar)
    JOIN source_ranks rival ON rival.source::text = another.source
    JOIN series_totals held ON held.source = another.source AND held.symbol = b.symbol AND held.interval = b.interval
        AND held.adjusted = b.adjusted AND held.bars > 0
    WHERE its.source = b.source::text AND its.symbol = b.symbol AND rival.rank < coalesce(mine.rank, 2147483647)
);
