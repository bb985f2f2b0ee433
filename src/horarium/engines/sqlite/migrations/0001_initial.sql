-- The first schema. See schema.sql for the meaning of the columns.

CREATE TABLE runs (
    seq      INTEGER PRIMARY KEY,
    id       TEXT    NOT NULL UNIQUE,
    phase    INTEGER NOT NULL,
    state    TEXT    NOT NULL,
    queue    TEXT    NOT NULL,
    task     TEXT    NOT NULL,
    rank     INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    turn     INTEGER NOT NULL,
    crashes  INTEGER NOT NULL DEFAULT 0,
    expires  INTEGER,
    once     INTEGER NOT NULL,
    attempt  INTEGER NOT NULL DEFAULT 0,
    fence    INTEGER NOT NULL DEFAULT 0,
    owner    TEXT,
    settled  INTEGER,
    cancel   TEXT,
    schedule TEXT,
    parent   TEXT,
    root     TEXT,
    worker   TEXT    NOT NULL DEFAULT '',
    started  INTEGER,
    ended    INTEGER,
    changed  INTEGER NOT NULL,
    keep     INTEGER,
    message  BLOB    NOT NULL,
    result   BLOB,
    history  BLOB
) STRICT;

CREATE INDEX runs_waiting ON runs (queue, task, rank, due, turn, crashes, expires, once) WHERE phase = 0;
CREATE INDEX runs_held ON runs (owner) WHERE phase = 1;
CREATE INDEX runs_ended ON runs (changed) WHERE phase = 2 AND keep IS NULL;
CREATE INDEX runs_ended_keep ON runs (changed + keep) WHERE phase = 2 AND keep IS NOT NULL;
CREATE INDEX runs_expires ON runs (expires) WHERE phase = 0 AND expires IS NOT NULL;
CREATE INDEX runs_state ON runs (state);
CREATE INDEX runs_task ON runs (task);
CREATE INDEX runs_queue ON runs (queue);
CREATE INDEX runs_schedule ON runs (schedule) WHERE schedule IS NOT NULL;
CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_root ON runs (root) WHERE root IS NOT NULL;

CREATE TABLE counters (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO counters (name, value) VALUES ('turn', 0);

CREATE TABLE owners (
    owner       TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    seen        INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    given_up    INTEGER,
    member      BLOB    NOT NULL
) STRICT;

CREATE INDEX owners_lease ON owners (lease_until) WHERE given_up IS NULL;
CREATE INDEX owners_given_up ON owners (given_up) WHERE given_up IS NOT NULL;

CREATE TABLE schedules (
    name       TEXT    NOT NULL PRIMARY KEY,
    id         TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    active     INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    next_fire  INTEGER,
    last_fire  INTEGER,
    total_runs INTEGER NOT NULL,
    missed     INTEGER NOT NULL,
    record     BLOB    NOT NULL
) STRICT;

CREATE INDEX schedules_due ON schedules (next_fire) WHERE active = 1 AND next_fire IS NOT NULL;

CREATE TABLE firings (
    nominal  INTEGER NOT NULL,
    schedule TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    PRIMARY KEY (nominal, schedule, kind)
) STRICT, WITHOUT ROWID;
