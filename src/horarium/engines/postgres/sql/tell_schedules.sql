-- Tell schedules that runs of theirs have ended.
-- Parameters: names, succeededs (the newest nominal that succeeded, or NULL), failures (in a row, the latest ones), resets
--   (something succeeded before those): arrays of one length, each name once; now
-- Result: name of each that was held
-- State: counts as told; held -> due again
-- (Written as an insert of what is there already: ON CONFLICT finds the newest version of a row whatever the snapshot is,
-- and finds it by index whatever the planner thinks. The locks are taken before, one by one, in the order of names.)
-- Safe: sent behind the statements that have ended the runs, at the end of their transaction: see news.py
WITH stands AS MATERIALIZED (
    SELECT told.*, s.id, s.owner, s.active, s.version, s.total_runs, s.missed, s.token, s.held
    FROM (
        SELECT * FROM unnest(
            %(names)s::text[], %(succeededs)s::bigint[], %(failures)s::bigint[], %(resets)s::boolean[]
        ) AS told (name, succeeded, failures, reset)
        ORDER BY name COLLATE "C" OFFSET 0
    ) AS told
    CROSS JOIN LATERAL (
        SELECT s.name, s.id, s.owner, s.active, s.version, s.total_runs, s.missed, s.token, s.held
        FROM {schema}.schedules AS s WHERE s.name = told.name FOR UPDATE
    ) AS s
),
told AS (
    INSERT INTO {schema}.schedules AS s
        (name, id, owner, active, version, total_runs, missed, token, record, succeeded, failures, ended, held)
    SELECT name, id, owner, active, version, total_runs, missed, token, '', succeeded, failures, %(now)s::bigint, reset
    FROM stands
    ON CONFLICT (name) DO UPDATE
    SET succeeded = greatest(s.succeeded, excluded.succeeded), ended = greatest(s.ended, excluded.ended), held = false,
        failures = CASE WHEN excluded.held THEN 0 ELSE s.failures END + excluded.failures
)
SELECT name FROM stands WHERE held
