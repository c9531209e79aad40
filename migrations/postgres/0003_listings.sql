-- What can be searched by symbol or name without a request. When the provider sent it is the setting listings_at.
CREATE TABLE listings (
    symbol   varchar(32) NOT NULL PRIMARY KEY,
    name     text        NOT NULL,
    exchange text        NOT NULL,
    kind     text        NOT NULL
);
