-- Look at what owners hold.
-- Parameters: owners
-- Result: the columns of moves.Entry, in the order of puts
-- State: unchanged, locked
-- (Ordered by id || '', the planner cannot walk the key of the table instead of looking up the owners.)
-- Safe: locked in the order of ids, as everybody does, inside the transaction that moves them; what was settled or taken
--   back meanwhile is not found
WITH held AS MATERIALIZED (
    SELECT id, queue, state, owner, fence, settled, attempt, crashes, cancel, due, expires, worker, started, keep, schedule,
        nominal, slot, message, history, turn
    FROM {schema}.messages WHERE owner = ANY (%(owners)s::text[]) ORDER BY id || '' FOR UPDATE
)
SELECT id, queue, state, owner, fence, settled, attempt, crashes, cancel, due, expires, worker, started, keep, schedule,
    nominal, slot, message, history
FROM held ORDER BY turn
