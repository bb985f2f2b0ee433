-- Count what has not ended, by queue, task, state and where it stands. Reads the hot table from end to end.
-- Parameters: now
-- Result: queue, task, state, place (0: in hand, 1: in line, 2: blocked), number, number of those due, earliest due
-- State: unchanged
-- Safe: in one transaction with count_ended.sql, under one snapshot
SELECT queue, task, state, CASE WHEN owner IS NULL THEN 1 WHEN owner IN (' gate', ' slot') THEN 2 ELSE 0 END, count(*), count(*) FILTER (WHERE due <= %(now)s::bigint), min(due)
FROM {schema}.messages GROUP BY 1, 2, 3, 4
