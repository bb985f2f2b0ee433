-- Look at waiting messages of a queue that purge.sql has left.
-- Parameters: :queues (JSON array, or NULL for all)
-- Result: the columns of moves.Entry
-- State: unchanged
-- Safe: inside the write transaction that ends them
SELECT seq, id, phase, state, owner, fence, settled, attempt, crashes, cancel, due, worker, started, keep, schedule, message, history
FROM runs
WHERE phase = 0 AND (:queues IS NULL OR queue IN (SELECT value FROM json_each(:queues)))
