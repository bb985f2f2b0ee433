-- Count waiting messages by queue, task and whether they are due. Reads one index from end to end.
-- Parameters: :now
-- Result: queue, task, is_due, number, earliest due
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT queue, task, due <= :now, count(*), min(due) FROM runs WHERE phase = 0 GROUP BY 1, 2, 3
