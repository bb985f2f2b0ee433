-- Look up a schedule's lasting id.
-- Parameters: name
-- Result: id
-- State: unchanged
-- Safe: in the transaction that fires
SELECT id FROM {schema}.schedules WHERE name = %(name)s::text
