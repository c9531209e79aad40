-- What a source says of an instrument: more than its name.

-- NULL: unknown. calendar: when it is traded, as the code of its exchange. currency: what its prices are in; pence are
-- GBX. status: active, halted, delisted. listed and the other days are YYYY-MM-DD. renamed_from, renamed_to: its symbol
-- before and since, from the day of renamed_..._on. learnt: list, search, actions; learnt_at: since when it is known as
-- it is, in UTC.
ALTER TABLE listings ADD COLUMN calendar TEXT;
ALTER TABLE listings ADD COLUMN currency TEXT;
ALTER TABLE listings ADD COLUMN status TEXT NOT NULL DEFAULT 'active';
ALTER TABLE listings ADD COLUMN listed TEXT;
ALTER TABLE listings ADD COLUMN delisted TEXT;
ALTER TABLE listings ADD COLUMN renamed_from TEXT;
ALTER TABLE listings ADD COLUMN renamed_from_on TEXT;
ALTER TABLE listings ADD COLUMN renamed_to TEXT;
ALTER TABLE listings ADD COLUMN renamed_to_on TEXT;
ALTER TABLE listings ADD COLUMN learnt TEXT NOT NULL DEFAULT 'list';
ALTER TABLE listings ADD COLUMN learnt_at TEXT;

-- Until now only lists of US exchanges were kept.
UPDATE listings SET calendar = 'XNYS', currency = 'USD',
    learnt_at = (SELECT datetime(value) FROM settings WHERE name = 'listings_at_alpha_vantage')
WHERE source = 'alpha_vantage';
