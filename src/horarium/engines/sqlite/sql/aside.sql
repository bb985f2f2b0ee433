-- List the first of each queue and task that stand aside for a slot.
-- Parameters: ?1 slot
-- Result: seq, queue
-- State: unchanged
-- Safe: inside the write transaction in which one of the slot has left
SELECT seq, queue FROM (
    SELECT seq, queue, row_number() OVER (PARTITION BY queue, task ORDER BY rank, due, turn) AS number
    FROM runs INDEXED BY runs_aside WHERE phase = -2 AND slot = ?1
) WHERE number = 1
