-- Messages that wait for others, or for their slot; unique keys; rates; notes and the journal. See schema.sql for the
-- meaning of the columns.

ALTER TABLE runs ADD COLUMN slot TEXT;
ALTER TABLE runs ADD COLUMN slot_size INTEGER;
ALTER TABLE runs ADD COLUMN uniq INTEGER NOT NULL DEFAULT 0;

DROP INDEX runs_waiting;
CREATE INDEX runs_waiting ON runs (queue, task, rank, due, turn, crashes, expires, once, slot) WHERE phase = 0;
DROP INDEX runs_expires;
CREATE INDEX runs_expires ON runs (expires) WHERE phase <= 0 AND expires IS NOT NULL;
CREATE INDEX runs_blocked ON runs (turn) WHERE phase < 0;
CREATE INDEX runs_slot ON runs (slot) WHERE phase = 1 AND slot IS NOT NULL;
CREATE INDEX runs_aside ON runs (slot, queue, task, rank, due, turn) WHERE phase = -2;

CREATE TABLE gates (
    id      TEXT    NOT NULL PRIMARY KEY,
    size    INTEGER,
    widened INTEGER NOT NULL DEFAULT 0,
    arrived INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE arrivals (
    gate   TEXT    NOT NULL,
    member TEXT    NOT NULL,
    place  INTEGER NOT NULL,
    value  BLOB    NOT NULL,
    PRIMARY KEY (gate, member)
) STRICT, WITHOUT ROWID;

CREATE TABLE uniques (
    key   TEXT NOT NULL PRIMARY KEY,
    id    TEXT NOT NULL UNIQUE,
    until INTEGER
) STRICT;

CREATE TABLE buckets (
    name TEXT    NOT NULL PRIMARY KEY,
    left REAL    NOT NULL,
    at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notes (
    key     TEXT    NOT NULL PRIMARY KEY,
    text    BLOB    NOT NULL,
    expires INTEGER,
    changed INTEGER NOT NULL
) STRICT;

CREATE INDEX notes_expires ON notes (expires) WHERE expires IS NOT NULL;

CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    entry  BLOB NOT NULL
) STRICT;
