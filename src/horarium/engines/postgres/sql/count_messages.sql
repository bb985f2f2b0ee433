-- Count what has not ended, by queue, task, state and whether it is in hand. Reads the hot table from end to end.
-- Parameters: now
-- Result: queue, task, state, is in hand, number, number of those due, earliest due
-- State: unchanged
-- Safe: in one transaction with count_ended.sql, under one snapshot
SELECT queue, task, state, owner IS NOT NULL, count(*), count(*) FILTER (WHERE due <= %(now)s::bigint), min(due)
FROM {schema}.messages GROUP BY 1, 2, 3, 4
