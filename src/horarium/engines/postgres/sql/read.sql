-- Read runs.
-- Parameters: ids
-- Result: the columns of rows.to_run
-- State: unchanged
-- Safe: one statement, one snapshot: one that ends at this moment is seen once, before or after
SELECT id, false, state, task, queue, created, attempt, cancel, worker, started, NULL::bigint, changed, message, NULL::text, history
FROM {schema}.messages WHERE id = ANY (%(ids)s::text[])
UNION ALL
SELECT id, true, state, task, queue, created, attempt, cancel, worker, started, ended, changed, message, result, history
FROM {schema}.runs WHERE id = ANY (%(ids)s::text[])
