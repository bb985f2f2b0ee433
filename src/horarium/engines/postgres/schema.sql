-- The schema as the migrations leave it, and what its columns mean. A test compares the two; nothing reads this file.
--
-- A message that waits or is in hand is a row of messages; when it ends it moves to runs. The hot table stays small, so
-- its dead rows are swept up in a moment however many runs are kept, and runs, which are never changed, need no sweeping
-- at all but for those that are forgotten. One table with partial indexes, as in SQLite, would leave a dead row among a
-- million kept ones with every step, and each sweep would read all their indexes from end to end.
--
-- Ids are unique over both tables, without an index over both: see drop_known.sql.

CREATE TABLE {schema}.migrations (
    number integer NOT NULL,
    CONSTRAINT migrations_pkey PRIMARY KEY (number)
);

CREATE SEQUENCE {schema}.turns;  -- the order of puts; not cached per connection, or it would not be one

CREATE TABLE {schema}.messages (
    id       text    COLLATE "C" NOT NULL,
    turn     bigint  NOT NULL,  -- place in the order of puts
    queue    text    COLLATE "C" NOT NULL,
    task     text    COLLATE "C" NOT NULL,
    rank     integer NOT NULL,  -- the priority, negated: lower is claimed first
    due      bigint  NOT NULL,  -- not before
    expires  bigint,
    once     boolean NOT NULL,  -- at_most_once
    crashes  integer NOT NULL DEFAULT 0,
    attempt  integer NOT NULL DEFAULT 0,
    fence    integer NOT NULL DEFAULT 0,
    owner    text    COLLATE "C",  -- in whose hands; NULL: it waits in line; ' gate' or ' slot': it is blocked by that.
                                   -- Nobody bears such a name, and what is in hand is what lies behind ' slot'
    token    bigint  NOT NULL,  -- of the put that stored it, or the claim that took it, to know them again
    state    text    COLLATE "C" NOT NULL,  -- as shown; tasks may report their own
    settled  bigint,  -- mark of the last settlement that was recorded, to know it again
    cancel   text    COLLATE "C",  -- revoke or terminate: asked for while in hand
    schedule text    COLLATE "C",
    nominal  bigint,  -- the due instant of what a schedule has fired
    parent   text    COLLATE "C",
    root     text    COLLATE "C",
    created  bigint  NOT NULL,
    worker   text    COLLATE "C" NOT NULL DEFAULT '',
    started  bigint,
    changed  bigint  NOT NULL,  -- when the state was last changed
    keep     bigint,  -- ms to be kept after the end; NULL: the policy's
    message  text    COLLATE "C" NOT NULL,  -- JSON, which the server never looks into
    history  text    COLLATE "C",  -- JSON of rows.History; NULL: nothing to tell
    slot     text    COLLATE "C",  -- the key of its slot
    slot_size integer,
    uniq     boolean NOT NULL DEFAULT false,  -- it may hold a unique key
    CONSTRAINT messages_pkey PRIMARY KEY (id)
) WITH (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.2
);

CREATE INDEX messages_line ON {schema}.messages (queue, task, rank, due, turn) WHERE owner IS NULL;
CREATE INDEX messages_held ON {schema}.messages (owner) WHERE owner IS NOT NULL;
CREATE INDEX messages_expires ON {schema}.messages (expires) WHERE expires IS NOT NULL;
CREATE INDEX messages_schedule ON {schema}.messages (schedule) WHERE schedule IS NOT NULL;  -- a schedule's active runs
CREATE INDEX messages_age ON {schema}.messages (created, turn);
CREATE INDEX messages_slot ON {schema}.messages (slot, owner) WHERE slot IS NOT NULL;
CREATE INDEX messages_aside ON {schema}.messages (slot, queue, task, rank, due, turn) WHERE owner = ' slot';

