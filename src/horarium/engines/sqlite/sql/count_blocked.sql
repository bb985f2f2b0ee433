-- Count blocked messages by queue.
-- Parameters: none
-- Result: queue, number
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT queue, count(*) FROM runs INDEXED BY runs_blocked WHERE phase < 0 GROUP BY queue
