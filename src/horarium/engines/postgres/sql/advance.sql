-- Move schedules on, or hold them.
-- Parameters: names, tokens, next_fires, last_fires, total_runs, misseds, skippeds, helds, endeds: arrays of one length, each
--   name once
-- Result: none
-- State: at next_fire -> at the next one; or due -> held
-- (Rows are reached by ctid, and found by name in a LATERAL: joined by name, a table that was analysed while it was small
-- is read from end to end, for ever.)
-- Safe: inside the transaction that has locked them, with a newer snapshot; the counts are those read under the lock
UPDATE {schema}.schedules AS s
SET token = told.token, next_fire = told.next_fire, last_fire = told.last_fire, total_runs = told.total_runs,
    missed = told.missed, skipped = told.skipped, held = told.held, ended = told.ended
FROM (
    SELECT told.*, here.tid FROM unnest(
        %(names)s::text[], %(tokens)s::bigint[], %(next_fires)s::bigint[], %(last_fires)s::bigint[],
        %(total_runs)s::bigint[], %(misseds)s::bigint[], %(skippeds)s::bigint[], %(helds)s::boolean[],
        %(endeds)s::bigint[]
    ) AS told (name, token, next_fire, last_fire, total_runs, missed, skipped, held, ended)
    CROSS JOIN LATERAL (SELECT s.ctid AS tid FROM {schema}.schedules AS s WHERE s.name = told.name OFFSET 0) AS here
    OFFSET 0
) AS told
WHERE s.ctid = told.tid
