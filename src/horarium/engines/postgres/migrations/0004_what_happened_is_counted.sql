-- What has happened, counted by time. See schema.sql for the meaning of the columns.

CREATE TABLE {schema}.tallies (
    width      integer NOT NULL,
    at         bigint  NOT NULL,
    task       text    COLLATE "C" NOT NULL,
    queue      text    COLLATE "C" NOT NULL,
    counts     jsonb   NOT NULL,
    ran        bigint[] NOT NULL,
    ran_sum    float8  NOT NULL,
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
    ready   bigint  NOT NULL,
    claimed bigint  NOT NULL,
    oldest  float8  NOT NULL,
    CONSTRAINT readings_pkey PRIMARY KEY (width, at, queue)
) WITH (fillfactor = 70, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.1);
