-- Count waiting messages by queue and task. Reads one index from end to end, in its own order.
-- Parameters: :now
-- Result: queue, task, number, number of those due, earliest due
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT queue, task, count(*), sum(due <= :now), min(due) FROM runs WHERE phase = 0 GROUP BY queue, task
