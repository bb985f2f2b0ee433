-- Count runs by state. Reads one index from end to end.
-- Parameters: none
-- Result: state, number
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT state, count(*) FROM runs GROUP BY state
