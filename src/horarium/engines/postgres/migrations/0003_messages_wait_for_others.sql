-- Messages that wait for others, or for their slot; unique keys; rates; notes and the journal. See schema.sql for the
-- meaning of the columns. What is blocked has an owner that nobody is, so workers of an older version leave it alone.

ALTER TABLE {schema}.messages
    ADD COLUMN slot text COLLATE "C",
    ADD COLUMN slot_size integer,
    ADD COLUMN uniq boolean NOT NULL DEFAULT false;

CREATE INDEX messages_slot ON {schema}.messages (slot, owner) WHERE slot IS NOT NULL;
CREATE INDEX messages_aside ON {schema}.messages (slot, queue, task, rank, due, turn) WHERE owner = ' slot';

CREATE TABLE {schema}.gates (
    id      text    COLLATE "C" NOT NULL,
    number  bigint  NOT NULL,
    size    integer,
    widened integer NOT NULL DEFAULT 0,
    arrived integer NOT NULL DEFAULT 0,
    CONSTRAINT gates_pkey PRIMARY KEY (id)
) WITH (
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);

CREATE UNIQUE INDEX gates_number ON {schema}.gates (number);

CREATE TABLE {schema}.arrivals (
    gate   bigint  NOT NULL,
    member text    COLLATE "C" NOT NULL,
    place  bigint  NOT NULL,
    value  text    COLLATE "C" NOT NULL,
    is_new boolean NOT NULL,
    CONSTRAINT arrivals_pkey PRIMARY KEY (gate, member)
) WITH (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX arrivals_new ON {schema}.arrivals (gate) WHERE is_new;

CREATE TABLE {schema}.dooms (
    number bigint GENERATED ALWAYS AS IDENTITY,
    id     text COLLATE "C" NOT NULL,
    doom   text COLLATE "C" NOT NULL,
    CONSTRAINT dooms_pkey PRIMARY KEY (number)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE {schema}.uniques (
    key    text COLLATE "C" NOT NULL,
    id     text COLLATE "C" NOT NULL,
    until  bigint,
    fence  integer,
    looked bigint NOT NULL,
    CONSTRAINT uniques_pkey PRIMARY KEY (key)
) WITH (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX uniques_id ON {schema}.uniques (id);
CREATE INDEX uniques_looked ON {schema}.uniques (looked);

CREATE TABLE {schema}.buckets (
    name text   COLLATE "C" NOT NULL,
    rest float8 NOT NULL,
    at   bigint NOT NULL,
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

CREATE TABLE {schema}.journal (
    number bigint NOT NULL,
    entry  text   COLLATE "C" NOT NULL,
    CONSTRAINT journal_pkey PRIMARY KEY (number)
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.1);
