-- Look at messages that have not ended, and hold them.
-- Parameters: ids
-- Result: the columns of moves.Entry
-- State: unchanged, locked
-- Safe: locked in the order of ids, inside the transaction that moves them; what has been moved meanwhile is not found
SELECT id, queue, state, owner, fence, settled, attempt, crashes, cancel, due, expires, worker, started, keep, schedule,
    nominal, slot, message, history
FROM {schema}.messages WHERE id = ANY (%(ids)s::text[]) ORDER BY id FOR UPDATE
