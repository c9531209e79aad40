-- A series that fills the gaps of the same series at another source.

-- fills: that source, which is on the list too; NULL: it fills none.
ALTER TABLE series ADD COLUMN fills TEXT;
