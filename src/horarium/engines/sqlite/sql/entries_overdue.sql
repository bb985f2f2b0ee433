-- Look at waiting and blocked messages past their expires.
-- Parameters: :now, :limit
-- Result: the columns of moves.Entry
-- State: unchanged
-- Safe: inside the write transaction that ends them
SELECT seq, id, phase, state, owner, fence, settled, attempt, crashes, cancel, due, worker, started, keep, schedule, message, history
FROM runs WHERE phase <= 0 AND expires IS NOT NULL AND expires <= :now ORDER BY expires LIMIT :limit
