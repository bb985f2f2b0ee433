-- The first schema. See schema.sql for the meaning of the columns.

CREATE SEQUENCE {schema}.turns;

CREATE TABLE {schema}.messages (
    id       text    COLLATE "C" NOT NULL,
    turn     bigint  NOT NULL,
    queue    text    COLLATE "C" NOT NULL,
    task     text    COLLATE "C" NOT NULL,
    rank     integer NOT NULL,
    due      bigint  NOT NULL,
    expires  bigint,
    once     boolean NOT NULL,
    crashes  integer NOT NULL DEFAULT 0,
    attempt  integer NOT NULL DEFAULT 0,
    fence    integer NOT NULL DEFAULT 0,
    owner    text    COLLATE "C",
    token    bigint  NOT NULL,
    state    text    COLLATE "C" NOT NULL,
    settled  bigint,
    cancel   text    COLLATE "C",
    schedule text    COLLATE "C",
    parent   text    COLLATE "C",
    root     text    COLLATE "C",
    created  bigint  NOT NULL,
    worker   text    COLLATE "C" NOT NULL DEFAULT '',
    started  bigint,
    changed  bigint  NOT NULL,
    keep     bigint,
    message  text    COLLATE "C" NOT NULL,
    history  text    COLLATE "C",
    CONSTRAINT messages_pkey PRIMARY KEY (id)
) WITH (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.2, toast_tuple_target = 4096
);

CREATE INDEX messages_line ON {schema}.messages (queue, task, rank, due, turn) WHERE owner IS NULL;
CREATE INDEX messages_held ON {schema}.messages (owner) WHERE owner IS NOT NULL;
CREATE INDEX messages_expires ON {schema}.messages (expires) WHERE expires IS NOT NULL;
CREATE INDEX messages_age ON {schema}.messages (created, turn);

CREATE TABLE {schema}.runs (
    id       text    COLLATE "C" NOT NULL,
    turn     bigint  NOT NULL,
    queue    text    COLLATE "C" NOT NULL,
    task     text    COLLATE "C" NOT NULL,
    state    text    COLLATE "C" NOT NULL,
    attempt  integer NOT NULL,
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
    given_up    bigint,
    member      text   COLLATE "C" NOT NULL,
    CONSTRAINT owners_pkey PRIMARY KEY (owner)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0.1);

CREATE TABLE {schema}.schedules (
    name       text    COLLATE "C" NOT NULL,
    id         text    COLLATE "C" NOT NULL,
    owner      text    COLLATE "C" NOT NULL,
    active     boolean NOT NULL,
    version    bigint  NOT NULL,
    next_fire  bigint,
    last_fire  bigint,
    total_runs bigint  NOT NULL,
    missed     bigint  NOT NULL,
    token      bigint  NOT NULL,
    record     text    COLLATE "C" NOT NULL,
    CONSTRAINT schedules_pkey PRIMARY KEY (name)
) WITH (fillfactor = 70);

CREATE INDEX schedules_due ON {schema}.schedules (next_fire, name) WHERE active AND next_fire IS NOT NULL;

CREATE TABLE {schema}.firings (
    nominal  bigint NOT NULL,
    schedule text   COLLATE "C" NOT NULL,
    kind     text   COLLATE "C" NOT NULL,
    token    bigint NOT NULL,
    CONSTRAINT firings_pkey PRIMARY KEY (nominal, schedule, kind)
);
