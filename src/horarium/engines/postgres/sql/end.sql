-- End messages.
-- Parameters: ids, states, settleds, attempts, workers, starteds, endeds, keeps, results, histories, messages
--   (NULL: as it is): arrays of one length, sorted by id; now
-- Result: none
-- State: waiting or in hand -> ended
-- (Rows are reached by ctid, and found by id in a LATERAL: joined by id, a table that was analysed while it was empty is
-- read from end to end, for ever.)
-- Safe: inside the transaction that has locked them
WITH told AS MATERIALIZED (
    SELECT told.*, held.tid FROM unnest(
        %(ids)s::text[], %(states)s::text[], %(settleds)s::bigint[], %(attempts)s::integer[], %(workers)s::text[],
        %(starteds)s::bigint[], %(endeds)s::bigint[], %(keeps)s::bigint[], %(results)s::text[], %(histories)s::text[],
        %(messages)s::text[]
    ) AS told (id, state, settled, attempt, worker, started, ended, keep, result, history, message)
    CROSS JOIN LATERAL (SELECT m.ctid AS tid FROM {schema}.messages AS m WHERE m.id = told.id OFFSET 0) AS held
),
gone AS (
    DELETE FROM {schema}.messages AS m USING told WHERE m.ctid = told.tid
    RETURNING m.id, m.turn, m.queue, m.task, told.state, told.attempt, told.settled, m.cancel, m.schedule, m.parent,
        m.root, m.created, told.worker, told.started, told.ended, told.keep, coalesce(told.message, m.message) AS message,
        told.result, told.history
)
INSERT INTO {schema}.runs
    (id, turn, queue, task, state, attempt, settled, cancel, schedule, parent, root, created, worker, started, ended,
    changed, keep, message, result, history)
SELECT id, turn, queue, task, state, attempt, settled, cancel, schedule, parent, root, created, worker, started, ended,
    %(now)s::bigint, keep, message, result, history
FROM gone
ON CONFLICT (id) DO NOTHING
