-- Store messages whose ids nobody else can know, and wake whoever listens when the caller's own transaction commits.
-- Parameters: as insert.sql; channels
-- Result: none of meaning
-- State: (unknown) -> waiting, PENDING
-- Safe: an id that was made for this very call has no run that could have ended, so drop_known need not look; should
--   one be there all the same, the unique id refuses it, and the caller's transaction with it
WITH stored AS (
    INSERT INTO {schema}.messages
        (id, turn, queue, task, rank, due, expires, once, token, state, schedule, nominal, parent, root, created,
        changed, message)
    SELECT id, nextval('{schema}.turns'), queue, task, rank, coalesce(eta, %(now)s::bigint), expires, once,
        %(token)s::bigint, 'PENDING', schedule, nominal, parent, root, created, %(now)s::bigint, message
    FROM unnest(
        %(ids)s::text[], %(queues)s::text[], %(tasks)s::text[], %(ranks)s::integer[], %(etas)s::bigint[],
        %(expires)s::bigint[], %(onces)s::boolean[], %(schedules)s::text[], %(nominals)s::bigint[],
        %(parents)s::text[], %(roots)s::text[], %(createds)s::bigint[], %(messages)s::text[]
    ) AS told (id, queue, task, rank, eta, expires, once, schedule, nominal, parent, root, created, message)
)
SELECT pg_notify(channel, '') FROM unnest(%(channels)s::text[]) AS topic (channel)
