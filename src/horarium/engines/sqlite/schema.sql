-- The schema as the migrations leave it, and what its columns mean. A test compares the two; nothing reads this file.
--
-- One row is a message from its put to its removal, waiting, in hand or ended, so that no move copies the payload. A
-- partial index for each phase keeps the hot ones small: 100,000 waiting messages or a million kept runs do not slow a
-- claim down. Every index ends in seq, and seq grows with the moment of creation, so each of them lists runs by age.
-- CPU of a message in us, batches of 500 and 100, a small payload, tmpfs, a busy 2-core machine (median of three):
--   this one                                            put 7.6  claim 10.6  settle  8.1  sum 26
--   rejected: a hot table and one for what has ended    put 6.7  claim  7.1  settle 16.1  sum 31
--   rejected: without the indexes that search needs     put 4.6  claim  5.3  settle  4.8  sum 15, but a page of one
--   state or task of a million runs then walks through all of them

CREATE TABLE runs (
    seq      INTEGER PRIMARY KEY,  -- created (ms) * 2^20 + a number, see intake.Places
    id       TEXT    NOT NULL UNIQUE,
    phase    INTEGER NOT NULL,  -- 0 waiting in line, 1 in hand, 2 ended, -1 behind its gate, -2 aside for its slot
    state    TEXT    NOT NULL,  -- as shown; tasks may report their own
    queue    TEXT    NOT NULL,
    task     TEXT    NOT NULL,
    rank     INTEGER NOT NULL,  -- the priority, negated: lower is claimed first
    due      INTEGER NOT NULL,  -- not before
    turn     INTEGER NOT NULL,  -- place in the order of puts
    crashes  INTEGER NOT NULL DEFAULT 0,
    expires  INTEGER,
    once     INTEGER NOT NULL,  -- 1: at_most_once
    attempt  INTEGER NOT NULL DEFAULT 0,
    fence    INTEGER NOT NULL DEFAULT 0,
    owner    TEXT,  -- in whose hands
    settled  INTEGER,  -- mark of the last settlement that was recorded, to know it again
    cancel   TEXT,  -- revoke or terminate: asked for while in hand
    schedule TEXT,
    parent   TEXT,
    root     TEXT,
    worker   TEXT    NOT NULL DEFAULT '',
    started  INTEGER,
    ended    INTEGER,
    changed  INTEGER NOT NULL,  -- when the state was last changed
    keep     INTEGER,  -- ms to be kept after the end; NULL: the policy's
    message  BLOB    NOT NULL,  -- JSON
    result   BLOB,  -- JSON
    history  BLOB,  -- JSON of rows.History; NULL: nothing to tell
    slot     TEXT,  -- its key
    slot_size INTEGER,
    uniq     INTEGER NOT NULL DEFAULT 0  -- 1: it holds a unique key until its end, 2: until its start
) STRICT;

CREATE INDEX runs_waiting ON runs (queue, task, rank, due, turn, crashes, expires, once, slot) WHERE phase = 0;
CREATE INDEX runs_held ON runs (owner) WHERE phase = 1;
CREATE INDEX runs_ended ON runs (changed) WHERE phase = 2 AND keep IS NULL;
CREATE INDEX runs_ended_keep ON runs (changed + keep) WHERE phase = 2 AND keep IS NOT NULL;
CREATE INDEX runs_expires ON runs (expires) WHERE phase <= 0 AND expires IS NOT NULL;
CREATE INDEX runs_state ON runs (state);
CREATE INDEX runs_task ON runs (task);
CREATE INDEX runs_queue ON runs (queue);
CREATE INDEX runs_schedule ON runs (schedule) WHERE schedule IS NOT NULL;
CREATE INDEX runs_active ON runs (schedule) WHERE phase < 2 AND schedule IS NOT NULL;
CREATE INDEX runs_blocked ON runs (turn) WHERE phase < 0;
CREATE INDEX runs_slot ON runs (slot) WHERE phase = 1 AND slot IS NOT NULL;
CREATE INDEX runs_aside ON runs (slot, queue, task, rank, due, turn) WHERE phase = -2;
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
    given_up    INTEGER,  -- a tombstone: never taken back
    member      BLOB    NOT NULL  -- JSON of Member, as last reported
) STRICT;

CREATE INDEX owners_lease ON owners (lease_until) WHERE given_up IS NULL;
CREATE INDEX owners_given_up ON owners (given_up) WHERE given_up IS NOT NULL;

CREATE TABLE schedules (
    name       TEXT    NOT NULL PRIMARY KEY,
    id         TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    active     INTEGER NOT NULL,  -- Schedule.is_active, but for next_fire
    version    INTEGER NOT NULL,
    next_fire  INTEGER,
    last_fire  INTEGER,
    total_runs INTEGER NOT NULL,
    missed     INTEGER NOT NULL,
    record     BLOB    NOT NULL,  -- JSON as saved; the other columns win over it
    skipped    INTEGER NOT NULL DEFAULT 0,
    held       INTEGER NOT NULL DEFAULT 0,  -- 1: not due until one of its runs ends
    succeeded  INTEGER,
    failures   INTEGER NOT NULL DEFAULT 0,
    ended      INTEGER
) STRICT;

CREATE INDEX schedules_due ON schedules (next_fire) WHERE active = 1 AND held = 0 AND next_fire IS NOT NULL;

CREATE TABLE firings (
    nominal  INTEGER NOT NULL,
    schedule TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    PRIMARY KEY (nominal, schedule, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE gates (
    id      TEXT    NOT NULL PRIMARY KEY,  -- of the message behind it
    size    INTEGER,  -- how many it waits for; NULL: nobody knows yet
    widened INTEGER NOT NULL DEFAULT 0,  -- for so many more
    arrived INTEGER NOT NULL DEFAULT 0  -- the number of its arrivals: counting them each time would be quadratic
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
    until INTEGER  -- free from then on; NULL: only when its holder says so
) STRICT;

CREATE TABLE buckets (
    name TEXT    NOT NULL PRIMARY KEY,
    left REAL    NOT NULL,  -- tokens, at that instant
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

CREATE TABLE tallies (
    width INTEGER NOT NULL,  -- ms
    at    INTEGER NOT NULL,  -- the bucket's beginning
    task  TEXT    NOT NULL,
    queue TEXT    NOT NULL,
    sums  BLOB    NOT NULL,  -- JSON of series.Sums: read, added to and written back under the write lock
    PRIMARY KEY (width, at, task, queue)
) STRICT, WITHOUT ROWID;

CREATE TABLE readings (
    width   INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    queue   TEXT    NOT NULL,
    ready   INTEGER NOT NULL,  -- the greatest of each that was read in the bucket
    claimed INTEGER NOT NULL,
    oldest  REAL    NOT NULL,  -- seconds
    PRIMARY KEY (width, at, queue)
) STRICT, WITHOUT ROWID;
