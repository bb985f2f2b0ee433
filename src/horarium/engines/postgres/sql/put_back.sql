-- Let messages in hand, or behind a gate, wait again; a message may have been replaced.
-- Parameters: ids, states, settleds, attempts, crashes, keeps, histories, dues, owners (NULL, or that
--   of what a gate blocks), and of the message: queues, tasks, ranks, expires, onces, schedules, nominals, parents, roots,
--   slots, slot_sizes, messages: arrays of one length; now
-- Result: none
-- State: in hand or blocked -> waiting, PENDING or RETRY; its turn stays
-- (Rows are reached by ctid, and found by id in a LATERAL: joined by id, a table that was analysed while it was empty is
-- read from end to end, for ever.)
-- Safe: inside the transaction that has locked them
UPDATE {schema}.messages AS m
SET owner = told.owner, state = told.state, settled = told.settled, attempt = told.attempt, crashes = told.crashes, worker = '',
    started = NULL, changed = %(now)s::bigint, keep = told.keep, history = told.history, due = told.due,
    queue = told.queue, task = told.task, rank = told.rank, expires = told.expires, once = told.once,
    schedule = told.schedule, nominal = told.nominal, parent = told.parent, root = told.root, slot = told.slot,
    slot_size = told.slot_size, message = told.message
FROM (
    SELECT told.*, held.tid FROM unnest(
        %(ids)s::text[], %(states)s::text[], %(settleds)s::bigint[], %(attempts)s::integer[], %(crashes)s::integer[],
        %(keeps)s::bigint[], %(histories)s::text[], %(dues)s::bigint[], %(queues)s::text[], %(tasks)s::text[],
        %(ranks)s::integer[], %(expires)s::bigint[], %(onces)s::boolean[], %(schedules)s::text[], %(nominals)s::bigint[],
        %(parents)s::text[], %(roots)s::text[], %(owners)s::text[], %(slots)s::text[], %(slot_sizes)s::integer[],
        %(messages)s::text[]
    ) AS told (
        id, state, settled, attempt, crashes, keep, history, due, queue, task, rank, expires, once, schedule, nominal,
        parent, root, owner, slot, slot_size, message
    )
    CROSS JOIN LATERAL (SELECT m.ctid AS tid FROM {schema}.messages AS m WHERE m.id = told.id OFFSET 0) AS held
    OFFSET 0
) AS told
WHERE m.ctid = told.tid
