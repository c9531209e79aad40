-- What a person declares of a series on the watch list.

-- since: the day since when its bars are wanted, YYYY-MM-DD; NULL: as its source has them. priority: low, normal, high.
-- series_group: the group it belongs to; NULL: none.
ALTER TABLE series ADD COLUMN since TEXT;
ALTER TABLE series ADD COLUMN priority TEXT NOT NULL DEFAULT 'normal';
ALTER TABLE series ADD COLUMN series_group TEXT;