CREATE TABLE {schema}.runs (
    id       text    COLLATE "C" NOT NULL,
    turn     bigint  NOT NULL,
    queue    text    COLLATE "C" NOT NULL,
    task     text    COLLATE "C" NOT NULL,
    state    text    COLLATE "C" NOT NULL,
    attempt  integer NOT NULL,  -- 0 for a run that record() stored: its history tells all attempts
    settled  bigint,
    cancel   text    COLLATE "C",
    schedule text    COLLATE "C",
    parent   text    COLLATE "C",
    root     text    COLLATE "C",
    created  bigint  NOT NULL,
    worker   text    COLLATE "C" NOT NULL,
    started  bigint,
    ended    bigint,
    changed  bigint  NOT NULL,
    keep     bigint,
    message  text    COLLATE "C" NOT NULL,
    result   text    COLLATE "C",
    history  text    COLLATE "C",
    CONSTRAINT runs_pkey PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.2);

-- Every index that search uses ends in (created, turn), so a page of a million runs reads only what it shows. Successes
-- are most of the runs and are found by age alone: an index of them would cost every one of them an entry.
CREATE INDEX runs_age ON {schema}.runs (created, turn);
CREATE INDEX runs_task ON {schema}.runs (task, created, turn);
CREATE INDEX runs_queue ON {schema}.runs (queue, created, turn);
CREATE INDEX runs_state ON {schema}.runs (state, created, turn) WHERE state <> 'SUCCESS';
CREATE INDEX runs_schedule ON {schema}.runs (schedule, created, turn) WHERE schedule IS NOT NULL;
CREATE INDEX runs_parent ON {schema}.runs (parent, created, turn) WHERE parent IS NOT NULL;
CREATE INDEX runs_root ON {schema}.runs (root, created, turn) WHERE root IS NOT NULL;
CREATE INDEX runs_old ON {schema}.runs (changed) WHERE keep IS NULL;
CREATE INDEX runs_old_keep ON {schema}.runs ((changed + keep)) WHERE keep IS NOT NULL;

CREATE TABLE {schema}.owners (
    owner       text   COLLATE "C" NOT NULL,
    name        text   COLLATE "C" NOT NULL,
    seen        bigint NOT NULL,
    lease_until bigint NOT NULL,
    given_up    bigint,  -- a tombstone: never taken back
    member      text   COLLATE "C" NOT NULL,  -- JSON of Member, as last reported
    CONSTRAINT owners_pkey PRIMARY KEY (owner)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0.1);

CREATE TABLE {schema}.schedules (
    name       text    COLLATE "C" NOT NULL,
    id         text    COLLATE "C" NOT NULL,
    owner      text    COLLATE "C" NOT NULL,
    active     boolean NOT NULL,  -- Schedule.is_active, but for next_fire
    version    bigint  NOT NULL,
    next_fire  bigint,
    last_fire  bigint,
    total_runs bigint  NOT NULL,
    missed     bigint  NOT NULL,
    skipped    bigint  NOT NULL DEFAULT 0,
    held       boolean NOT NULL DEFAULT false,  -- not due until one of its runs ends
    succeeded  bigint,  -- the latest nominal whose run succeeded
    failures   bigint  NOT NULL DEFAULT 0,  -- in a row
    ended      bigint,  -- when the last one of its runs ended
    token      bigint  NOT NULL,  -- of the last save or firing, to know it again; a firing's tells its fate, too
    record     text    COLLATE "C" NOT NULL,  -- JSON as saved; the columns above win over it
    CONSTRAINT schedules_pkey PRIMARY KEY (name)
) WITH (fillfactor = 70);

CREATE INDEX schedules_due ON {schema}.schedules (next_fire, name) WHERE active AND NOT held AND next_fire IS NOT NULL;

CREATE TABLE {schema}.firings (
    nominal  bigint NOT NULL,
    schedule text   COLLATE "C" NOT NULL,
    kind     text   COLLATE "C" NOT NULL,
    token    bigint NOT NULL,  -- of the firing, to know it and its fate again
    CONSTRAINT firings_pkey PRIMARY KEY (nominal, schedule, kind)
);

