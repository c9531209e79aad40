-- What a person declares of a series on the watch list.

-- since: the day since when its bars are wanted; NULL: as its source has them. priority: low, normal, high.
-- series_group: the group it belongs to; NULL: none.
ALTER TABLE series ADD COLUMN since date;
ALTER TABLE series ADD COLUMN priority varchar(8) NOT NULL DEFAULT 'normal';
ALTER TABLE series ADD COLUMN series_group varchar(32);
