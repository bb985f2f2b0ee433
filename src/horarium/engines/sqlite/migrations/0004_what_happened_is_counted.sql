-- What has happened, counted by time. See schema.sql for the meaning of the columns.

CREATE TABLE tallies (
    width INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    task  TEXT    NOT NULL,
    queue TEXT    NOT NULL,
    sums  BLOB    NOT NULL,
    PRIMARY KEY (width, at, task, queue)
) STRICT, WITHOUT ROWID;

CREATE TABLE readings (
    width   INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    queue   TEXT    NOT NULL,
    ready   INTEGER NOT NULL,
    claimed INTEGER NOT NULL,
    oldest  REAL    NOT NULL,
    PRIMARY KEY (width, at, queue)
) STRICT, WITHOUT ROWID;