-- What a blocked message waits for.
CREATE TABLE {schema}.gates (
    id      text    COLLATE "C" NOT NULL,  -- of the blocked message: whoever changes the gate has locked that one
    number  bigint  NOT NULL,  -- of this opening: what arrived late at an earlier gate of the id is not taken for it
    size    integer,  -- NULL: not known yet
    widened integer NOT NULL DEFAULT 0,
    arrived integer NOT NULL DEFAULT 0,  -- so many were counted
    CONSTRAINT gates_pkey PRIMARY KEY (id)
) WITH (
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE UNIQUE INDEX gates_number ON {schema}.gates (number);

-- Who has arrived at a gate. A settlement only adds to them; they are counted in a short transaction behind it, so that
-- the members of a chord never wait for one another's flushes.
CREATE TABLE {schema}.arrivals (
    gate   bigint  NOT NULL,
    member text    COLLATE "C" NOT NULL,
    place  bigint  NOT NULL,
    value  text    COLLATE "C" NOT NULL,
    is_new boolean NOT NULL,  -- not counted yet
    CONSTRAINT arrivals_pkey PRIMARY KEY (gate, member)
) WITH (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX arrivals_new ON {schema}.arrivals (gate) WHERE is_new;

-- What was doomed, and is to be ended.
CREATE TABLE {schema}.dooms (
    number bigint GENERATED ALWAYS AS IDENTITY,
    id     text COLLATE "C" NOT NULL,  -- of the message that waits in vain
    doom   text COLLATE "C" NOT NULL,  -- JSON of gates.Doom: what it waited for
    CONSTRAINT dooms_pkey PRIMARY KEY (number)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE {schema}.uniques (
    key    text COLLATE "C" NOT NULL,
    id     text COLLATE "C" NOT NULL,  -- of the holder; one that has ended holds nothing
    until  bigint,
    fence  integer,  -- held as long as the holder has this fence; NULL: until it ends
    looked bigint NOT NULL,  -- when it was last seen to be held
    CONSTRAINT uniques_pkey PRIMARY KEY (key)
) WITH (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX uniques_id ON {schema}.uniques (id);
CREATE INDEX uniques_looked ON {schema}.uniques (looked);

CREATE TABLE {schema}.buckets (
    name text   COLLATE "C" NOT NULL,
    rest float8 NOT NULL,  -- what was left of the rate
    at   bigint NOT NULL,  -- then
    CONSTRAINT buckets_pkey PRIMARY KEY (name)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0.1);

CREATE TABLE {schema}.notes (
    key     text   COLLATE "C" NOT NULL,
    text    text   COLLATE "C" NOT NULL,
    expires bigint,
    changed bigint NOT NULL,
    CONSTRAINT notes_pkey PRIMARY KEY (key)
) WITH (fillfactor = 70, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0.1);

CREATE INDEX notes_expires ON {schema}.notes (expires) WHERE expires IS NOT NULL;

-- Numbers are given out under a lock, without gaps and in the order in which they become visible.
CREATE TABLE {schema}.journal (
    number bigint NOT NULL,
    entry  text   COLLATE "C" NOT NULL,
    CONSTRAINT journal_pkey PRIMARY KEY (number)
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.1);

-- One row for each bucket, task and queue; whoever adds to it changes it in place. No index has what changes, so that a
-- new version finds room beside the old one.
CREATE TABLE {schema}.tallies (
    width      integer NOT NULL,  -- ms
    at         bigint  NOT NULL,  -- the bucket's beginning
    task       text    COLLATE "C" NOT NULL,
    queue      text    COLLATE "C" NOT NULL,
    counts     jsonb   NOT NULL,  -- numbers by outcome
    ran        bigint[] NOT NULL,  -- a histogram
    ran_sum    float8  NOT NULL,  -- seconds
    waited     bigint[] NOT NULL,
    waited_sum float8  NOT NULL,
    CONSTRAINT tallies_pkey PRIMARY KEY (width, at, task, queue)
) WITH (
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE {schema}.readings (
    width   integer NOT NULL,
    at      bigint  NOT NULL,
    queue   text    COLLATE "C" NOT NULL,
    ready   bigint  NOT NULL,  -- the greatest of each that was read in the bucket
    claimed bigint  NOT NULL,
    oldest  float8  NOT NULL,  -- seconds
    CONSTRAINT readings_pkey PRIMARY KEY (width, at, queue)
) WITH (fillfactor = 70, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.1);
