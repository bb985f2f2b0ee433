-- Look at one message and where it stands.
-- Parameters: :seq
-- Result: the columns of moves.Entry
-- State: unchanged
-- Safe: inside the write transaction that moves it
SELECT seq, id, phase, state, owner, fence, settled, attempt, crashes, cancel, due, worker, started, keep, schedule, message, history
FROM runs WHERE seq = :seq
