-- What a source says of an instrument: more than its name.

-- NULL: unknown. calendar: when it is traded, as the code of its exchange. currency: what its prices are in; pence are
-- GBX. status: active, halted, delisted. renamed_from, renamed_to: its symbol before and since, from the day of
-- renamed_..._on. learnt: list, search, actions; learnt_at: since when it is known as it is.
ALTER TABLE listings ADD COLUMN calendar varchar(16);
ALTER TABLE listings ADD COLUMN currency varchar(16);
ALTER TABLE listings ADD COLUMN status varchar(16) NOT NULL DEFAULT 'active';
ALTER TABLE listings ADD COLUMN listed date;
ALTER TABLE listings ADD COLUMN delisted date;
ALTER TABLE listings ADD COLUMN renamed_from varchar(32);
ALTER TABLE listings ADD COLUMN renamed_from_on date;
ALTER TABLE listings ADD COLUMN renamed_to varchar(32);
ALTER TABLE listings ADD COLUMN renamed_to_on date;
ALTER TABLE listings ADD COLUMN learnt varchar(16) NOT NULL DEFAULT 'list';
ALTER TABLE listings ADD COLUMN learnt_at timestamptz;

-- Until now only lists of US exchanges were kept.
UPDATE listings SET calendar = 'XNYS', currency = 'USD',
    learnt_at = (SELECT CAST(value AS timestamptz) FROM settings WHERE name = 'listings_at_alpha_vantage')
WHERE source = 'alpha_vantage';
