-- Look at waiting messages past their expires, the blocked ones among them.
-- Parameters: now, limit
-- Result: the columns of moves.Entry
-- State: unchanged, locked
-- Safe: inside the transaction that ends them; those that somebody else is at are left to them
SELECT id, queue, state, owner, fence, settled, attempt, crashes, cancel, due, expires, worker, started, keep, schedule,
    nominal, slot, message, history
FROM {schema}.messages WHERE coalesce(owner, ' gate') IN (' gate', ' slot') AND expires <= %(now)s::bigint
ORDER BY expires LIMIT %(limit)s::bigint FOR UPDATE SKIP LOCKED
