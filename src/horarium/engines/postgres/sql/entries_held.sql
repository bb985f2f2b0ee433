-- Look at what owners hold.
-- Parameters: owners
-- Result: the columns of moves.Entry, in the order of puts
-- State: unchanged, locked
-- Safe: inside the transaction that moves them; what was settled or taken back meanwhile is not found
SELECT id, queue, state, owner, fence, settled, attempt, crashes, cancel, due, expires, worker, started, keep, message, history
FROM {schema}.messages WHERE owner = ANY (%(owners)s::text[]) ORDER BY turn FOR UPDATE
