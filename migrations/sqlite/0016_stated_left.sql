-- What a provider last said is left of a window, by key. start: when the request started whose answer said so;
-- until: when the window ends.
CREATE TABLE stated_left (
    key_fingerprint TEXT PRIMARY KEY,
    start           TEXT NOT NULL,
    left_after      INTEGER NOT NULL,
    until           TEXT NOT NULL
) STRICT;
