-- Store messages of which some have a gate, a slot or a unique key; as insert.sql otherwise.
-- Parameters: those of insert.sql; owners (NULL, or that of what a gate blocks), slots, slot_sizes, uniqs: arrays of the
--   same length
-- Result: id of each that is new
-- State: (unknown) -> waiting, PENDING, or blocked; an id that waits or is in hand stays as it is
-- Safe: see insert.sql, which stays as short as it is for all the others
INSERT INTO {schema}.messages
    (id, turn, queue, task, rank, due, expires, once, token, state, schedule, nominal, parent, root, created, changed,
    message, owner, slot, slot_size, uniq)
SELECT id, nextval('{schema}.turns'), queue, task, rank, coalesce(eta, %(now)s::bigint), expires, once,
    %(token)s::bigint, 'PENDING', schedule, nominal, parent, root, created, %(now)s::bigint, message, owner, slot,
    slot_size, uniq
FROM unnest(
    %(ids)s::text[], %(queues)s::text[], %(tasks)s::text[], %(ranks)s::integer[], %(etas)s::bigint[],
    %(expires)s::bigint[], %(onces)s::boolean[], %(schedules)s::text[], %(nominals)s::bigint[], %(parents)s::text[],
    %(roots)s::text[], %(createds)s::bigint[], %(messages)s::text[], %(owners)s::text[], %(slots)s::text[],
    %(slot_sizes)s::integer[], %(uniqs)s::boolean[]
) AS told (
    id, queue, task, rank, eta, expires, once, schedule, nominal, parent, root, created, message, owner, slot, slot_size,
    uniq
)
ON CONFLICT (id) DO NOTHING
RETURNING id
