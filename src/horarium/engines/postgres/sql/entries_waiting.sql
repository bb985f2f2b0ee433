-- Look at waiting messages of queues that have a history (see purge.sql for the others).
-- Parameters: queues (array, or NULL for all)
-- Result: the columns of moves.Entry
-- State: unchanged, locked
-- Safe: inside the transaction that ends them
SELECT id, queue, state, owner, fence, settled, attempt, crashes, cancel, due, expires, worker, started, keep, schedule,
    nominal, message, history
FROM {schema}.messages
WHERE owner IS NULL AND history IS NOT NULL AND (%(queues)s::text[] IS NULL OR queue = ANY (%(queues)s::text[]))
ORDER BY id FOR UPDATE
