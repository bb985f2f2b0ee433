-- Look at what an owner holds.
-- Parameters: :owner
-- Result: the columns of moves.Entry, in the order in which they were stored
-- State: unchanged
-- Safe: inside the write transaction that moves them
SELECT seq, id, phase, state, owner, fence, settled, attempt, crashes, cancel, due, worker, started, keep, schedule, message, history
FROM runs WHERE phase = 1 AND owner = :owner ORDER BY seq
