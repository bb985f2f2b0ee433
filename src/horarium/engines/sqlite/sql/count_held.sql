-- Count messages in hand by queue.
-- Parameters: none
-- Result: queue, number
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT queue, count(*) FROM runs WHERE phase = 1 GROUP BY queue
