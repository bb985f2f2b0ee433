-- Count messages in hand by queue. The index is named, or all runs would be walked in the order of their queues.
-- Parameters: none
-- Result: queue, number
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT queue, count(*) FROM runs INDEXED BY runs_held WHERE phase = 1 GROUP BY queue
