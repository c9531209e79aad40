-- How old what is known of a series may be before it is asked for ahead of others.

-- fresh_within: 30m, 2h, 3sessions; NULL: nothing is said.
ALTER TABLE series ADD COLUMN fresh_within TEXT;
