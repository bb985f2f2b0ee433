-- Store runs that have ended elsewhere, in place of whatever is known of their ids.
-- Parameters: ids, queues, tasks, states, attempts, cancels, schedules, parents, roots, createds, workers, starteds,
--   endeds, changeds, keeps (such that changed + keep is when it is to be forgotten), messages, results, histories:
--   arrays of one length, sorted by id, each id once
-- Result: none
-- State: (unknown) or ended -> ended; what waits or is in hand stays as it is
-- Safe: told twice, it stores the same again
INSERT INTO {schema}.runs AS r
    (id, turn, queue, task, state, attempt, cancel, schedule, parent, root, created, worker, started, ended, changed, keep,
    message, result, history)
SELECT id, nextval('{schema}.turns'), queue, task, state, attempt, cancel, schedule, parent, root, created, worker,
    started, ended, changed, keep, message, result, history
FROM unnest(
    %(ids)s::text[], %(queues)s::text[], %(tasks)s::text[], %(states)s::text[], %(attempts)s::integer[],
    %(cancels)s::text[], %(schedules)s::text[], %(parents)s::text[], %(roots)s::text[], %(createds)s::bigint[],
    %(workers)s::text[], %(starteds)s::bigint[], %(endeds)s::bigint[], %(changeds)s::bigint[], %(keeps)s::bigint[],
    %(messages)s::text[], %(results)s::text[], %(histories)s::text[]
) AS told (
    id, queue, task, state, attempt, cancel, schedule, parent, root, created, worker, started, ended, changed, keep,
    message, result, history
)
WHERE (SELECT true FROM {schema}.messages AS m WHERE m.id = told.id) IS NULL
ON CONFLICT (id) DO UPDATE
SET queue = excluded.queue, task = excluded.task, state = excluded.state, attempt = excluded.attempt, settled = NULL,
    cancel = excluded.cancel, schedule = excluded.schedule, parent = excluded.parent, root = excluded.root,
    created = excluded.created, worker = excluded.worker, started = excluded.started, ended = excluded.ended,
    changed = excluded.changed, keep = excluded.keep, message = excluded.message, result = excluded.result,
    history = excluded.history
