-- List the messages of a schedule that have not ended.
-- Parameters: :schedule (name)
-- Result: the columns of moves.Entry
-- State: unchanged
-- Safe: inside the write transaction that fires
SELECT seq, id, phase, state, owner, fence, settled, attempt, crashes, cancel, due, worker, started, keep, schedule, message, history
FROM runs INDEXED BY runs_active WHERE schedule = :schedule AND phase < 2 ORDER BY turn
