-- Count messages in hand by task.
-- Parameters: none
-- Result: task, number
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT task, count(*) FROM runs INDEXED BY runs_held WHERE phase = 1 GROUP BY task
