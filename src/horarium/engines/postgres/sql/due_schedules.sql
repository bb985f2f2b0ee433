-- List active schedules that are due, the earliest first.
-- Parameters: until, limit
-- Result: the columns of schedules.to_schedule
-- State: unchanged
-- Safe: a hint; fire compares again
SELECT name, id, owner, version, next_fire, last_fire, total_runs, missed, record
FROM {schema}.schedules WHERE active AND next_fire IS NOT NULL AND next_fire <= %(until)s::bigint
ORDER BY next_fire, name LIMIT %(limit)s::bigint
