-- Store messages that wait for their first start, in the order given.
-- Parameters: ids, queues, tasks, ranks (the priority, negated), etas, expires, onces, schedules, nominals, parents,
--   roots, createds, messages (JSON): arrays of one length; now; token (of this call)
-- Result: id of each that is new
-- State: (unknown) -> waiting, PENDING; an id that waits or is in hand stays as it is
-- Safe: the unique id decides. An id that has ended is not seen here: drop_known, in the same transaction, looks for it
INSERT INTO {schema}.messages
    (id, turn, queue, task, rank, due, expires, once, token, state, schedule, nominal, parent, root, created, changed,
    message)
SELECT id, nextval('{schema}.turns'), queue, task, rank, coalesce(eta, %(now)s::bigint), expires, once,
    %(token)s::bigint, 'PENDING', schedule, nominal, parent, root, created, %(now)s::bigint, message
FROM unnest(
    %(ids)s::text[], %(queues)s::text[], %(tasks)s::text[], %(ranks)s::integer[], %(etas)s::bigint[],
    %(expires)s::bigint[], %(onces)s::boolean[], %(schedules)s::text[], %(nominals)s::bigint[], %(parents)s::text[],
    %(roots)s::text[], %(createds)s::bigint[], %(messages)s::text[]
) AS told (id, queue, task, rank, eta, expires, once, schedule, nominal, parent, root, created, message)
ON CONFLICT (id) DO NOTHING
RETURNING id
