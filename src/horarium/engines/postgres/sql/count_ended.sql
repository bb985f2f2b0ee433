-- Count ended runs by state.
-- Parameters: none
-- Result: state, number
-- State: unchanged
-- Safe: in one transaction with count_messages.sql, under one snapshot
SELECT state, count(*) FROM {schema}.runs GROUP BY state
