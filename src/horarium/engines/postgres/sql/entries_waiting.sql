-- Look at waiting messages of queues that have more than themselves: a history, a gate, a slot or a unique key (see
-- purge.sql for the others).
-- Parameters: queues (array, or NULL for all)
-- Result: the columns of moves.Entry
-- State: unchanged, locked
-- Safe: inside the transaction that ends them
SELECT id, queue, state, owner, fence, settled, attempt, crashes, cancel, due, expires, worker, started, keep, schedule,
    nominal, slot, message, history
FROM {schema}.messages
WHERE coalesce(owner, ' gate') IN (' gate', ' slot') AND (
    owner IS NOT NULL OR history IS NOT NULL OR slot IS NOT NULL OR uniq
) AND (%(queues)s::text[] IS NULL OR queue = ANY (%(queues)s::text[]))
ORDER BY id FOR UPDATE
