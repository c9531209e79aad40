-- What a person declares of a series on the watch list.

-- since: the day since when its bars are wanted; NULL: as its source has them. priority: low, normal, high.
-- series_group: the group it belongs to; NULL: none. fresh_within: how old its newest bar may be, as "10m", "2h",
-- "3d" or "2 sessions"; NULL: as new as the plan of the key allows. fill_from: the source that is asked for what its own
-- cannot give; NULL: none.
ALTER TABLE series ADD COLUMN since date;
ALTER TABLE series ADD COLUMN priority varchar(8) NOT NULL DEFAULT 'normal';
ALTER TABLE series ADD COLUMN series_group varchar(32);
ALTER TABLE series ADD COLUMN fresh_within varchar(16);
ALTER TABLE series ADD COLUMN fill_from varchar(32);
