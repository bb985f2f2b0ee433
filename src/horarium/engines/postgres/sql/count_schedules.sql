-- Count schedules.
-- Parameters: none
-- Result: number
-- State: unchanged
-- Safe: one statement, one snapshot
SELECT count(*) FROM {schema}.schedules
