-- End messages.
-- Parameters: ids, states, settleds, attempts, workers, starteds, endeds, keeps, results, histories: arrays of one
--   length, sorted by id; now
-- Result: none
-- State: waiting or in hand -> ended
-- Safe: inside the transaction that has locked them
WITH told AS MATERIALIZED (
    SELECT * FROM unnest(
        %(ids)s::text[], %(states)s::text[], %(settleds)s::bigint[], %(attempts)s::integer[], %(workers)s::text[],
        %(starteds)s::bigint[], %(endeds)s::bigint[], %(keeps)s::bigint[], %(results)s::text[], %(histories)s::text[]
    ) AS told (id, state, settled, attempt, worker, started, ended, keep, result, history)
),
gone AS (
    DELETE FROM {schema}.messages AS m USING told WHERE m.id = told.id
    RETURNING m.id, m.turn, m.queue, m.task, told.state, told.attempt, told.settled, m.cancel, m.schedule, m.parent,
        m.root, m.created, told.worker, told.started, told.ended, told.keep, m.message, told.result, told.history
)
INSERT INTO {schema}.runs
    (id, turn, queue, task, state, attempt, settled, cancel, schedule, parent, root, created, worker, started, ended,
    changed, keep, message, result, history)
SELECT id, turn, queue, task, state, attempt, settled, cancel, schedule, parent, root, created, worker, started, ended,
    %(now)s::bigint, keep, message, result, history
FROM gone
ON CONFLICT (id) DO NOTHING
